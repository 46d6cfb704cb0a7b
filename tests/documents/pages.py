"""The pages of the project and the blocks of code in them, each with its place."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import msgspec

__all__ = ("PAGES", "ROOT", "Block", "Page", "page")

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"( *)(```+)([^\n`]*)\n(.*?)^\1\2`* *$", re.MULTILINE | re.DOTALL)
_BAD_FENCE = re.compile(r"^ *~~~", re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """One fenced block."""

    path: str
    """Of the page, below the project's folder."""
    line: int
    """Of its first line of code, from 1."""
    language: str
    code: str

    @property
    def id(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def compiled(self) -> CodeType:
        """Of Python: with its lines as they are on the page. `await` may stand outside of
        functions. Raises SyntaxError.
        """
        text = "\n" * (self.line - 1) + self.code
        code: CodeType = compile(text, self.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return code

    async def run(self, names: dict[str, Any]) -> None:
        """Of Python: run it among these names. Raises whatever it raises."""
        result = eval(self.compiled, names)
        if inspect.iscoroutine(result):
            await result


class Page(msgspec.Struct, frozen=True):
    """One document."""

    path: str

    @property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of them, in order."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        text = self.text
        assert not _BAD_FENCE.search(text), f"{self.path}: blocks are fenced by backticks"
        for found in _FENCE.finditer(text):
            indent, _, info, code = found.groups()
            line = text.count("\n", 0, found.start(4)) + 1
            bare = re.sub(f"^{indent}", "", code, flags=re.MULTILINE)
            yield Block(self.path, line, info.strip(), bare)

    def of(self, *languages: str) -> tuple[Block, ...]:
        """The blocks in these languages."""
        return tuple(block for block in self.blocks if block.language in languages)

    async def run(self, upto: str | None = None, **names: Any) -> dict[str, Any]:
        """Run the Python of the page in order, as one program whose `__name__` is not `__main__`,
        up to the first block that holds a text; gives its names.
        """
        program: dict[str, Any] = {"__name__": "page", **names}
        for block in self.of("python"):
            await block.run(program)
            if upto is not None and upto in block.code:
                return program
        assert upto is None, f"{self.path} has no Python with {upto!r}"
        return program


def page(path: str) -> Page:
    """The document at this path below the project's folder."""
    return Page(path)


def _paths() -> Iterator[Path]:
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "examples/**/*.md"):
        yield from ROOT.glob(pattern)
    yield from (ROOT / "antiphon").rglob("*.md")


PAGES: tuple[Page, ...] = tuple(Page(str(path.relative_to(ROOT))) for path in sorted(_paths()))
"""Every document that people read."""
