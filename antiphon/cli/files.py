"""What a call asks of the files that it plays and records, whatever their format."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

import anyio.to_thread
import msgspec

from ..core.audio.frames import AudioFrame
from ..core.video import VideoFrame

__all__ = (
    "FRAME_RATE",
    "FileError",
    "Heard",
    "PictureSource",
    "Seen",
    "SoundSource",
    "Writer",
    "in_frames",
    "in_thread",
)

T = TypeVar("T")

FRAME_RATE = 50  # frames a second: 20 ms, as telephony and WebRTC cut sound


class FileError(ValueError):
    """A file that is not of a kind that is read, or written, here."""


class SoundSource(Protocol):
    """A file that is heard."""

    def frames(self, sample_rate: int) -> Iterator[AudioFrame]:
        """The sound, mono at `sample_rate`, in 20 ms; the last may be shorter."""
        ...


class PictureSource(Protocol):
    """A file that is seen."""

    def pictures(self) -> Iterator[VideoFrame]:
        """The pictures in order, each with its `time` in the file in seconds."""
        ...


class Heard(msgspec.Struct, frozen=True, eq=False):
    """Sound that came."""

    pcm: bytes
    """int16 mono."""
    at: float
    """Seconds since the recording began, of its first sample."""


class Seen(msgspec.Struct, frozen=True, eq=False):
    """A picture that came."""

    picture: VideoFrame
    at: float
    """Seconds since the recording began."""


class Writer(Protocol):
    """A recording. Its methods block; they are called by one thread at a time. All raise OSError
    and FileError.
    """

    def write(self, items: Sequence[Heard | Seen]) -> int:
        """Add what came, in the order in which it came; how many have no place in the file."""
        ...

    def close(self) -> None:
        """No more; the file is complete."""
        ...


def in_frames(pcm: Iterator[bytes], sample_rate: int) -> Iterator[AudioFrame]:
    """Whole samples in pieces of any length, as frames of 20 ms; the last may be shorter."""
    size = 2 * (sample_rate // FRAME_RATE)
    waiting = bytearray()
    pts = 0
    for piece in pcm:
        waiting += piece
        whole = len(waiting) - len(waiting) % size
        for start in range(0, whole, size):
            yield AudioFrame(bytes(waiting[start : start + size]), sample_rate, pts)
            pts += size // 2
        del waiting[:whole]
    if waiting:
        yield AudioFrame(bytes(waiting), sample_rate, pts)


async def in_thread(items: Iterator[T], count: int) -> AsyncIterator[T]:
    """The items, taken `count` at a time in a thread; an iterator is in one thread at a time."""
    while True:
        some = await anyio.to_thread.run_sync(lambda: list(islice(items, count)))
        if not some:
            return
        for item in some:
            yield item
