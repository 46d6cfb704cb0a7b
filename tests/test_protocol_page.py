"""docs/protocol.md against the code that it describes."""

import re
from pathlib import Path

import pytest

from antiphon.core.dialects.browser import MAX_DEPTH
from antiphon.core.liveness import Timing
from antiphon.core.messages import ClientMessage, ServerMessage, tag_of
from antiphon.core.playout import LEAD, MAX_PIECE
from antiphon.core.signaling import REFUSALS

PAGE = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = PAGE[PAGE.index(f"## {heading}\n") :]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]
    ]


def test_the_page_shows_the_states() -> None:
    assert "](states.svg)" in PAGE


def test_every_message_of_a_client_is_on_the_page_and_no_other() -> None:
    named = {
        match for row in rows("What a client says") for match in re.findall(r"^`(\w+)`", row[0])
    }
    assert named == {tag_of(t) for t in ClientMessage.__args__}


def test_every_message_of_a_server_is_on_the_page_and_no_other() -> None:
    named = {
        (field, tag)
        for row in rows("What a server says")
        for field, tag in re.findall(r'^`{"(\w+)":"(\w+)"', row[0])
    }
    assert named == {
        (str(t.__struct_config__.tag_field), tag_of(t)) for t in ServerMessage.__args__
    }


def test_every_refusal_is_on_the_page_as_it_travels() -> None:
    shown = {row[0].strip("`"): (int(row[1]), int(row[2])) for row in rows("Refusals")}
    assert shown == {name: (kind.status, kind.code) for name, kind in REFUSALS.items()}


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("`start` after the handshake", f"{Timing().start_timeout:g} s"),
        ("Silence before a ping", f"{Timing().ping_interval:g} s"),
        ("Answer to a ping", f"{Timing().ping_timeout:g} s"),
        ("Absence of a client over HTTP", f"{Timing().absence_timeout:g} s"),
        ("Nesting of JSON", f"{MAX_DEPTH}"),
        ("Sound sent ahead of the listener", f"{LEAD * 1000:g} ms"),
        ("One piece of sound", f"{MAX_PIECE * 1000:g} ms"),
    ],
)
def test_a_limit_on_the_page_is_that_of_the_code(limit: str, value: str) -> None:
    shown = {row[0]: row[1] for row in rows("Limits")}
    assert shown[limit] == value
