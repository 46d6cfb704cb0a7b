"""Sample rate conversion of a running stream, by soxr.

soxr works in blocks, and what waits for a block to fill is delay. Its variable-rate engine, with
the ratio held fixed, has the smallest ones among those that keep aliases out. `benchmarks/
resample.py`, 20 ms chunks: ms waiting inside, us of CPU a chunk on an EPYC core:

                  here        HQ       LQ
    8k -> 16k     30, 15    115, 5    61, 5
    8k -> 24k     30, 17     73, 5    40, 8
    24k -> 8k     25, 31     73, 5    40, 8
    48k -> 16k    13, 55     36, 10   20, 8
    44.1k -> 24k  5.5, 25    38, 11   20, 9

All three have noise 88 dB and aliases 94 dB below a tone. LQ loses 14 dB at 0.88 of the band; QQ
waits 0.3 ms but lets aliases pass whole. The engine is late by a constant 0 to 0.25 ms more
(longer below 8 kHz) and wrong in strength by up to 0.02 %. int16 streams of soxr add random
dither, so that no two runs are equal: the stream is float32, rounded here.
"""

from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from .convert import odd_pcm

__all__ = ("Resampler", "check_rate")

_INT16 = np.dtype("<i2")
_FLOAT32 = np.dtype(np.float32)
_LOWEST_RATE, _HIGHEST_RATE = 1000, 192_000  # Hz; below or above it is a mistake, not sound
_NOTHING: npt.NDArray[np.float32] = np.empty(0, _FLOAT32)


class _Stream(Protocol):
    """What is used of `soxr.ResampleStream`."""

    def resample_chunk(self, x: npt.NDArray[np.float32], last: bool) -> npt.NDArray[np.float32]: ...

    def clear(self) -> None: ...


class Resampler:
    """One mono stream from `rate_in` to `rate_out` Hz; ValueError outside 1,000 to 192,000.

    Any cutting of the same input gives the same output in the end. At the usual rates of speech,
    8 to 48 kHz, at most 30 ms wait inside. With `live=False`, for files, it is up to 120 ms, and
    the phase is linear: the live engine delays the highest tones by up to 0.1 ms more than the
    lowest where the rate goes down, which nobody hears but a comparison of samples sees.
    """

    def __init__(self, rate_in: int, rate_out: int, *, live: bool = True) -> None:
        self.rate_in = check_rate(rate_in)
        self.rate_out = check_rate(rate_out)
        self._stream = None if rate_in == rate_out else _stream(rate_in, rate_out, live)

    def process(self, pcm: bytes) -> bytes:
        """The next stretch of int16 little-endian PCM, converted as far as it is ready.

        The very same object where the rates are equal. ValueError for an odd number of bytes.
        """
        if len(pcm) % 2:
            raise odd_pcm(pcm)
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, _INT16).astype(_FLOAT32)
        return _rounded(self._stream.resample_chunk(samples, last=False))

    def flush(self) -> bytes:
        """The end of the stream: what still waited inside. The next `process` begins a new one."""
        if self._stream is None:
            return b""
        tail = self._stream.resample_chunk(_NOTHING, last=True)
        self._stream.clear()
        return _rounded(tail)


def check_rate(rate: int) -> int:
    """The rate itself. ValueError for one that nothing here converts."""
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise ValueError(f"sample rate is {rate}; allowed: {_LOWEST_RATE} to {_HIGHEST_RATE} Hz")
    return rate


def _stream(rate_in: int, rate_out: int, live: bool) -> _Stream:
    stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ", vr=live)
    return cast("_Stream", stream)  # soxr ships no types


def _rounded(samples: npt.NDArray[np.float32]) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype(_INT16).tobytes()
