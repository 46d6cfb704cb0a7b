"""Classic handlers behave alike on every transport: what they get, and how their calls end."""

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from antiphon import AdditionalOutputs, CloseStream, Stream
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import WebRTCError
from antiphon.handlers.generator import AudioGenerator
from antiphon.handlers.stream_handler import AsyncStreamHandler, StreamHandler
from antiphon.handlers.warn import warn_client
from tests.conformance.peer import Peer
from tests.conformance.test_sound import EDGES, FRAME, RATE, alike, all_of_it, decoded, speak, tone
from tests.conformance.trace import Closed, Sound, Told, end_stream, error, log, start, warning
from tests.conformance.transports import Site, Transport
from tests.handlers.classics import HANDLERS, always, classic, one_by_one

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


async def opened(peer: Peer) -> None:
    await peer.say(start())
    await peer.answers()


class Echo(StreamHandler):
    """As FastRTC's documents have it, but that its `emit` can be ended."""

    shapes: set[Any]

    def __init__(self) -> None:
        super().__init__()
        self.queue: queue.Queue[tuple[int, Samples] | None] = queue.Queue()

    def copy(self) -> "Echo":
        made = type(self)()
        made.shapes = self.shapes
        return made

    def receive(self, frame: tuple[int, Samples]) -> None:
        self.shapes.add((frame[0], frame[1].shape, str(frame[1].dtype)))
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get(timeout=PATIENCE)

    def shutdown(self) -> None:
        self.queue.put(None)


class AsyncEcho(AsyncStreamHandler):
    shapes: set[Any]

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[tuple[int, Samples]] = asyncio.Queue()

    def copy(self) -> "AsyncEcho":
        made = type(self)()
        made.shapes = self.shapes
        return made

    async def receive(self, frame: tuple[int, Samples]) -> None:
        self.shapes.add((frame[0], frame[1].shape, str(frame[1].dtype)))
        self.queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.queue.get()


@pytest.mark.parametrize("made", [Echo, AsyncEcho])
async def test_sound_reaches_the_handler_in_20_ms_and_comes_back(
    over: Transport, made: Any
) -> None:
    """1H: one shape on every transport."""
    handler = made()
    shapes: set[Any] = set()
    handler.shapes = shapes
    wanted = tone(440, 0.3)
    async with over.serving(handler) as site, site.peer() as peer:
        await opened(peer)
        await speak(peer, wanted)
        heard = np.zeros(0, "<i2")
        with anyio.fail_after(PATIENCE):
            while len(heard) < len(wanted) - EDGES * FRAME:
                item = await peer.next()
                assert isinstance(item, Sound)
                heard = np.concatenate((heard, decoded(item)))
        alike(heard, wanted[: len(heard)])
    assert shapes == {(RATE, (1, RATE // 50), "int16")}


async def stops(site: Site, peer: Peer) -> None:
    await peer.say({"event": "stop"})


async def breaks(site: Site, peer: Peer) -> None:
    await peer.text(b"?")


async def hung_up(site: Site, peer: Peer) -> None:
    site.stream.hang_up("one")


async def vanishes(site: Site, peer: Peer) -> None:
    await peer.vanish()


async def nothing(site: Site, peer: Peer) -> None:
    """The handler, or time, ends it."""


def fails(self: Any) -> Any:
    raise LookupError


ENDS: list[tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]] = [
    (stops, {}, {}),
    (breaks, {}, {}),
    (hung_up, {}, {}),
    (vanishes, {}, {}),
    (nothing, {}, {"time_limit": 0.1}),
    (nothing, {"emit": always(CloseStream())}, {}),
    (nothing, {"emit": fails}, {}),
    (nothing, {"start_up": fails}, {}),
]


@pytest.mark.needs("connected")
@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize(("ends", "methods", "options"), ENDS)
async def test_shutdown_runs_exactly_once_whatever_ends_the_call(
    over: Transport, base: Any, ends: Any, methods: Any, options: Any
) -> None:
    """9, 19, 59."""
    ended: list[str] = []
    done = anyio.Event()

    def shutdown(self: Any) -> None:
        ended.append(self.call.id)
        self.loop.call_soon_threadsafe(done.set)

    handler = classic(base, **methods, shutdown=shutdown)
    type(handler).max_failures = 2
    async with over.serving(handler, **options) as site, site.peer() as peer:
        await peer.say(start())
        if ends is not nothing:
            await peer.answers()
        await ends(site, peer)
        with anyio.fail_after(PATIENCE):
            await done.wait()
        await site.directory.freed("one")
        assert dict(site.stream.handlers) == {}
    assert ended == ["one"]


@pytest.mark.needs("farewell")
@pytest.mark.parametrize("base", HANDLERS)
async def test_shutdown_runs_when_the_server_goes(over: Transport, base: Any) -> None:
    ended: list[str] = []
    handler = classic(base, shutdown=lambda self: ended.append(self.call.id))
    async with over.serving(handler) as site, site.peer() as peer:
        await opened(peer)
        await site.place.shut_down()
        assert ended == ["one"]


@pytest.mark.parametrize("base", HANDLERS)
async def test_errors_and_the_end_are_told_and_the_call_goes_on_between(
    over: Transport, base: Any
) -> None:
    """20, 22, 24, 50, 51."""
    asked: list[int] = []

    def emit(self: Any) -> Any:
        asked.append(1)
        match len(asked):
            case 1:
                raise WebRTCError("not now")
            case 2:
                warn_client("careful")
                return AdditionalOutputs("x")
            case _:
                return (24000, np.zeros(480, np.int16)), CloseStream("over")

    async with over.serving(classic(base, emit=emit)) as site, site.peer() as peer:
        await peer.say(start())
        _, others = await all_of_it(peer)
        assert others[:4] == [
            error("not now"),
            warning("careful"),
            Told({"type": "fetch_output", "data": []}),
            end_stream("over"),
        ]
        assert isinstance(others[4], Closed)


async def test_messages_by_hand_travel_everywhere(over: Transport) -> None:
    def emit(self: Any) -> Any:
        self.send_message_sync('{"type": "log", "data": "hello"}')
        return CloseStream("over")

    async with over.serving(classic(emit=emit)) as site, site.peer() as peer:
        await peer.say(start())
        await peer.hear(log("hello"), end_stream("over"))


@pytest.mark.needs("messages", "paced")
@pytest.mark.parametrize("base", HANDLERS)
async def test_a_clear_drops_what_waits_and_tells_the_client(over: Transport, base: Any) -> None:
    """18, 30, 53: what was given before is dropped, what comes after is played, all of it."""
    before, after = np.full(24000, 1000, np.int16), np.full(480, 8000, np.int16)
    results: list[Any] = [(24000, before), (24000, after), CloseStream("over")]

    def receive(self: Any, frame: Any) -> None:
        if not hasattr(self, "cleared"):
            self.cleared = True
            self.clear_queue()

    handler = classic(base, receive=receive, emit=one_by_one(results))
    async with over.serving(handler) as site, site.peer() as peer:
        await opened_and_hearing(peer)
        await speak(peer, tone(440, 0.02))
        item: Any = None
        while item != Told({"event": "clear"}):
            item = await peer.next()
        heard, _ = await all_of_it(peer)
        assert len(heard) == 480
        assert heard.min() > 7000


async def opened_and_hearing(peer: Peer) -> None:
    await peer.say(start())
    assert isinstance(await peer.next(), Sound)


class Late(StreamHandler):
    """Blocks in its first `receive` until it is told to go on, and notes what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.go = threading.Event(), threading.Event()
        self.got: list[float] = []

    def copy(self) -> "Late":
        return self

    def receive(self, frame: tuple[int, Samples]) -> None:
        self.began.set()
        self.go.wait(PATIENCE)
        self.got.append(float(frame[1].mean()))

    def emit(self) -> Any:
        return CloseStream() if self.got and self.got[-1] > 9000 else None


@pytest.mark.needs("messages", "connected", "paced")
async def test_of_sound_that_a_late_receive_missed_the_newest_is_kept_and_the_rest_counted(
    over: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Late()
    async with over.serving(handler) as site, site.peer() as peer:
        await opened(peer)
        await speak(peer, np.full(FRAME, 100, "<i2"))
        assert await anyio.to_thread.run_sync(handler.began.wait, PATIENCE)
        await speak(peer, np.full(50 * FRAME, 1000, "<i2"))
        await speak(peer, np.full(FRAME, 10_000, "<i2"))
        await peer.answers()
        dropped = handler.call.dropped_frames
        with caplog.at_level(logging.WARNING, "antiphon"):
            handler.go.set()
            await peer.hear(end_stream("Stream closed"))
    assert 0 < len(handler.got) - 1 <= 15  # 0.3 s
    assert len(handler.got) + dropped == 52
    assert [record.getMessage() for record in caplog.records] == [
        "receive() of call 'one' is late: older sound is dropped"
    ]


@pytest.mark.parametrize("later", [False, True])
async def test_a_generator_of_sound_is_heard_and_its_end_ends_the_call(
    over: Transport, later: bool
) -> None:
    wanted = tone(440, 0.3)

    def source() -> Iterator[Any]:
        for at in range(0, len(wanted), 1000):
            yield RATE, wanted[at : at + 1000]

    async def async_source() -> AsyncIterator[Any]:
        for item in source():
            yield item

    made = AudioGenerator(async_source) if later else AudioGenerator(source)
    async with over.serving(made, mode="receive") as site, site.peer() as peer:
        await peer.say(start())
        heard, others = await all_of_it(peer)
        alike(heard, wanted)
        assert others[0] == end_stream("the call has ended")


def test_a_stream_makes_a_generator_a_handler() -> None:
    def source() -> Iterator[Any]:
        yield None

    assert isinstance(Stream(source, mode="receive").host.handler, AudioGenerator)
