"""Messages written by hand become the messages that they are."""

from typing import Any

import pytest

from antiphon import Call, Stream, connect
from antiphon.handlers.by_hand import say_by_hand
from tests.handlers.pictures import told

MESSAGES: list[tuple[str, tuple[str, Any]]] = [
    ('{"type": "log", "data": "a"}', ("log", "a")),
    ('{"type": "log", "data": {"a": 1}}', ("log", {"a": 1})),
    ('{"type": "error", "data": "a"}', ("error", "a")),
    ('{"type": "error", "message": "a"}', ("error", "a")),
    ('{"type": "warning", "data": "a", "message": "a"}', ("warning", "a")),
    ('{"type": "stopword", "data": ""}', ("stopword", "")),
    ('{"type": "send_input", "data": []}', ("send_input", [])),
    ('{"type": "message", "data": [1]}', ("message", [1])),
    ('{"type": "transcript", "text": "a"}', ("message", {"type": "transcript", "text": "a"})),
    ('{"type": "log"}', ("message", {"type": "log"})),
    ("[1, 2]", ("message", [1, 2])),
    ("no JSON", ("message", "no JSON")),
    ("[" * 5000, ("message", "[" * 5000)),
]


@pytest.mark.parametrize(("text", "expected"), MESSAGES, ids=range(len(MESSAGES)))
async def test_a_message_is_sent_as_what_it_is(text: str, expected: tuple[str, Any]) -> None:
    async def handler(call: Call) -> None:
        await say_by_hand(call, text)

    async with connect(Stream(handler)) as call:
        assert (await told(call))[0] == expected


@pytest.mark.parametrize("kind", ["fetch_output", "end_stream"])
async def test_what_the_library_says_by_itself_is_refused(kind: str) -> None:
    async def handler(call: Call) -> None:
        with pytest.raises(ValueError, match=f"{kind} is not sent by hand: return "):
            await say_by_hand(call, f'{{"type": "{kind}", "data": ""}}')

    async with connect(Stream(handler)) as call:
        assert await told(call) == [("end_stream", "the call has ended")]
