"""WAV files: read as live frames, and written so that a recording is valid at every moment."""

import errno
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ..core.audio.frames import AudioFrame
from ..core.audio.resample import Resampler
from ..core.audio.wav import WavSound
from .files import FileError, Heard, Seen, in_frames

__all__ = ("WavError", "WavReader", "WavWriter")

_PCM = 1
_STREAMED = 0xFFFFFFFF  # the size in files whose writer could not seek back


class WavError(FileError):
    """A file that is no WAV file, or of a kind that is not read here."""


class WavReader:
    """A WAV file of 8, 16, 24 or 32-bit PCM, 32 or 64-bit float, a-law or mu-law; mono or stereo;
    8 to 192 kHz. Raises WavError for anything else, OSError when it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by __exit__, or below
        try:
            self._sound = WavSound(self._file)
        except ValueError as error:
            self._file.close()
            raise WavError(str(error)) from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "WavReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def sample_rate(self) -> int:
        """Hz, of the file."""
        return self._sound.sample_rate

    def frames(self, sample_rate: int) -> Iterator[AudioFrame]:
        """The rest of the file, mono at `sample_rate`, in 20 ms; the last may be shorter."""
        return in_frames(self._converted(sample_rate), sample_rate)

    def _converted(self, sample_rate: int) -> Iterator[bytes]:
        resampler = Resampler(self.sample_rate, sample_rate, live=False)
        for pcm in self._sound.mono():
            yield resampler.process(pcm)
        yield resampler.flush()


class WavWriter:
    """An int16 mono recording; an existing file is replaced. Raises OSError.

    The header is right after every `write`, and nothing waits in memory: whatever ends the program,
    what was heard can be played.
    """

    def __init__(self, path: str | Path, sample_rate: int) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by `close`, or below
        self._size = 0
        form = struct.pack("<IHHIIHH", 16, _PCM, 1, sample_rate, 2 * sample_rate, 2, 16)
        try:
            self._put(b"RIFF\x24\0\0\0WAVEfmt " + form + b"data\0\0\0\0")
        except BaseException:
            self._file.close()
            raise

    def write(self, items: Sequence[Heard | Seen]) -> int:
        """Add what was heard; pictures are not, and neither are pauses. Nothing is without place
        that a WAV file could hold: 0.
        """
        self.append(b"".join(item.pcm for item in items if isinstance(item, Heard)))
        return 0

    def append(self, pcm: bytes) -> None:
        """Add int16 little-endian samples."""
        self._put(pcm)
        self._size += len(pcm)
        for place, size in ((4, 36 + self._size), (40, self._size)):
            # Over 4 GiB the header can only say that it does not know.
            os.pwrite(self._file.fileno(), min(size, _STREAMED).to_bytes(4, "little"), place)

    def _put(self, data: bytes) -> None:
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """No more."""
        self._file.close()
