"""Somebody who talks to the examples, in memory or over a WebSocket."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from antiphon import Call, Message, Stream, connect
from antiphon.core.audio.frames import Samples
from examples.program import spoken
from tests.transports.serving import serving

__all__ = ("Talker", "talking")

RATE = 24000
PATIENCE = 15.0  # seconds; the sentences of a reply are played in real time
LOUD = 1000  # of 32768: louder than what Silero and espeak-ng leave of a pause


def _check_espeak() -> None:
    if shutil.which("espeak-ng") is None:
        if os.environ.get("REQUIRE_ESPEAK") == "1":
            pytest.fail("espeak-ng is not installed, and REQUIRE_ESPEAK is 1")
        pytest.skip("espeak-ng is not installed")


class Talker:
    """A call, and all that is heard and told in it."""

    def __init__(self, stream: Stream, call: Call) -> None:
        self.stream = stream
        self.call = call
        self.told: list[tuple[str, Any]] = []
        self._heard: list[Samples] = []
        self._changed = anyio.Event()

    @property
    def heard(self) -> Samples:
        """All sound so far."""
        return np.concatenate([np.zeros(0, np.int16), *self._heard])

    @property
    def speech(self) -> float:
        """Seconds of loud sound so far, by pieces of 20 ms."""
        heard = self.heard
        pieces = heard[: len(heard) // 480 * 480].reshape(-1, 480)
        return float(np.count_nonzero(np.abs(pieces).max(axis=1, initial=0) > LOUD)) / 50

    async def say(self, text: str) -> None:
        """Speak between silences; the second is long enough to be a pause."""
        rate, samples = await anyio.to_thread.run_sync(spoken, text)
        await self.silence(0.3)
        for at in range(0, len(samples), rate // 50):
            await self.call.send_audio((rate, samples[at : at + rate // 50]))
        await self.silence(1.2)

    async def silence(self, seconds: float) -> None:
        """Say nothing."""
        for _ in range(round(50 * seconds)):
            await self.call.send_audio((RATE, np.zeros(RATE // 50, np.int16)))

    async def until_told(self, kind: str, data: Any = None, times: int = 1) -> None:
        """Wait for the message of this kind, and with this data when there is any."""

        def count() -> int:
            return sum(each == kind and data in (None, what) for each, what in self.told)

        await self._until(lambda: count() >= times)

    async def until_heard(self, seconds: float) -> None:
        """Wait for so much speech."""
        await self._until(lambda: self.speech >= seconds)

    async def _until(self, done: Any) -> None:
        with anyio.move_on_after(PATIENCE):
            while not done():
                self._changed = anyio.Event()
                await self._changed.wait()
            return
        pytest.fail(f"heard {self.speech} s of speech, told {self.told}")

    async def listen(self) -> None:
        """Note all sound."""
        async for frame in self.call.audio:
            self._heard.append(frame.samples)
            self._changed.set()

    async def read(self) -> None:
        """Note all messages."""
        async for message in self.call.messages:
            self._note(message)

    def _note(self, message: Message) -> None:
        self.told.append((message.type, message.data))
        self._changed.set()


@asynccontextmanager
async def talking(stream: Stream, over: str) -> AsyncGenerator[Talker]:
    """Call a stream over "memory" or "websocket"."""
    _check_espeak()
    async with serving(stream) as port, anyio.create_task_group() as tasks:
        target = stream if over == "memory" else f"ws://127.0.0.1:{port}/websocket/offer"
        async with connect(target, call_id="one", encoding="audio/pcm", sample_rate=RATE) as call:
            talker = Talker(stream, call)
            tasks.start_soon(talker.listen)
            tasks.start_soon(talker.read)
            yield talker
        tasks.cancel_scope.cancel()
