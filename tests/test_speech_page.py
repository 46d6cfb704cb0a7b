"""docs/speech.md against the code that it describes."""

import re
from typing import Any

import pytest

from antiphon import Speech, Stream, echo
from antiphon.core.dialects.parameters import MAX_REFUSED, PIECE_MS
from antiphon.core.speech.summary import FRAMES_KEPT
from antiphon.transports.routes import Routes
from antiphon.transports.speech_call import MAX_UNREAD, PARAMETERS_TIMEOUT
from tests.documents.pages import Block, page

DOCUMENT = page("docs/speech.md")
PAGE = DOCUMENT.text
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("block", "streams"), list(zip(DOCUMENT.of("python"), (2, 3), strict=True)), ids=["one", "two"]
)
async def test_every_block_makes_streams_by_itself(block: Block, streams: int) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    await block.run(names)
    assert sum(isinstance(value, Stream) for value in names.values()) == streams


def rows(heading: str) -> dict[str, str]:
    """The first two columns of the first table under a heading."""
    section = PAGE[PAGE.index(heading) :]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    cells = [line.strip("|").split("|") for line in table[0].splitlines()[2:]]
    return {cell[0].strip(): cell[1].strip() for cell in cells}


def test_every_path_is_on_the_page_and_no_other() -> None:
    shown = {
        path.partition("?")[0] for key in rows("| Path |") for path in re.findall(r"`(/.*?)`", key)
    }
    without, served = Stream(echo), Stream(echo, speech=True)
    added = set(Routes(served.host).patterns) - set(Routes(without.host).patterns)
    assert shown == {path for path, _ in added}


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("One message, or the body of an HTTP call", f"{Speech().max_message // MIB} MiB"),
        ("Answers that a client has not read", f"{MAX_UNREAD // MIB} MiB"),
        ("Messages in a row that are refused", f"{MAX_REFUSED}"),
        ("All parameters", f"{PARAMETERS_TIMEOUT:g} s"),
    ],
)
def test_a_limit_on_the_page_is_that_of_the_code(limit: str, value: str) -> None:
    assert rows("## Limits\n")[limit] == value


def test_figures_in_the_text_are_those_of_the_code() -> None:
    assert f"newest {FRAMES_KEPT:,}" in PAGE
    assert f"pieces of {PIECE_MS} ms" in PAGE
