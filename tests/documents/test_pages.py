"""Every block of code in every document, run or read by what it is written for."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documents.javascript import check_module
from tests.documents.pages import PAGES, Block, Page
from tests.documents.shell import check, commands

PYTHON = [page for page in PAGES if page.of("python")]
SHELL = [block for page in PAGES for block in page.of("console", "sh")]
OTHER = ("", "console", "css", "html", "ini", "js", "json", "nginx", "python", "sh", "text", "yaml")
"""The languages of blocks, those among them that nobody reads but people."""


def blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in page.of(*languages)]


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page needs around it: a folder to write to, secrets, and no models of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TURN_SECRET", "s3cret")
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))


def test_the_pages_are_found() -> None:
    paths = {page.path for page in PAGES}
    assert {"README.md", "docs/index.md", "docs/guides/handlers.md", "examples/README.md"} <= paths
    assert len(SHELL) >= 5


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.path)
async def test_the_python_of_a_page_runs_and_its_tests_pass(page: Page) -> None:
    names = await page.run()
    tests: list[Any] = [value for name, value in names.items() if name.startswith("test_")]
    for test in tests:
        result = test()
        if inspect.isawaitable(result):
            await result


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.id)
def test_the_commands_of_a_block_are_taken_by_their_programs(block: Block) -> None:
    given = list(commands(block))
    assert given
    for command in given:
        check(command)


@pytest.mark.parametrize(
    "command",
    [
        "antiphon serve --prot 80",
        "antiphon surf",
        "make everything",
        "pip install 'antiphon[magic]'",
        "python -m benchmarks.nothing",
        "uvicorn app:app --wings 2",
        "frobnicate",
    ],
)
def test_a_command_that_nobody_takes_is_found(command: str) -> None:
    with pytest.raises(Exception, match=r"\S"):
        check(command)


def test_json_and_yaml_can_be_read() -> None:
    for block in blocks("json"):
        json.loads(block.code)
    for block in blocks("yaml"):
        assert yaml.safe_load(block.code) is not None, block.id


def test_scripts_are_modules_without_mistakes() -> None:
    for block in blocks("js"):
        assert check_module(block.code) == "", block.id
    assert "SyntaxError" in check_module("const = 1;")


def test_every_block_says_its_language() -> None:
    assert [block.id for block in blocks() if block.language not in OTHER] == []


async def test_a_failure_names_its_line_on_the_page() -> None:
    with pytest.raises(ZeroDivisionError) as failure:
        await Block("docs/some.md", 40, "python", "one = 1\none / 0\n").run({})
    last = failure.traceback[-1]
    assert (str(last.path), last.lineno + 1) == ("docs/some.md", 41)
