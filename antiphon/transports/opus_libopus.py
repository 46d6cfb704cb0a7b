"""libopus through ctypes: mono, at the handler's own rate, with the library's concealment and FEC.

`PyDLL` keeps the GIL for the 15 to 70 us of a call. With `CDLL`, which lets it go, a call costs the
same by itself, but beside one busy Python thread a call came back only after 5 ms, the
interpreter's switch interval (`benchmarks/opus.py`).

States stand in memory of Python (`opus_*_get_size`, `opus_*_init`): there is nothing to destroy.

`opus_encoder_ctl` is variadic. `argtypes` names its two fixed parameters only and the third goes in
as a ctypes object; ctypes then tells libffi that the call is variadic, which matters where such
arguments travel otherwise than fixed ones (Apple's arm64: on the stack). On x86-64 and arm64 Linux
both travel alike.

PCM is in the machine's byte order, so this is for little-endian machines; on others the self-test
in `opus.py` finds noise and refuses.
"""

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .opus_settings import OpusSettings, checked_rate, frame_samples, longest_frame

__all__ = ("Libopus", "LibopusDecoder", "LibopusEncoder", "libopus_paths")

_APPLICATIONS = {"voip": 2048, "audio": 2049, "lowdelay": 2051}  # include/opus_defines.h
_SET_BITRATE = 4002
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_SET_VBR_CONSTRAINT = 4020
_GET_LOOKAHEAD = 4027
_RESET_STATE = 4028

_MOST_PACKET = 6 * 1275 + 7  # bytes: 120 ms in six frames of the most each, RFC 6716 section 3.2

_POINTER, _INT, _INT32 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
_BYTES = ctypes.c_char_p
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "opus_strerror": (_BYTES, (_INT,)),
    "opus_get_version_string": (_BYTES, ()),
    "opus_decoder_get_size": (_INT, (_INT,)),
    "opus_decoder_init": (_INT, (_POINTER, _INT32, _INT)),
    "opus_decode": (_INT, (_POINTER, _BYTES, _INT32, _POINTER, _INT, _INT)),
    "opus_encoder_get_size": (_INT, (_INT,)),
    "opus_encoder_init": (_INT, (_POINTER, _INT32, _INT, _INT)),
    "opus_encode": (_INT32, (_POINTER, _BYTES, _INT, _POINTER, _INT32)),
    "opus_encoder_ctl": (_INT, (_POINTER, _INT)),
}


def libopus_paths() -> Iterator[str]:
    """Where libopus may be: the one that the PyAV wheel brings, then the system's.

    Nothing is imported or loaded. Looking for the system's starts a process or two.
    """
    found = importlib.util.find_spec("av")
    if found is not None and found.origin is not None:
        libraries = Path(found.origin).parent.parent / "av.libs"
        yield from sorted(str(path) for path in libraries.glob("libopus-*.so*"))
    system = ctypes.util.find_library("opus")
    if system is not None:
        yield system


class Libopus:
    """One loaded library. OSError when it cannot be loaded, AttributeError when it is another."""

    def __init__(self, path: str, loader: Callable[[str], ctypes.CDLL] = ctypes.PyDLL) -> None:
        self._library = loader(path)
        for name, (result, parameters) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, parameters
        self.decode: Callable[..., int] = self._library.opus_decode
        self.encode: Callable[..., int] = self._library.opus_encode
        self.ctl: Callable[..., int] = self._library.opus_encoder_ctl

    @property
    def version(self) -> str:
        """As in `libopus 1.6.1`."""
        text: bytes = self._library.opus_get_version_string()
        return text.decode("ascii", "replace")

    def reason(self, code: int) -> str:
        """What an error code means."""
        text: bytes = self._library.opus_strerror(code)
        return text.decode("ascii", "replace")

    def decoder_state(self, sample_rate: int) -> "ctypes.Array[ctypes.c_char]":
        """The state of a new mono decoder."""
        state = ctypes.create_string_buffer(self._library.opus_decoder_get_size(1))
        self.check(self._library.opus_decoder_init(ctypes.addressof(state), sample_rate, 1))
        return state

    def encoder_state(self, sample_rate: int, application: int) -> "ctypes.Array[ctypes.c_char]":
        """The state of a new mono encoder."""
        state = ctypes.create_string_buffer(self._library.opus_encoder_get_size(1))
        address = ctypes.addressof(state)
        self.check(self._library.opus_encoder_init(address, sample_rate, 1, application))
        return state

    def check(self, code: int) -> None:
        """RuntimeError for an error code: what was asked for had been checked before."""
        if code < 0:
            raise RuntimeError(f"libopus refused: {self.reason(code)}")


class LibopusDecoder:
    """One mono stream; see `OpusDecoder`."""

    def __init__(self, library: Libopus, sample_rate: int) -> None:
        self.sample_rate = checked_rate(sample_rate)
        self._library = library
        self._decode = library.decode
        self._state = library.decoder_state(sample_rate)
        self._address = ctypes.addressof(self._state)
        self._most = longest_frame(sample_rate)
        self._pcm = ctypes.create_string_buffer(2 * self._most)
        self._pcm_address = ctypes.addressof(self._pcm)
        self._view = memoryview(self._pcm)

    def decode(self, payload: bytes) -> bytes:
        if not payload:  # to libopus this is a lost packet
            raise ValueError("the payload is empty; an Opus packet has at least one byte")
        samples = self._decode(
            self._address, payload, len(payload), self._pcm_address, self._most, 0
        )
        if samples < 0:
            raise self._not_opus(payload, samples)
        return bytes(self._view[: 2 * samples])

    def conceal(self, samples: int) -> bytes:
        return b"".join(self._concealed(_checked_count(samples)))

    def recover(self, payload: bytes, samples: int) -> bytes:
        if not payload:
            raise ValueError("the payload is empty; an Opus packet has at least one byte")
        last = min(_checked_count(samples), self._most)
        concealed = self.conceal(samples - last)
        # No samples cannot be asked for, and yet the payload is to be looked at.
        rounded = self._rounded(max(last, 1))
        made = self._decode(self._address, payload, len(payload), self._pcm_address, rounded, 1)
        if made < 0:
            raise self._not_opus(payload, made)
        # The end is what the payload continues.
        return concealed + bytes(self._view[2 * (rounded - last) : 2 * rounded])

    def _concealed(self, samples: int) -> Iterator[bytes]:
        while samples > 0:
            piece = min(samples, self._most)
            self._library.check(
                self._decode(self._address, None, 0, self._pcm_address, self._rounded(piece), 0)
            )
            yield bytes(self._view[: 2 * piece])
            samples -= piece

    def _rounded(self, samples: int) -> int:
        """Up to whole steps of 2.5 ms, which is all that libopus conceals."""
        step = self.sample_rate // 400
        return -(-samples // step) * step

    def _not_opus(self, payload: bytes, code: int) -> ValueError:
        reason = self._library.reason(code)
        return ValueError(f"a payload of {len(payload)} bytes is no Opus packet: {reason}")


class LibopusEncoder:
    """One mono stream; see `OpusEncoder`."""

    def __init__(self, library: Libopus, sample_rate: int, settings: OpusSettings) -> None:
        self.sample_rate = checked_rate(sample_rate)
        self._library = library
        self._encode = library.encode
        self._state = library.encoder_state(sample_rate, _APPLICATIONS[settings.application])
        self._address = ctypes.addressof(self._state)
        self._packet = ctypes.create_string_buffer(_MOST_PACKET)
        self._packet_address = ctypes.addressof(self._packet)
        self._view = memoryview(self._packet)
        self._set(_SET_BITRATE, settings.bit_rate)
        self._set(_SET_VBR_CONSTRAINT, 0)  # as FFmpeg does: onsets get the bits that they need
        self._set(_SET_COMPLEXITY, settings.complexity)
        self._set(_SET_INBAND_FEC, settings.expected_loss > 0)
        self._set(_SET_PACKET_LOSS_PERC, settings.expected_loss)
        self._set(_SET_DTX, settings.dtx)

    @property
    def lookahead(self) -> int:
        """The samples by which the decoded stream is late, beyond the frame itself."""
        value = _INT32()
        self._library.check(self._library.ctl(self._address, _GET_LOOKAHEAD, ctypes.byref(value)))
        return value.value

    def encode(self, pcm: bytes) -> bytes:
        samples = frame_samples(pcm, self.sample_rate)
        size = self._encode(self._address, pcm, samples, self._packet_address, _MOST_PACKET)
        if size < 0:
            self._library.check(size)
        return bytes(self._view[:size])

    def reset(self) -> None:
        self._library.check(self._library.ctl(self._address, _RESET_STATE))

    def _set(self, request: int, value: int) -> None:
        self._library.check(self._library.ctl(self._address, request, _INT32(value)))


def _checked_count(samples: int) -> int:
    if samples < 0:
        raise ValueError(f"samples is {samples}; it must not be negative")
    return samples
