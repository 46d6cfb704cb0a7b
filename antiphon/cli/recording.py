"""What comes back, on its way to a file: a bounded queue between the event loop and the disk."""

import anyio
import anyio.to_thread

from ..core.audio.frames import AudioFrame
from ..core.video import VideoFrame
from .files import Heard, Seen, Writer

__all__ = ("Recording",)

MAX_SOUND = 10.0  # seconds that wait for the disk, 0.5 MB; what comes then is not recorded
MAX_PICTURES = 16  # half a second at 30 a second, 20 MB of 1280 x 720


class Recording:
    """Takes what came without waiting; `run` writes it, in threads. What finds no place because
    the disk or the encoder is too slow is left out and counted.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._origin: float | None = None
        self._waiting: list[Heard | Seen] = []
        self._sound = 0.0
        self._pictures = 0
        self._came = anyio.Event()
        self.left_out = 0
        """Frames of sound and pictures that are not in the file."""

    @property
    def empty(self) -> bool:
        """Whether nothing has come."""
        return self._origin is None

    def hear(self, frame: AudioFrame) -> None:
        """A frame of sound has come to its end now."""
        at = self._now()
        if self._sound > MAX_SOUND:
            self.left_out += 1
            return
        self._sound += frame.duration
        self._put(Heard(frame.pcm, max(0.0, at - frame.duration)))

    def see(self, picture: VideoFrame) -> None:
        """A picture has come now."""
        at = self._now()
        if self._pictures >= MAX_PICTURES:
            self.left_out += 1
            return
        self._pictures += 1
        self._put(Seen(picture, at))

    async def run(self) -> None:
        """Write what comes, for ever. Raises OSError, FileError."""
        while True:
            await self._came.wait()
            await self._write()

    async def close(self) -> None:
        """Write what waits and complete the file, whatever cancels. Raises as `run`."""
        with anyio.CancelScope(shield=True):
            try:
                await self._write()
            finally:
                await anyio.to_thread.run_sync(self._writer.close)

    async def _write(self) -> None:
        items, self._waiting = self._waiting, []
        self._came = anyio.Event()
        if not items:
            return
        # What is being written still takes its place: the bound is on all that is in memory.
        sound, pictures = self._sound, self._pictures
        self.left_out += await anyio.to_thread.run_sync(self._writer.write, items)
        self._sound -= sound
        self._pictures -= pictures

    def _now(self) -> float:
        now = anyio.current_time()
        if self._origin is None:
            self._origin = now
        return now - self._origin

    def _put(self, item: Heard | Seen) -> None:
        self._waiting.append(item)
        self._came.set()
