"""The commands of the documents, against the programs that they name."""

import contextlib
import importlib.util
import io
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Sequence

from uvicorn.main import main as uvicorn_command

from antiphon.cli.main import make_parser
from tests.documents.pages import ROOT, Block

__all__ = ("OTHERS", "check", "commands")

OTHERS = frozenset({"curl", "docker", "sudo", "systemctl", "git", "cd", "export", "source"})
"""Programs that are not this project's, and whose arguments nobody here can judge."""


def commands(block: Block) -> Iterator[str]:
    """The command lines of a block: of a `console` block those behind a prompt, without the output;
    of any other all lines. Lines that end in a backslash go on.
    """
    text = block.code.replace("\\\n", " ")
    for line in text.splitlines():
        if block.language == "console":
            if line.startswith("$ "):
                yield line.removeprefix("$ ")
        elif line.strip() and not line.lstrip().startswith("#"):
            yield line


def check(command: str) -> None:
    """Raises ValueError for what the program would not take."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]  # variables for the program
    if not words or words[0] in OTHERS:
        return
    checker = _CHECKERS.get(words[0])
    if checker is None:
        raise ValueError(f"nobody checks commands of {words[0]!r}")
    checker([word for word in words[1:] if word not in ("&", "&&")])


def _antiphon(arguments: Sequence[str]) -> None:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            make_parser().parse_args(arguments)
    except SystemExit as left:
        if left.code:
            raise ValueError(said.getvalue()) from None


def _make(arguments: Sequence[str]) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {word for word in arguments if "=" not in word}
    if unknown := asked - targets:
        raise ValueError(f"the Makefile has no {', '.join(sorted(unknown))}")


def _pip(arguments: Sequence[str]) -> None:
    if arguments[0] != "install":
        raise ValueError(f"pip {arguments[0]}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in arguments[1:]:
        found = re.fullmatch(r"antiphon(?:\[([\w,]+)\])?", requirement)
        extras = set((found[1] or "").split(",")) - {""} if found else set[str]()
        if unknown := extras - set(project["optional-dependencies"]):
            raise ValueError(f"there is no extra {', '.join(sorted(unknown))}")


def _python(arguments: Sequence[str]) -> None:
    """`python -m module ...` of the project, `python -m pip`, or a program that the page shows."""
    if arguments[0] == "-m" and arguments[1] == "pip":
        _pip(arguments[2:])
    elif arguments[0] == "-m" and importlib.util.find_spec(arguments[1]) is None:
        raise ValueError(f"there is no module {arguments[1]}")


def _uvicorn(arguments: Sequence[str]) -> None:
    context = uvicorn_command.make_context("uvicorn", list(arguments))
    if not re.fullmatch(r"[\w.]+:[\w.]+", context.params["app"]):
        raise ValueError(f"no application: {context.params['app']}")


def _pytest(arguments: Sequence[str]) -> None:
    if any(argument.startswith("-") and argument != "-q" for argument in arguments):
        raise ValueError(f"options of pytest: {arguments}")


_CHECKERS: dict[str, Callable[[Sequence[str]], None]] = {
    "antiphon": _antiphon,
    "make": _make,
    "pip": _pip,
    "python": _python,
    "pytest": _pytest,
    "uvicorn": _uvicorn,
}
