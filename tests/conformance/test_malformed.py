"""What a peer may do wrong: docs/protocol.md.

It is told what was wrong, the link is closed with the code that belongs to it, a call that another
client has goes on untouched, and the offender's slot is free again.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from antiphon import Call
from tests.conformance.peer import Peer
from tests.conformance.trace import containing, error, media, start, started, told
from tests.conformance.transports import Site, Transport

MAX_MESSAGE = 8192
SOUND = bytes(480)
HELLO = {"event": "message", "data": "hello"}


def nested(depth: int, event: str = "message") -> str:
    """A message whose JSON is so deep, itself included."""
    lists = depth - 1
    return f'{{"event": "{event}", "data": {"[" * lists}{"]" * lists}}}'


UNREADABLE = [
    pytest.param("hello", 1007, "cannot be read", id="no JSON"),
    pytest.param('{"event": "ping"', 1007, "cannot be read", id="half a message"),
    pytest.param('{"event": "ping"} {"event": "ping"}', 1007, "cannot be read", id="two messages"),
    pytest.param("[]", 1007, "not valid", id="a list"),
    pytest.param("null", 1007, "not valid", id="null"),
    pytest.param("7", 1007, "not valid", id="a number"),
    pytest.param("{}", 1007, "event", id="no event"),
    pytest.param('{"event": 7}', 1007, "event", id="an event that is no text"),
    pytest.param('{"event": null}', 1007, "event", id="an event that is null"),
    pytest.param(nested(65), 1007, "nested deeper than 64", id="65 deep"),
    pytest.param(nested(3000), 1007, "nested deeper than 64", id="3000 deep"),
]

WRONG_STARTS: list[Any] = [
    pytest.param({"event": "start"}, 1007, "websocket_id", id="no id"),
    pytest.param(start(None), 1007, "websocket_id", id="a null id"),
    pytest.param(start(True), 1007, "websocket_id", id="a true id"),
    pytest.param(start(["one"]), 1007, "websocket_id", id="a list as id"),
    pytest.param(start(""), 1008, "1 to 128 printable", id="an empty id"),
    pytest.param(start("x" * 129), 1008, "1 to 128 printable", id="a long id"),
    pytest.param(start("zoë"), 1008, "1 to 128 printable", id="an id beyond ASCII"),
    pytest.param(start("a\nb"), 1008, "1 to 128 printable", id="an id of two lines"),
    pytest.param(start(metadata=[]), 1007, "metadata", id="metadata that is a list"),
    pytest.param(start(media_format="pcm"), 1007, "media_format", id="a text as media format"),
    pytest.param(
        start(media_format={"encoding": "audio/pcm"}), 1007, "sample_rate", id="no sample rate"
    ),
    pytest.param(
        start(media_format={"encoding": "audio/pcm", "sample_rate": "8000"}),
        1007,
        "sample_rate",
        id="a text as sample rate",
    ),
    pytest.param(
        start(media_format={"encoding": "audio/opus", "sample_rate": 8000}),
        1008,
        "audio/opus",
        id="an unknown encoding",
    ),
    *(
        pytest.param(
            start(media_format={"encoding": "audio/pcm", "sample_rate": rate}),
            1008,
            "sample_rate",
            id=f"{rate} Hz",
        )
        for rate in (-1, 0, 3999, 192001)
    ),
]

TOO_EARLY = [
    pytest.param(media(SOUND), id="media"),
    pytest.param({"event": "mark", "mark": {"name": "m"}}, id="mark"),
    pytest.param({"event": "input", "data": 1}, id="input"),
    pytest.param({"event": "message", "data": 1}, id="message"),
]

WRONG_IN_A_CALL = [
    pytest.param(start("other"), 1002, "not allowed", id="a second start"),
    pytest.param({"event": "media"}, 1007, "media", id="media without media"),
    pytest.param({"event": "media", "media": None}, 1007, "media", id="null as media"),
    pytest.param({"event": "media", "media": {}}, 1007, "payload", id="media without payload"),
    pytest.param({"event": "media", "media": {"payload": 7}}, 1007, "payload", id="a number"),
    pytest.param({"event": "media", "media": {"payload": "a*b="}}, 1007, "payload", id="no base64"),
    pytest.param(
        {"event": "media", "media": {"payload": "abc"}}, 1007, "payload", id="base64 cut short"
    ),
    pytest.param({"event": "mark"}, 1007, "mark", id="a mark without mark"),
    pytest.param({"event": "mark", "mark": {}}, 1007, "name", id="a mark without name"),
    pytest.param({"event": "input"}, 1007, "data", id="an input without data"),
    pytest.param({"event": "message"}, 1007, "data", id="a message without data"),
]


async def parrot(call: Call) -> None:
    """Tell every message back."""
    async for message in call.messages:
        await call.send(message.data)


class Scene:
    """A bystander's call, and an offender's link."""

    def __init__(self, site: Site, bystander: Peer, offender: Peer) -> None:
        self._site = site
        self._bystander = bystander
        self.offender = offender

    async def told(self, code: int, part: str) -> None:
        """The offender hears what was wrong, the bystander hears nothing of it, and whoever comes
        next finds room.
        """
        await self.offender.hear(error(containing(part)))
        await self.offender.ended(code)
        directory = self._site.directory
        await directory.freed("one", directory.claimed["one"])
        async with self._site.peer() as following:
            await following.say(start("one"), HELLO)
            await following.hear(told("hello"))
            await self._bystander.say(HELLO)
            await self._bystander.hear(told("hello"))
            assert [call.id for call in self._site.calls] == ["bystander", "one"]


@asynccontextmanager
async def scene(over: Transport) -> AsyncGenerator[Scene]:
    """Room for two calls, and for one link that has no call yet."""
    async with (
        over.serving(
            parrot, concurrency_limit=2, connecting_limit=1, max_message=MAX_MESSAGE
        ) as site,
        site.peer() as bystander,
    ):
        await bystander.say(start("bystander"), HELLO)
        await bystander.hear(told("hello"))
        async with site.peer() as offender:
            yield Scene(site, bystander, offender)


@pytest.mark.needs("start", "swift")
@pytest.mark.parametrize(("text", "code", "part"), UNREADABLE)
async def test_what_cannot_be_read_ends_a_link_before_its_call(
    over: Transport, text: str, code: int, part: str
) -> None:
    async with scene(over) as at:
        await at.offender.text(text.encode())
        await at.told(code, part)


@pytest.mark.needs("swift")
@pytest.mark.parametrize(("text", "code", "part"), UNREADABLE)
async def test_what_cannot_be_read_ends_the_call_of_who_said_it_only(
    over: Transport, text: str, code: int, part: str
) -> None:
    async with scene(over) as at:
        await at.offender.say(start())
        await at.offender.answers()
        await at.offender.text(text.encode())
        await at.told(code, part)


@pytest.mark.needs("start")
@pytest.mark.parametrize(("message", "code", "part"), WRONG_STARTS)
async def test_a_wrong_start_opens_nothing(
    over: Transport, message: dict[str, Any], code: int, part: str
) -> None:
    async with scene(over) as at:
        await at.offender.say(message)
        await at.told(code, part)


@pytest.mark.needs("start")
@pytest.mark.parametrize("message", TOO_EARLY)
async def test_nothing_but_a_start_opens_a_call(over: Transport, message: dict[str, Any]) -> None:
    async with scene(over) as at:
        await at.offender.say(message)
        await at.told(1002, f"`{message['event']}` is not allowed")


@pytest.mark.needs("connecting")
async def test_raw_samples_before_the_start_are_out_of_order(over: Transport) -> None:
    async with scene(over) as at:
        await at.offender.samples(SOUND)
        await at.told(1002, "`media` is not allowed")


@pytest.mark.needs("swift")
@pytest.mark.parametrize(("message", "code", "part"), WRONG_IN_A_CALL)
async def test_a_wrong_message_ends_the_call_of_who_said_it_only(
    over: Transport, message: dict[str, Any], code: int, part: str
) -> None:
    async with scene(over) as at:
        await at.offender.say(start())
        await at.offender.answers()
        await at.offender.say(message)
        await at.told(code, part)


@pytest.mark.needs("messages")
async def test_half_a_sample_cannot_be_decoded(over: Transport) -> None:
    async with scene(over) as at:
        wire = {"encoding": "audio/pcm", "sample_rate": 24000}
        await at.offender.say(start(media_format=wire))
        await at.offender.hear(started("audio/pcm", 24000))
        await at.offender.say(media(bytes(3)))
        await at.told(1007, "3 bytes")


@pytest.mark.needs("messages")
async def test_raw_samples_that_end_in_half_a_sample_cannot_be_decoded(over: Transport) -> None:
    async with scene(over) as at:
        wire = {"encoding": "audio/pcm", "sample_rate": 24000}
        await at.offender.say(start(media_format=wire))
        await at.offender.hear(started("audio/pcm", 24000))
        await at.offender.samples(bytes(1))
        await at.told(1007, "1 bytes")


@pytest.mark.needs("sized", "start")
async def test_a_start_that_is_too_big_opens_nothing(over: Transport) -> None:
    async with scene(over) as at:
        await at.offender.say(start(metadata={"filler": "x" * MAX_MESSAGE}))
        await at.told(1009, str(MAX_MESSAGE))


@pytest.mark.needs("sized")
async def test_a_message_that_is_too_big_ends_the_call_of_who_said_it_only(
    over: Transport,
) -> None:
    async with scene(over) as at:
        await at.offender.say(start())
        await at.offender.answers()
        await at.offender.say({"event": "message", "data": "x" * MAX_MESSAGE})
        await at.told(1009, str(MAX_MESSAGE))


@pytest.mark.needs("sized", "undecoded")
async def test_text_that_is_not_utf8_cannot_be_decoded(over: Transport) -> None:
    async with scene(over) as at:
        await at.offender.say(start())
        await at.offender.answers()
        await at.offender.text(b'{"event": "message", "data": "\xff"}')
        await at.told(1007, "")
