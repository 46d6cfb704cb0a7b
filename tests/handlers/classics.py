"""Classic handlers made of functions, sync or async, and what their clients hear."""

from collections.abc import Callable
from typing import Any

import numpy as np

from antiphon import AudioFrame, Call
from antiphon.handlers.audio_video_handler import (
    AsyncAudioVideoStreamHandler,
    AudioVideoStreamHandler,
)
from antiphon.handlers.classic import StreamHandlerBase
from antiphon.handlers.stream_handler import AsyncStreamHandler, StreamHandler

__all__ = (
    "FRAME",
    "HANDLERS",
    "SOUND",
    "always",
    "classic",
    "errors_until",
    "heard",
    "one_by_one",
    "say",
)

FRAME = 480  # samples of 20 ms at 24 kHz
SOUND = np.arange(1, FRAME + 1, dtype=np.int16)

OfOne = Callable[[Any], Any]
OfTwo = Callable[[Any, Any], Any]

HANDLERS = (StreamHandler, AsyncStreamHandler)
"""To be parametrized over: what holds for one holds for the other."""

_WITH_PICTURES = {
    StreamHandler: AudioVideoStreamHandler,
    AsyncStreamHandler: AsyncAudioVideoStreamHandler,
}


def _nothing(*_: Any) -> None:
    return None


def _another(self: Any) -> Any:
    return type(self)()


def _later(function: Callable[..., Any]) -> Callable[..., Any]:
    async def method(*args: Any) -> Any:
        return function(*args)

    return method


def classic(
    base: Any = StreamHandler,
    *,
    pictures: bool = False,
    copies: OfOne | None = None,
    start_up: OfOne | None = None,
    receive: OfTwo = _nothing,
    emit: OfOne = _nothing,
    shutdown: OfOne | None = None,
    video_receive: OfTwo = _nothing,
    video_emit: OfOne = _nothing,
) -> StreamHandlerBase:
    """A handler with these methods: functions of `self` and what the method gets. For the async
    base they become coroutine functions; all are named as they are in the class.
    """
    wanted: dict[str, Any] = {"receive": receive, "emit": emit}
    if pictures:
        base = _WITH_PICTURES[base]
        wanted |= {"video_receive": video_receive, "video_emit": video_emit}
    wanted |= {"start_up": start_up} if start_up else {}
    wanted |= {"shutdown": shutdown} if shutdown else {}
    if issubclass(base, AsyncStreamHandler):
        wanted = {name: _later(function) for name, function in wanted.items()}
    for name, function in wanted.items():
        if function is not _nothing:
            function.__name__ = name
    made: Any = type("Made", (base,), {"copy": copies or _another, **wanted})
    return made()  # type: ignore[no-any-return]  # as its bases are Any


def one_by_one(results: list[Any]) -> OfOne:
    """A method that returns these, one each time."""

    def method(_: Any) -> Any:
        return results.pop(0)

    return method


def always(result: Any) -> OfOne:
    """A method that returns this."""

    def method(_: Any) -> Any:
        return result

    return method


async def say(call: Call, frames: int = 1) -> None:
    """Frames of 20 ms."""
    for _ in range(frames):
        await call.send_audio(AudioFrame(SOUND.tobytes(), 24000))


async def heard(call: Call, samples: int) -> bytes:
    """The next so many samples of a call in audio/pcm."""
    pcm = b""
    while len(pcm) < 2 * samples:
        pcm += (await anext(call.audio)).pcm
    assert len(pcm) == 2 * samples
    return pcm


async def errors_until(call: Call, count: int) -> list[str]:
    """The next so many errors that the client is told of."""
    errors: list[str] = []
    while len(errors) < count:
        message = await anext(call.messages)
        if message.type == "error":
            errors.append(str(message.data))
    return errors
