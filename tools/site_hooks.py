"""What MkDocs is told beyond its configuration: links out of `docs/` become pages of the site, and
drawings stand in the text, where they follow its colours.

A page links to the files of the repository as they lie there, so that its links work for who reads
it in the repository. On the site each file that is linked is a page: Markdown as it is, all else as
its text. Where a link leads nowhere it is left alone, and MkDocs tells of it.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, cast

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

__all__ = ("on_files", "on_page_markdown")

Nav: TypeAlias = "str | list[Nav] | dict[str, Nav] | None"

ROOT = Path(__file__).resolve().parents[1]
DOCS = "docs/"
_FENCED = re.compile(r"(^ *(?:```+|~~~+).*?^ *(?:```+|~~~+) *$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_LANGUAGES = {".py": "python", ".toml": "toml", ".html": "html", ".yml": "yaml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that links and the navigation ask for."""
    waiting = [_repository_path(file.src_uri) for file in files.documentation_pages()]
    named = _named(cast(Nav, config["nav"]))
    waiting += [path for path in named if not (ROOT / DOCS / path).exists()]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        text = (ROOT / path).read_text(encoding="utf-8")
        if not path.startswith(DOCS):
            content = text if path.endswith(".md") else _listing(path, text)
            files.append(File.generated(config, _site_uri(path), content=content))
        if path.endswith(".md"):
            linked = {target for target in _targets(path, text) if _is_outside(target)}
            waiting += sorted(linked - seen)
            seen |= linked
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the site's pages, and put drawings into the text."""
    path = _repository_path(page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        target, anchor, fragment = link["target"].partition("#")
        found = _found(path, target)
        if found is None:
            return link[0]
        if link["image"] and found.endswith(".svg"):
            return _drawing(ROOT / found, link["text"])
        uri = posixpath.relpath(_site_uri(found), posixpath.dirname(page.file.src_uri) or ".")
        return f"{link['image']}[{link['text']}]({uri}{anchor}{fragment})"

    return _outside_fences(markdown, lambda text: _LINK.sub(replaced, text))


def _outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    parts = _FENCED.split(markdown)
    return "".join(part if at % 2 else change(part) for at, part in enumerate(parts))


def _named(nav: Nav) -> Iterator[str]:
    """The files that the navigation names."""
    if isinstance(nav, str):
        yield nav
    elif nav is not None:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from _named(entry)


def _repository_path(uri: str) -> str:
    """Where the text of a page lies."""
    if (ROOT / DOCS / uri).exists():
        return DOCS + uri
    return uri if (ROOT / uri).exists() else uri.removesuffix(".md")


def _site_uri(path: str) -> str:
    """Where the page of a file is."""
    if path == "README.md":
        return "index.md"  # the site's own first page tells what the README tells
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    return path if path.endswith(".md") else f"{path}.md"


def _targets(path: str, text: str) -> Iterable[str]:
    for part in _FENCED.split(text)[::2]:
        for link in _LINK.finditer(part):
            found = _found(path, link["target"].partition("#")[0])
            if found is not None:
                yield found


def _found(path: str, target: str) -> str | None:
    """The file of the repository that a link of this file names, if it names one."""
    if not target or "://" in target or target.startswith(("/", "mailto:")):
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if (ROOT / found).is_dir():
        found += "/README.md"
    return found if not found.startswith("..") and (ROOT / found).is_file() else None


def _is_outside(path: str) -> bool:
    return not path.startswith(DOCS) and path != "README.md"


def _listing(path: str, text: str) -> str:
    language = _LANGUAGES.get(Path(path).suffix, "text")
    return f"# `{path}`\n\n````{language}\n{text}\n````\n"


def _drawing(path: Path, text: str) -> str:
    svg = path.read_text(encoding="utf-8").replace("\n", "")
    return f'<figure class="drawing" role="img" aria-label="{text}">{svg}</figure>'
