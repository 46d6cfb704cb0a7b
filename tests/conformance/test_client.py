"""The client's end, against servers that are not ours: docs/protocol.md."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, Call, CallRefused, Message, SessionClosed
from tests.conformance.calling import ClientTransport
from tests.conformance.script import TOKEN, ScriptedLink
from tests.conformance.trace import Sound, Told, media

SOUND = np.arange(160, dtype="<i2").tobytes()  # 20 ms at 8000 Hz

Script = Callable[[ScriptedLink], Awaitable[None]]


@asynccontextmanager
async def called(calling: ClientTransport, script: Script) -> AsyncGenerator[Call]:
    """A call of ours while the server follows its script."""
    async with calling.serving() as scripted, anyio.create_task_group() as tasks:

        async def follow() -> None:
            await script(await scripted.links.take())

        tasks.start_soon(follow)
        async with scripted.connect() as call:
            yield call


async def heard_until_end(call: Call) -> list[Message]:
    """All messages, to the end of the call."""
    return [message async for message in call.messages]


async def test_a_call_begins_with_a_start_and_ends_with_a_stop(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.hear(calling.opening)
        wire = {"encoding": "audio/pcm", "sample_rate": 8000}
        await link.say({"event": "started", "media_format": wire, "token": TOKEN})
        await link.goodbye()

    async with called(calling, script) as call:
        assert (call.id, call.transport, call.sample_rate) == ("one", calling.name, 8000)


async def test_a_refusal_names_its_reason_and_limit(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.refuse("concurrency_limit_reached", limit=3)

    async with calling.serving() as scripted, anyio.create_task_group() as tasks:

        async def follow() -> None:
            await script(await scripted.links.take())

        tasks.start_soon(follow)
        with pytest.raises(CallRefused) as refused:
            async with scripted.connect():
                raise AssertionError("the call was refused")
        assert (refused.value.reason, refused.value.limit) == ("concurrency_limit_reached", 3)


async def test_what_the_server_tells_arrives_in_order(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.say(
            {"type": "log", "data": "started_talking"},
            {"type": "send_input", "data": []},
            {"type": "fetch_output", "data": []},
            {"type": "stopword", "data": ""},
            {"type": "message", "data": {"any": ["thing"]}},
            {"type": "error", "message": "only the old key", "data": ""},
            {"type": "warning", "data": "only the new key"},
            {"type": "from the future", "data": 1},
            {"event": "from the future"},
            {"type": "end_stream", "data": "that is all"},
        )
        await link.close(1000)

    async with called(calling, script) as call:
        assert [(message.type, message.data) for message in await heard_until_end(call)] == [
            ("log", "started_talking"),
            ("send_input", []),
            ("fetch_output", []),
            ("stopword", ""),
            ("message", {"any": ["thing"]}),
            ("error", "only the old key"),
            ("warning", "only the new key"),
            ("end_stream", "that is all"),
        ]


@pytest.mark.needs("messages")
async def test_sound_travels_both_ways(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.hear(Sound(SOUND))
        await link.say(media(SOUND))
        if calling.binary:
            await link.samples(SOUND)
        else:
            await link.say(media(SOUND))
        await link.goodbye()

    async with called(calling, script) as call:
        await call.send_audio(AudioFrame(SOUND, 8000))
        frames = [await anext(call.audio) for _ in range(2)]
        assert [(frame.pcm, frame.sample_rate, frame.pts) for frame in frames] == [
            (SOUND, 8000, 0),
            (SOUND, 8000, 160),
        ]


@pytest.mark.needs("messages")
async def test_an_interruption_drops_sound_and_answers_its_marks(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.say(media(SOUND), {"event": "mark", "mark": {"name": "m1"}}, {"event": "clear"})
        await link.hear(Told({"event": "mark", "mark": {"name": "m1"}}))
        await link.say({"type": "message", "data": "heard you"})
        await link.goodbye()

    async with called(calling, script) as call:
        kinds = [(await anext(call.messages)).type for _ in range(2)]
        assert kinds == ["clear", "message"]


@pytest.mark.needs("messages")
async def test_a_mark_is_answered_when_the_sound_before_it_has_played(
    calling: ClientTransport,
) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.say(media(SOUND), {"event": "mark", "mark": {"name": "m1"}})
        await link.hear(Told({"event": "mark", "mark": {"name": "m1"}}))
        await link.close(1000)

    async with called(calling, script) as call:
        await heard_until_end(call)


async def test_a_ping_is_answered_by_the_oldest_pong(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.hear(Told({"event": "ping"}))
        await link.say({"event": "pong"})
        await link.goodbye()

    async with called(calling, script) as call:
        assert await call.ping() >= 0


async def test_messages_reach_the_server(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.hear(Told({"event": "message", "data": [1, {"ü": None}]}))
        await link.goodbye()

    async with called(calling, script) as call:
        await call.send([1, {"ü": None}])


@pytest.mark.needs("codes")
@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_a_server_that_closes_ends_the_call_with_its_code(
    calling: ClientTransport, code: int
) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.close(code, "because")

    async with called(calling, script) as call:
        assert await heard_until_end(call) == []
        with pytest.raises(SessionClosed) as over:
            await call.send("too late")
        assert (over.value.code, over.value.reason) == (code, "because")


@pytest.mark.needs("connected")
async def test_a_server_that_vanishes_ends_the_call(calling: ClientTransport) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.hear(Told({"event": "message", "data": "ready"}))
        await link.vanish()

    async with called(calling, script) as call:
        await call.send("ready")
        assert await heard_until_end(call) == []
        with pytest.raises(SessionClosed) as over:
            await call.send_audio(AudioFrame(SOUND, 8000))
        assert over.value.code == 1006


@pytest.mark.parametrize(
    "message",
    [{}, {"event": "media"}, {"type": "log"}, {"event": 7}, {"status": "failed", "meta": 7}],
)
async def test_a_server_that_breaks_the_protocol_is_hung_up_on(
    calling: ClientTransport, message: dict[str, object]
) -> None:
    async def script(link: ScriptedLink) -> None:
        await link.accept()
        await link.say(message)
        await link.close(1000)

    async with called(calling, script) as call:
        assert await heard_until_end(call) == []
        with pytest.raises(SessionClosed) as over:
            await call.send("too late")
        assert over.value.code == 1007
