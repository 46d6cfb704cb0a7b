"""What a handler knows of its listener: real clients on loopback that play late, stop, or say
nothing. What they have played themselves is the truth.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import numpy as np
import pytest
import websockets.asyncio.client
from websockets.asyncio.client import ClientConnection

from antiphon import AudioFrame, Call, Stream, connect
from tests.transports.serving import either_loop, serving
from tests.webrtc.serving import on_webrtc

pytestmark = pytest.mark.alone

anyio_backend = either_loop

RATE = 24000
PCM = {"encoding": "audio/pcm", "sample_rate": RATE}
LAG = 0.4  # seconds
PATIENCE = 10.0  # seconds


def tone(seconds: float) -> AudioFrame:
    phase = np.arange(round(seconds * RATE)) * (2 * np.pi * 600 / RATE)
    return AudioFrame((10_000 * np.sin(phase)).astype("<i2").tobytes(), RATE)


class LateListener:
    """Begins to play so much later than sound comes, and answers each mark when it has played what
    stands before it; `stopped`, it neither plays nor answers.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._time = asyncio.get_running_loop().time
        self._got = 0.0
        self._end = 0.0
        self._marks: list[tuple[float, str]] = []
        self.played_at_clear: list[float] = []
        self.told: dict[str, Any] = {}
        self.lag = LAG

    def _played(self) -> float:
        return self._got - max(0.0, self._end - self._time())

    async def until(self, key: str) -> Any:
        """Play on until the handler has told something of this name."""
        with anyio.fail_after(PATIENCE):
            while key not in self.told:
                due = self._marks[0][0] if self._marks else self._time() + PATIENCE
                with anyio.move_on_after(due - self._time()):
                    await self._hear(await self._socket.recv())
                await self._answer(self._time())
        return self.told.pop(key)

    async def ask(self, name: str) -> None:
        """Tell the handler something."""
        await self._socket.send(json.dumps({"event": "message", "data": name}))

    async def _answer(self, now: float) -> None:
        while self._marks and self._marks[0][0] <= now:
            mark = {"name": self._marks.pop(0)[1]}
            await self._socket.send(json.dumps({"event": "mark", "mark": mark}))

    async def _hear(self, data: str | bytes) -> None:
        match json.loads(data):
            case {"event": "media", "media": {"payload": payload}}:
                seconds = len(payload) * 3 / 4 / 2 / RATE
                self._end = max(self._end, self._time() + self.lag) + seconds
                self._got += seconds
            case {"event": "mark", "mark": {"name": name}}:
                self._marks.append((self._end, name))
            case {"event": "clear"}:
                self.played_at_clear.append(self._played())
                self._got, self._end = self._played(), self._time()
                await self._answer(float("inf"))
            case {"type": "message", "data": told}:
                self.told.update(told)
            case _:
                pass


@asynccontextmanager
async def listening(stream: Stream, media_format: Any = PCM) -> AsyncGenerator[LateListener]:
    """A late listener in a call over a WebSocket."""
    async with (
        serving(stream) as port,
        websockets.asyncio.client.connect(f"ws://127.0.0.1:{port}/websocket/offer") as socket,
    ):
        start = {"event": "start", "websocket_id": "a", "media_format": media_format}
        await socket.send(json.dumps(start))
        yield LateListener(socket)


class Speaker:
    """Speaks for six seconds, with a mark after each of the first 100 ms; a message interrupts."""

    def __init__(self, marks: int) -> None:
        self._marks = marks

    async def __call__(self, call: Call) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._speak, call)
            await anext(call.messages)
            tasks.cancel_scope.cancel()
        cut = call.interrupt()
        await call.send({"heard": cut.heard, "dropped": cut.dropped})
        await anyio.sleep_forever()

    async def _speak(self, call: Call) -> None:
        for n in range(60):
            await call.send_audio(tone(0.1))
            if n < self._marks:
                call.mark()
            if n == 15:
                await call.send({"half": True})


@pytest.mark.parametrize("marks", [2, 60])
async def test_an_interruption_tells_what_a_late_listener_has_played(marks: int) -> None:
    """Two marks at the beginning tell how late it is; more follow it on its way."""
    async with listening(Stream(Speaker(marks))) as listener:
        await listener.until("half")
        await listener.ask("stop")
        heard = await listener.until("heard")
    assert heard == pytest.approx(listener.played_at_clear[0], abs=0.1)


async def test_of_a_client_that_named_no_format_the_clock_is_believed() -> None:
    """It is asked for no marks, and is taken to play what it gets when it gets it."""
    async with listening(Stream(Speaker(60)), None) as listener:
        await listener.until("half")
        await listener.ask("stop")
        heard = await listener.until("heard")
        dropped = listener.told["dropped"]
    assert heard >= 1.2
    assert dropped <= 0.6


async def test_the_package_s_own_client_answers_for_a_listener_in_time() -> None:
    async def speak(call: Call) -> None:
        for _ in range(5):
            await call.send_audio(tone(0.1))
            call.mark()
        await call.drain()
        await call.send([call.heard, call.given])
        await anyio.sleep_forever()

    async with (
        serving(Stream(speak)) as port,
        connect(f"ws://127.0.0.1:{port}/websocket/offer", encoding="audio/pcm") as call,
    ):
        heard, given = (await anext(call.messages)).data
        assert heard == given == pytest.approx(0.5)


async def reply_twice(call: Call) -> None:
    await call.send_audio(tone(0.1))
    call.mark()
    await call.drain()
    await call.send({"first": call.heard})
    await call.send_audio(tone(0.1))
    call.mark()
    await call.send_audio(tone(0.1))
    await call.send({"second": True})
    async with anyio.create_task_group() as tasks:

        async def drain() -> None:
            await call.drain()
            await call.send({"drained": call.heard})

        tasks.start_soon(drain)
        async for _ in call.messages:
            await call.send({"now": call.heard})


async def test_while_a_listener_has_stopped_nothing_more_is_heard_and_drain_waits() -> None:
    """A client that has answered once answers all: what it has not answered it has not played."""
    async with listening(Stream(reply_twice)) as listener:
        listener.lag = 0.0
        assert await listener.until("first") == pytest.approx(0.1)
        listener.lag = 1.0
        await listener.until("second")
        await anyio.sleep(0.5)  # by the clock all has been played 0.3 s ago
        await listener.ask("how much")
        assert await listener.until("now") <= 0.2 + 1e-6
        assert "drained" not in listener.told
        assert await listener.until("drained") == pytest.approx(0.3)


async def test_on_a_track_sound_is_heard_that_has_left() -> None:
    """The event loop stands still: by the clock the listener goes on, but nothing leaves."""

    async def speak(call: Call) -> None:
        async def say() -> None:
            await call.send_audio(tone(6.0))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(say)
            await anext(call.messages)
            time.sleep(0.5)  # noqa: ASYNC251 - a step of somebody's handler that blocks
            before, given = call.heard, call.given
            cut = call.interrupt()
            assert cut.heard == call.heard == call.given >= before
            assert cut.heard + cut.dropped == given
            await call.send(cut.heard)
            await anyio.sleep_forever()

    async with on_webrtc(speak) as scene, connect(scene.webrtc) as call:
        played: list[float] = []
        told: list[float] = []

        async def listen() -> None:
            async for frame in call.audio:
                if np.abs(frame.samples).max() > 3000:
                    played.append(frame.duration)
                    if len(played) == 50:
                        await call.send("stop")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            with anyio.fail_after(PATIENCE):
                assert (await anext(call.messages)).type == "clear"
                told.append((await anext(call.messages)).data)
                await anyio.sleep(0.3)  # what is on its way
            tasks.cancel_scope.cancel()
    assert told == pytest.approx([sum(played)], abs=0.1)


async def test_on_a_track_drain_waits_for_what_has_not_left() -> None:
    async def speak(call: Call) -> None:
        await call.send_audio(tone(0.15))
        time.sleep(0.5)  # noqa: ASYNC251 - by the clock all has been heard; nothing has left
        assert call.heard < call.given
        await call.drain()
        assert call.heard == call.given == pytest.approx(0.15)
        await call.send("drained")
        await anyio.sleep_forever()

    async with on_webrtc(speak) as scene, connect(scene.webrtc) as call:
        with anyio.fail_after(PATIENCE):
            assert (await anext(call.messages)).data == "drained"
