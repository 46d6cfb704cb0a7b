"""A real call over WebRTC to a server in this process: what no other check can promise."""

from itertools import count

import anyio
import numpy as np

from ...client import connect
from ...core.audio.frames import AudioFrame
from ...core.errors import AntiphonError
from ...core.ports import Call
from ...handlers.echo import echo
from ...stream import Stream
from ...transports.http import listen
from ...transports.routes import Routes
from ...transports.tasks import background
from ..failures import explain
from ..meter import level
from .finding import Finding, ok, problem

__all__ = ("rehearse",)

_CALL = "a call to this machine"
_TIMEOUT = 10.0  # seconds in all; it takes about one
_RATE = 24_000
_FRAME = _RATE // 50
_QUIET = -40.0  # dBFS; the tone has -15
_HEARD = 10  # frames of tone that must come back


async def rehearse() -> Finding:
    """Call, say a tone, hear it, ping over the data channel."""
    stream = Stream(echo)
    try:
        with anyio.fail_after(_TIMEOUT):
            async with listen(Routes(stream.host), "127.0.0.1", 0) as port, stream.host.run(0):
                url = f"webrtc+http://127.0.0.1:{port}/webrtc/offer"
                return await _call(url)
    except TimeoutError:
        text = f"no call over WebRTC came about, or no sound came back, within {_TIMEOUT:g} s"
    except (AntiphonError, OSError, ValueError) as error:
        text = explain(error, "the call", _TIMEOUT)
    return problem(_CALL, text, "let UDP pass between the addresses of this machine")


async def _call(url: str) -> Finding:
    begun = anyio.current_time()
    async with connect(url, encoding="audio/pcm", sample_rate=_RATE, timeout=_TIMEOUT) as call:
        stood = anyio.current_time() - begun
        async with background() as tasks:
            tasks.start_soon(_speak, call)
            await _hear(call)
        trip = await call.ping()
    return ok(
        _CALL,
        f"stood after {stood * 1000:.0f} ms; its sound came back, its data channel in"
        f" {trip * 1000:.1f} ms",
    )


async def _speak(call: Call) -> None:
    """A tone of 440 Hz, for as long as it is wanted."""
    for start in count(0, _FRAME):
        wave = 8000 * np.sin(2 * np.pi * 440 * np.arange(start, start + _FRAME) / _RATE)
        await call.send_audio(AudioFrame(wave.astype("<i2").tobytes(), _RATE))


async def _hear(call: Call) -> None:
    heard = 0
    async for frame in call.audio:
        heard += level(frame.pcm) > _QUIET
        if heard >= _HEARD:
            return
    raise TimeoutError
