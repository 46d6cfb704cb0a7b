"""ITU-T G.711: eight-bit mu-law and a-law codes to and from int16 little-endian PCM.

Where a sample lies exactly on a decision value it takes the interval above it, on both sides of
zero: negative samples are coded by their ones' complement, as in the reference code of ITU-T
G.191.

CPython's `audioop` (up to 3.12) decodes both laws and encodes a-law alike, but for mu-law it
negates: 508 samples, those from each negative decision value to three above it, get the next
louder code, and code 0x7F is never used. So it encodes no mu-law here.

Paths are chosen by `benchmarks/g711.py`; ns for 160 mu-law samples, in a tight loop / every
300 us / the same after other work, Python 3.11 on an EPYC core. Decode: audioop 140 / 720 / 1,140,
translation 930 / 3,400 / 4,500, NumPy indexing 1,600 / 8,100 / 11,900. Encode: NumPy `take`
1,200 / 6,600 / 8,800, indexing 1,500 / 8,300 / 11,000. Tried and left out, because dearer or no
better: `itemgetter` over the samples 4,800 / 7,800 / 9,400, audioop on ones' complements with
the signs put back 3,100 / 6,200 / 7,600 where `take` has 1,200 / 4,900 / 8,400.
"""

import importlib
import sys
import warnings
from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from .convert import odd_pcm
from .frames import Samples

__all__ = ("alaw_decode", "alaw_encode", "mulaw_decode", "mulaw_encode")

_INT16 = np.dtype("<i2")
_UINT16 = np.dtype("<u2")
_UINT8 = np.dtype(np.uint8)

TRANSLATE_MAX = 1024  # codes; NumPy decodes faster above 450 hot, above 900 to 1,800 cold
NATIVE_ENCODE_MAX = 256  # samples; NumPy encodes faster above 100 hot, above 400 to 600 cold


class Law(msgspec.Struct, frozen=True, eq=False):
    """The tables of one law."""

    samples: Samples
    """The int16 sample of each code, shape (256,)."""
    low: bytes
    """The low bytes of `samples`."""
    high: bytes
    """The high bytes of `samples`."""
    codes: npt.NDArray[np.uint8]
    """The code of each int16 sample taken as uint16, shape (65536,)."""


def _mulaw_sample(code: int) -> int:
    inverted = ~code & 0xFF
    segment, step = inverted >> 4 & 7, inverted & 15
    magnitude = ((2 * step + 33) << segment) - 33
    return 4 * (magnitude if code & 0x80 else -magnitude)


def _alaw_sample(code: int) -> int:
    plain = code ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    magnitude = (2 * step + 33) << (segment - 1) if segment else 2 * step + 1
    return 8 * (magnitude if code & 0x80 else -magnitude)


def _bit_length(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    exponents: npt.NDArray[np.int64] = np.frexp(numbers)[1].astype(np.int64)
    return exponents


def _mulaw_codes(magnitudes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The codes of samples that are not negative."""
    biased = ((magnitudes >> 2) + 33).clip(max=0x1FFF)
    segment = _bit_length(biased) - 6
    return (segment << 4 | biased >> (segment + 1) & 15) ^ 0xFF


def _alaw_codes(magnitudes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The codes of samples that are not negative."""
    level = magnitudes >> 3
    segment = (_bit_length(level) - 5).clip(min=0)
    shift: npt.NDArray[np.int64] = segment.clip(min=1)  # the first two segments have equal steps
    return (segment << 4 | level >> shift & 15) ^ 0xD5


def _law(
    sample: Callable[[int], int],
    positive_codes: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]],
) -> Law:
    samples = np.array([sample(code) for code in range(256)], dtype=_INT16)
    pcm = samples.tobytes()
    positive = positive_codes(np.arange(32768))
    # As uint16 the sample ~m is 65535 - m: the negative half mirrors the positive one.
    codes = np.concatenate((positive, positive[::-1] ^ 0x80)).astype(np.uint8)
    return Law(samples=samples, low=pcm[0::2], high=pcm[1::2], codes=codes)


MULAW = _law(_mulaw_sample, _mulaw_codes)
ALAW = _law(_alaw_sample, _alaw_codes)


def _native(name: str) -> Callable[[bytes, int], bytes] | None:
    """A function of the standard library's `audioop`, which Python has up to 3.12."""
    if sys.byteorder == "big":  # audioop's samples have the machine's byte order
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            audioop = importlib.import_module("audioop")
        except ModuleNotFoundError:
            return None
    function: Callable[[bytes, int], bytes] = getattr(audioop, name)
    return function


NATIVE_MULAW = _native("ulaw2lin")
NATIVE_ALAW = _native("alaw2lin")
NATIVE_ALAW_ENCODE = _native("lin2alaw")


def decode_by_translation(law: Law, codes: bytes) -> bytes:
    """Two byte tables, interleaved: the cheapest without audioop while the frame is small."""
    pcm = bytearray(2 * len(codes))
    pcm[0::2] = codes.translate(law.low)
    pcm[1::2] = codes.translate(law.high)
    return bytes(pcm)


def decode_by_array(law: Law, codes: bytes) -> bytes:
    """One NumPy table: the cheapest without audioop for large blocks."""
    return law.samples.take(np.frombuffer(codes, _UINT8)).tobytes()


def decode_without_audioop(law: Law, codes: bytes) -> bytes:
    """The cheaper of the two by size."""
    if len(codes) <= TRANSLATE_MAX:
        return decode_by_translation(law, codes)
    return decode_by_array(law, codes)


def encode_by_array(law: Law, pcm: bytes) -> bytes:
    """One NumPy table; ValueError for an odd number of bytes."""
    if len(pcm) % 2:
        raise odd_pcm(pcm)
    return law.codes.take(np.frombuffer(pcm, _UINT16)).tobytes()


def mulaw_decode(codes: bytes) -> bytes:
    """int16 little-endian PCM of mu-law codes, two bytes for each."""
    if NATIVE_MULAW is not None:
        return NATIVE_MULAW(codes, 2)
    return decode_without_audioop(MULAW, codes)


def mulaw_encode(pcm: bytes) -> bytes:
    """mu-law codes of int16 little-endian PCM, one for each sample.

    ValueError for an odd number of bytes.
    """
    return encode_by_array(MULAW, pcm)


def alaw_decode(codes: bytes) -> bytes:
    """int16 little-endian PCM of a-law codes, two bytes for each."""
    if NATIVE_ALAW is not None:
        return NATIVE_ALAW(codes, 2)
    return decode_without_audioop(ALAW, codes)


def alaw_encode(pcm: bytes) -> bytes:
    """a-law codes of int16 little-endian PCM, one for each sample.

    ValueError for an odd number of bytes.
    """
    small = len(pcm) <= 2 * NATIVE_ENCODE_MAX and len(pcm) % 2 == 0
    if small and NATIVE_ALAW_ENCODE is not None:
        return NATIVE_ALAW_ENCODE(pcm, 2)
    return encode_by_array(ALAW, pcm)
