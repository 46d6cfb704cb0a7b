"""Pictures over WebRTC: decoded and encoded by aiortc in threads, converted only when asked."""

import asyncio
import fractions
from collections.abc import Callable
from typing import Any, cast

import anyio
import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from ..core.video import Pixels, VideoFrame

__all__ = ("DecodedPicture", "PicturesOut", "watch")

_CLOCK_RATE = 90_000  # Hz, of RTP timestamps of video: RFC 7741 section 4.1, RFC 6184 section 8.2.1
_TIME_BASE = fractions.Fraction(1, _CLOCK_RATE)


class DecodedPicture:
    """A picture in the codec's own 4:2:0 format; implements `antiphon.core.video.Picture`."""

    __slots__ = ("decoded",)

    def __init__(self, decoded: av.VideoFrame) -> None:
        self.decoded = decoded

    @property
    def width(self) -> int:
        return self.decoded.width

    @property
    def height(self) -> int:
        return self.decoded.height

    def to_bgr(self) -> Pixels:
        return cast(Pixels, self.decoded.to_ndarray(format="bgr24"))


async def watch(track: MediaStreamTrack, deliver: Callable[[VideoFrame], None]) -> None:
    """Deliver what comes over a track, to its end; never waits, for aiortc's queue has no bound."""
    remote: Any = track  # its frames have types that aiortc's own annotations do not know
    origin: float | None = None
    while True:
        try:
            decoded = await remote.recv()
        except MediaStreamError:
            return
        assert isinstance(decoded, av.VideoFrame)
        time = decoded.time or 0.0
        origin = time if origin is None else origin
        deliver(VideoFrame(picture=DecodedPicture(decoded), time=time - origin))


class PicturesOut(MediaStreamTrack):
    """One picture waits for the encoder at most; `taken` is called when there is room again."""

    kind = "video"

    def __init__(self, taken: Callable[[], None]) -> None:
        super().__init__()
        self._time = asyncio.get_running_loop().time
        self._taken = taken
        self._origin = self._time()
        self._last = -1
        self._next: VideoFrame | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether one more picture may be given. Always when the track has ended (a picture that
        cannot be encoded ends it): nobody waits for room that will not come.
        """
        return self._next is None or self.readyState != "live"

    def show(self, frame: VideoFrame) -> None:
        """Give a picture; one that still waits gives way. Goes nowhere when the track has ended."""
        if self.readyState == "live":
            self._next = frame
            self._wake()

    def stop(self) -> None:
        super().stop()
        self._next = None
        self._wake()
        self._taken()

    async def recv(self) -> av.VideoFrame:
        while self._next is None:
            if self.readyState != "live":
                raise MediaStreamError
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        frame, self._next = self._next, None
        picture = await _encodable(frame)
        picture.pts = self._last = max(
            round((self._time() - self._origin) * _CLOCK_RATE), self._last + 1
        )
        picture.time_base = _TIME_BASE
        self._taken()
        return picture

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _encodable(frame: VideoFrame) -> av.VideoFrame:
    """In the encoder's format; the conversion takes some ms, so it has a thread."""
    picture = frame.picture
    if isinstance(picture, DecodedPicture) and picture.decoded.format.name == "yuv420p":
        return picture.decoded
    return await anyio.to_thread.run_sync(_converted, frame)


def _converted(frame: VideoFrame) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(frame.bgr, format="bgr24").reformat(format="yuv420p")
