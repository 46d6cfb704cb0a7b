"""The sound in the bodies of HTTP calls: read, and heard in pieces."""

import io
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import numpy as np

from ..core.audio.frames import Samples
from ..core.audio.wav import WavSound
from ..core.dialects.parameters import PIECE_MS, read_rate
from .multipart import parts
from .requests import Request, deny
from .speech_share import Share
from .speech_threads import in_speech_thread

__all__ = ("Sound", "check_type", "hear", "read_body", "sound_of_file", "sound_of_samples")

_FILE_PARTS = ("wav_file", "audio_file")


class Sound(msgspec.Struct, frozen=True, eq=False):
    """What a client has sent."""

    sample_rate: int
    """Hz."""
    pcm: Iterator[bytes]
    """int16, little-endian, mono, in stretches of any length."""


async def sound_of_file(request: Request, max_body: int) -> Sound:
    """A WAV file in a form; stereo is mixed down. Raises Denied."""
    check_type(request, "multipart/form-data")
    body = await read_body(request, max_body)
    try:
        found = dict(parts(request.headers["content-type"], body))
        file = next((found[name] for name in _FILE_PARTS if name in found), None)
        if file is None:
            raise ValueError(f"the body has no part {' or '.join(_FILE_PARTS)}")
        sound = WavSound(io.BytesIO(file))
    except ValueError as error:
        raise deny("invalid_body", str(error)) from error
    return Sound(sound.sample_rate, sound.mono())


async def sound_of_samples(request: Request, max_body: int) -> Sound:
    """A body of bare samples, their rate in the query. Raises Denied."""
    check_type(request, "application/octet-stream", "")
    try:
        rate = read_rate(request.query.get("sample_rate", "").encode())
    except ValueError as error:
        raise deny("invalid_body", f"sample_rate {error}") from error
    body = await read_body(request, max_body)
    if len(body) % 2:
        raise deny("invalid_body", f"{len(body)} bytes are no whole number of 16-bit samples")
    return Sound(rate, iter((body,)))


def check_type(request: Request, *allowed: str) -> None:
    """Raises Denied for a body of another type; "" stands for none said."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in allowed:
        raise deny("unsupported_media_type", f"the body is {allowed[0]}")


async def read_body(request: Request, max_body: int) -> bytes:
    """All of it. Raises Denied when it is too big."""
    body = bytearray()
    async for chunk in request.body:
        body += chunk
        if len(body) > max_body:
            raise deny("body_too_large", f"at most {max_body} bytes")
    return bytes(body)


async def hear(sound: Sound, receive: Callable[[Samples], object], *, blocking: bool) -> None:
    """Give it all to an analyser, in pieces, as the sound of a WebSocket is heard: other calls go
    on meanwhile.
    """
    step = 2 * (PIECE_MS * sound.sample_rate // 1000)
    share = Share()
    for pcm in sound.pcm:
        for start in range(0, len(pcm), step):
            piece = np.frombuffer(pcm[start : start + step], np.dtype("<i2"))
            if blocking:
                await in_speech_thread(partial(receive, piece))
                continue
            async with share.piece():
                receive(piece)
