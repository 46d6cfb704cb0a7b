"""WAV files, as sound: any common kind.

The standard library's `wave` reads no float and, before Python 3.12, no WAVE_FORMAT_EXTENSIBLE, so
the header is read here. Source: Microsoft's "New Multiple Channel Audio Data and WAVE Files" and
RFC 2361.
"""

import struct
from collections.abc import Iterator
from io import SEEK_CUR
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from .convert import to_pcm
from .g711 import alaw_decode, mulaw_decode

__all__ = ("WavSound",)

MIN_RATE, MAX_RATE = 8000, 192_000  # Hz

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of every registered format's GUID
_STREAMED = 0xFFFFFFFF  # the size in files whose writer could not seek back; so is 0
_READABLE = {
    _PCM: (8, 16, 24, 32),
    _FLOAT: (32, 64),
    _ALAW: (8,),
    _MULAW: (8,),
}
_NAMES = {_PCM: "PCM", _FLOAT: "float", 2: "Microsoft ADPCM", 0x11: "IMA ADPCM", 0x55: "MP3"}


class _Format(msgspec.Struct, frozen=True):
    tag: int
    channels: int
    sample_rate: int
    bits: int

    @property
    def block(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.bits // 8


class WavSound:
    """The sound of a file of 8, 16, 24 or 32-bit PCM, 32 or 64-bit float, a-law or mu-law; mono or
    stereo; 8 to 192 kHz. Raises ValueError, saying what was seen, for anything else.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._format, self._left = _read_header(file)

    @property
    def sample_rate(self) -> int:
        """Hz, of the file."""
        return self._format.sample_rate

    def mono(self) -> Iterator[bytes]:
        """The rest of the file as int16 little-endian PCM, about a second at a time; stereo is
        mixed down. A file that ends early ends the sound.
        """
        block = self._format.block
        while self._left >= block:
            data = self._file.read(min(self._left, self.sample_rate * block))
            data = data[: len(data) - len(data) % block]
            if not data:
                return
            self._left -= len(data)
            yield _to_mono(data, self._format)


def _read_header(file: BinaryIO) -> tuple[_Format, int]:
    """The format, and the size of the sound, at which the file then stands."""
    head = file.read(12)
    if head[:4] == b"RF64":
        raise ValueError("an RF64 file (over 4 GiB) is not readable here")
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError("not a WAV file")
    form: _Format | None = None
    while len(chunk := file.read(8)) == 8:
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"fmt ":
            form = _read_format(file.read(size))
            file.seek(size & 1, SEEK_CUR)
        elif name == b"data":
            if form is None:
                raise ValueError("the WAV file has sound before its format")
            return form, size if size not in (0, _STREAMED) else _rest(file)
        else:
            file.seek(size + (size & 1), SEEK_CUR)
    raise ValueError("the WAV file has no sound")


def _rest(file: BinaryIO) -> int:
    """How much comes after here."""
    here = file.tell()
    rest = file.seek(0, 2) - here
    file.seek(here)
    return rest


def _read_format(data: bytes) -> _Format:
    if len(data) < 16:
        raise ValueError("the WAV file's format chunk is cut short")
    tag, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", data)
    if tag == _EXTENSIBLE:
        if len(data) < 40 or data[26:40] != _GUID_TAIL:
            raise ValueError("the WAV file's sub-format is not a registered one")
        tag = int.from_bytes(data[24:26], "little")
    if bits not in _READABLE.get(tag, ()):
        raise ValueError(
            f"the WAV file holds {bits}-bit {_NAMES.get(tag, f'format {tag:#06x}')}; readable:"
            " 8, 16, 24, 32-bit PCM, 32, 64-bit float, a-law, mu-law"
        )
    if channels not in (1, 2):
        raise ValueError(f"the WAV file has {channels} channels; readable: 1 or 2")
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise ValueError(
            f"the WAV file's sample rate is {sample_rate}; readable: {MIN_RATE} to {MAX_RATE} Hz"
        )
    return _Format(tag, channels, sample_rate, bits)


def _to_mono(block: bytes, form: _Format) -> bytes:
    if (form.tag, form.bits, form.channels) == (_PCM, 16, 1):
        return block
    return to_pcm(_values(block, form).reshape(-1, form.channels).T)


def _values(block: bytes, form: _Format) -> npt.NDArray[Any]:
    """The samples as int16, or as floats of full scale 1.0."""
    match form.tag, form.bits:
        case (1, 8):
            return (np.frombuffer(block, np.uint8).astype(np.int16) - 128) * 256
        case (1, 16):
            return np.frombuffer(block, "<i2")
        case (1, 24):
            padded = np.zeros((len(block) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(block, np.uint8).reshape(-1, 3)
            return padded.view("<i4")[:, 0] / 2.0**31
        case (1, 32):
            return np.frombuffer(block, "<i4") / 2.0**31
        case (3, bits):
            return np.frombuffer(block, f"<f{bits // 8}")
        case (6, _):
            return np.frombuffer(alaw_decode(block), "<i2")
        case (7, _):
            return np.frombuffer(mulaw_decode(block), "<i2")
        case other:
            raise AssertionError(other)
