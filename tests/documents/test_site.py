"""The site is built, and holds together without anything from outside."""

import os
import posixpath
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

import antiphon
import antiphon.client
from tests.documents.pages import ROOT

LOADED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src"}
"""What a browser fetches by itself."""


class Document(msgspec.Struct):
    """One page of the site, as far as links go."""

    ids: set[str]
    links: list[str]
    loaded: list[str]


class Reader(HTMLParser):
    """Collects ids, links and what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.document = Document(set(), [], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.document.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.document.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given:
            self.document.loaded.append(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, warnings being errors."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def documents(site: Path) -> dict[str, Document]:
    """All pages by their path below the site."""
    found: dict[str, Document] = {}
    for path in sorted(site.rglob("*.html")):
        reader = Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        found[path.relative_to(site).as_posix()] = reader.document
    return found


def targets(path: str, links: list[str]) -> Iterator[tuple[str, str]]:
    """The files of the site that links of a page name, and the places in them."""
    for link in links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        joined = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), parts.path))
        target = path if not parts.path else joined.lstrip("/")
        if parts.path.endswith("/") or not posixpath.splitext(target)[1]:
            target = posixpath.join(target, "index.html")
        yield unquote(target), unquote(parts.fragment)


def test_every_page_of_the_navigation_is_built(documents: dict[str, Document]) -> None:
    wanted = {"index.html", "guides/transport/index.html", "benchmarks/index.html"}
    assert wanted <= set(documents)
    assert len(documents) >= 30


def test_every_link_leads_to_a_page_and_a_place_in_it(
    site: Path, documents: dict[str, Document]
) -> None:
    broken: list[str] = []
    for path, document in documents.items():
        if path == "404.html":
            continue  # its links begin at the root of wherever the site is put
        for target, fragment in targets(path, document.links + document.loaded):
            there = (site / target).is_file()
            if not there or (fragment and fragment not in documents[target].ids):
                broken.append(f"{path}: {target}#{fragment}")
    assert broken == []


def test_nothing_is_fetched_from_another_host(documents: dict[str, Document]) -> None:
    outside = [
        (path, link)
        for path, document in documents.items()
        for link in document.loaded
        if urlsplit(link).netloc
    ]
    assert outside == []


@pytest.mark.parametrize("name", [*antiphon.__all__, "Warning", *antiphon.client.__all__])
def test_every_public_name_is_in_the_reference(documents: dict[str, Document], name: str) -> None:
    held = [path for path, document in documents.items() if f"antiphon.{name}" in document.ids]
    assert len(held) == 1
    assert held[0].startswith("reference/api/")


def test_the_reference_has_every_field_of_a_struct_and_every_member_of_an_enum(
    documents: dict[str, Document],
) -> None:
    shown = {name for document in documents.values() for name in document.ids}
    wanted = [
        f"antiphon.{name}.{member}"
        for name in antiphon.__all__
        if isinstance(kind := getattr(antiphon, name), type)
        for member in (
            *getattr(kind, "__struct_fields__", ()),
            *(kind.__members__ if issubclass(kind, Enum) else ()),
        )
    ]
    assert {"antiphon.Message.data", "antiphon.AddressKind.LOOPBACK"} <= set(wanted)
    assert [name for name in wanted if name not in shown] == []


def test_files_of_the_repository_that_pages_link_to_are_pages(
    documents: dict[str, Document],
) -> None:
    assert "antiphon/core/messages.py/index.html" in documents
    assert "antiphon/handlers/vad/compact/index.html" in documents
    assert "examples/echo_on_pause.py/index.html" in documents
