"""Audio frames: int16 PCM with its rate and its place in the stream."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("AudioFrame", "Coded", "Samples")

_INT16 = np.dtype("<i2")

Samples = npt.NDArray[np.int16]


class Coded(msgspec.Struct, frozen=True, gc=False, eq=False):
    """How a frame stood on the wire that it came over."""

    encoding: str
    """As in a media format: `audio/x-mulaw`, ..."""
    payload: bytes
    pcm: bytes
    """The very samples that the payload was decoded to: it says nothing of a frame with others."""


class AudioFrame(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A stretch of mono sound. Frames carry bytes because an echo, a bridge or a recorder never
    asks for the array, and making the view of a cold 160-sample frame costs 3 µs.
    """

    pcm: bytes
    """int16 little-endian mono samples, two bytes each."""
    sample_rate: int
    """Hz."""
    pts: int = 0
    """Index of the first sample in its stream, in samples at `sample_rate`."""
    coded: Coded | None = None
    """Set when it came over a wire at this rate. Sent on as it is, over a wire of the same
    encoding, it is not encoded anew: every code stays, and an echo or a bridge saves some 5 µs.
    """

    @property
    def samples(self) -> Samples:
        """The samples as a read-only int16 array of shape (n,): a view, made when asked."""
        return np.frombuffer(self.pcm, dtype=_INT16)

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.pcm) // 2

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / (2 * self.sample_rate)

    def pieces(self, seconds: float) -> Iterator["AudioFrame"]:
        """The same sound in frames of so many seconds at most, itself where it is no longer."""
        step = 2 * max(1, int(seconds * self.sample_rate))
        if len(self.pcm) <= step:
            yield self
            return
        for start in range(0, len(self.pcm), step):
            pcm = self.pcm[start : start + step]
            yield AudioFrame(pcm, self.sample_rate, self.pts + start // 2)
