"""Calls in memory with somebody who talks; loudness is speech."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import numpy as np
from anyio.abc import TaskGroup

from antiphon import AudioFrame, Call, Stream, connect
from antiphon.core.audio.frames import Samples
from antiphon.handlers.reply_on_pause import ReplyOnPause
from tests.core.loudness import Loudness, loud, quiet

__all__ = ("RATE", "SENTENCE", "Ear", "conversing", "live", "replies", "say", "told_until", "words")

RATE = 24000
SENTENCE = np.concatenate((quiet(0.3, RATE), loud(0.6, RATE), quiet(0.75, RATE)))


def replies(fn: Any, **options: Any) -> ReplyOnPause:
    """A handler with a detector that can be counted on."""
    chosen: dict[str, Any] = {"model": Loudness(), **options}
    return ReplyOnPause(fn, **chosen)


@asynccontextmanager
async def conversing(handler: Any, **options: Any) -> AsyncGenerator[tuple[Stream, Call]]:
    stream = Stream(handler)
    async with (
        stream.running(),
        connect(stream, encoding="audio/pcm", sample_rate=RATE, **options) as call,
    ):
        yield stream, call


@asynccontextmanager
async def live(handler: Any) -> AsyncGenerator[tuple[Stream, Call]]:
    """A call over a real socket: paced, as interruptions need it."""
    stream = Stream(handler)
    port: list[int] = []
    ready = anyio.Event()

    def listening(number: int) -> None:
        port.append(number)
        ready.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(stream.serve, port=0, ready=listening, grace=0))
        await ready.wait()
        url = f"ws://127.0.0.1:{port[0]}/websocket/offer"
        async with connect(url, encoding="audio/pcm", sample_rate=RATE) as call:
            yield stream, call
        tasks.cancel_scope.cancel()


async def say(call: Call, sound: Samples = SENTENCE) -> None:
    """In frames of 20 ms."""
    for at in range(0, len(sound), RATE // 50):
        await call.send_audio(AudioFrame(sound[at : at + RATE // 50].tobytes(), RATE))


class Ear:
    """Hears all that comes, as it comes."""

    def __init__(self, call: Call, tasks: TaskGroup) -> None:
        self.values: list[int] = []
        """The first sample of each frame, where it is another than that of the frame before."""
        self.seconds = 0.0
        self._heard = anyio.Event()
        tasks.start_soon(self._listen, call)

    async def _listen(self, call: Call) -> None:
        async for frame in call.audio:
            value = int(frame.samples[0])
            if self.values[-1:] != [value]:
                self.values.append(value)
            self.seconds += frame.duration
            self._heard.set()

    async def wait(self, done: Callable[["Ear"], bool]) -> None:
        """Until enough was heard."""
        with anyio.fail_after(10):
            while not done(self):
                self._heard = anyio.Event()
                await self._heard.wait()


async def words(call: Call, seconds: float) -> Samples:
    """The next so many seconds of what is heard."""
    heard: list[Samples] = []
    count = 0
    async for frame in call.audio:
        heard.append(frame.samples)
        count += len(frame)
        if count >= seconds * RATE:
            break
    return np.concatenate(heard)


async def told_until(call: Call, last: Any) -> list[Any]:
    """What the client is told up to a message with this data (or of this type), as data."""
    told: list[Any] = []
    with anyio.fail_after(10):
        async for message in call.messages:
            told.append(message.data if message.type == "log" else (message.type, message.data))
            if last in (message.data, message.type):
                break
    return told
