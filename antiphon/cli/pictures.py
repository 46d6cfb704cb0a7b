"""Pictures that go and come in a call: shown in time, counted."""

from collections import deque
from math import inf

import anyio

from ..core.ports import Call
from ..core.video import VideoFrame
from .files import PictureSource, in_thread

__all__ = ("PictureFlow", "Projector")

TOO_LATE = 0.1  # seconds after its time at which a picture is left out: sound does not wait for it
STILL = 0.5  # seconds after which a late picture is shown rather than none
WINDOW = 1.0  # seconds over which the rate of now is taken
MAX_RATE = 120  # pictures a second, of which the rate is known


class PictureFlow:
    """What has passed in one direction."""

    def __init__(self) -> None:
        self.count = 0
        self.size: tuple[int, int] | None = None
        """Width and height of the last picture."""
        self.first = self.last = -inf
        """When the first and the last picture passed."""
        self._recent: deque[float] = deque(maxlen=MAX_RATE)

    def add(self, picture: VideoFrame) -> None:
        """One more, now."""
        now = anyio.current_time()
        self.count += 1
        self.size = picture.width, picture.height
        self.first = now if self.count == 1 else self.first
        self.last = now
        self._recent.append(now)

    def rate_now(self) -> float:
        """Pictures in the last second."""
        since = anyio.current_time() - WINDOW
        return sum(at > since for at in self._recent) / WINDOW

    @property
    def rate(self) -> float | None:
        """Pictures a second from first to last; None of fewer than two."""
        return (self.count - 1) / (self.last - self.first) if self.last > self.first else None


class Projector:
    """Shows a file's pictures at their times. What comes too late is left out."""

    def __init__(self, source: PictureSource, shown: PictureFlow) -> None:
        self._source = source
        self._shown = shown
        self.left_out = 0
        """Pictures that were too late to be sent."""

    async def run(self, call: Call) -> None:
        """To the end of the file. Raises SessionClosed, FileError, OSError."""
        started = anyio.current_time()
        async for picture in in_thread(self._source.pictures(), 1):
            due = started + picture.time
            now = anyio.current_time()
            if now > due + TOO_LATE and now < self._shown.last + STILL:
                self.left_out += 1
                continue
            await anyio.sleep_until(due)
            await call.send_video(picture)
            self._shown.add(picture)
