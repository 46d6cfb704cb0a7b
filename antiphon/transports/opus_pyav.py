"""Opus through PyAV, where libopus cannot be called by itself: dearer, without FEC.

FFmpeg decodes at 48 kHz only and lets the GIL go in each call; it has no way to ask libopus to
conceal, so a lost stretch is what was heard last, there and back, fading.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.buffer import Buffer
from av.error import FFmpegError

from ..core.audio.frames import Samples
from ..core.audio.resample import Resampler
from .opus_settings import OpusSettings, checked_rate, frame_samples

__all__ = ("PyavDecoder", "PyavEncoder")

_CODEC_RATE = 48_000
_INT16 = np.dtype("<i2")
# RFC 7845 section 5.1: version 1, one channel, no pre-skip, 48 kHz, no gain, mapping family 0.
_MONO_HEAD = b"OpusHead\x01\x01\x00\x00" + _CODEC_RATE.to_bytes(4, "little") + b"\x00\x00\x00"
_HELD_BACK = 0.03  # seconds; more than the resampler holds of any cutting of its input
_FADE = 0.06  # seconds from full strength to silence
_REPEATED = 0.02  # seconds


class PyavDecoder:
    """One mono stream; see `OpusDecoder`. Below 48 kHz it is late by 30 ms, so that the resampler
    always has a whole packet's samples ready. `recover` conceals, and does not look at the payload.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = checked_rate(sample_rate)
        self._codec = _decoder()
        self._resampler: Resampler | None = None
        self._ready = b""
        if sample_rate != _CODEC_RATE:
            self._resampler = Resampler(_CODEC_RATE, sample_rate)
            self._ready = bytes(2 * round(_HELD_BACK * sample_rate))
        self._heard: Samples = np.zeros(round(_REPEATED * sample_rate), _INT16)
        self._concealed = 0

    def decode(self, payload: bytes) -> bytes:
        pcm = self._at_own_rate(self._decoded(payload))
        self._concealed = 0
        together = np.concatenate((self._heard, np.frombuffer(pcm, _INT16)))
        self._heard = together[-len(self._heard) :]
        return pcm

    def conceal(self, samples: int) -> bytes:
        if samples < 0:
            raise ValueError(f"samples is {samples}; it must not be negative")
        place = np.arange(self._concealed, self._concealed + samples)
        self._concealed += samples
        there_and_back = np.concatenate((self._heard[::-1], self._heard))
        strength: npt.NDArray[np.float64] = np.maximum(1 - place / (_FADE * self.sample_rate), 0)
        faded = strength * there_and_back[place % len(there_and_back)]
        return np.rint(faded).astype(_INT16).tobytes()

    def recover(self, payload: bytes, samples: int) -> bytes:
        _check_not_empty(payload)
        return self.conceal(samples)

    def _decoded(self, payload: bytes) -> bytes:
        _check_not_empty(payload)
        try:
            frames = self._codec.decode(av.Packet(payload))  # pyright: ignore[reportUnknownMemberType]  # Packet is generic
        except FFmpegError as error:
            raise ValueError(
                f"a payload of {len(payload)} bytes is no Opus packet: {error}"
            ) from error
        return b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)

    def _at_own_rate(self, pcm: bytes) -> bytes:
        if self._resampler is None:
            return pcm
        ready = self._ready + self._resampler.process(pcm)
        size = 2 * (len(pcm) // 2 * self.sample_rate // _CODEC_RATE)
        self._ready = ready[size:]
        return ready[:size]


def _check_not_empty(payload: bytes) -> None:
    if not payload:
        raise ValueError("the payload is empty; an Opus packet has at least one byte")


def _decoder() -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "r")
    codec.extradata = _MONO_HEAD
    codec.format = "s16"
    codec.layout = "mono"
    codec.sample_rate = _CODEC_RATE
    return codec


class PyavEncoder:
    """One mono stream; see `OpusEncoder`. FFmpeg has no switch for DTX, and one duration for the
    life of an encoder: a frame of another begins a new stream.
    """

    def __init__(self, sample_rate: int, settings: OpusSettings) -> None:
        self.sample_rate = checked_rate(sample_rate)
        self._settings = settings
        self._codec: AudioCodecContext | None = None
        self._samples = 0

    def encode(self, pcm: bytes) -> bytes:
        samples = frame_samples(pcm, self.sample_rate)
        if self._codec is None or samples != self._samples:
            self._codec = _encoder(self.sample_rate, samples, self._settings)
            self._samples = samples
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, _INT16).reshape(1, samples), format="s16", layout="mono"
        )
        frame.sample_rate = self.sample_rate
        encode = cast(Callable[[av.AudioFrame], list[Buffer]], self._codec.encode)  # pyright: ignore[reportUnknownMemberType]  # Packet is generic
        return b"".join(map(bytes, encode(frame)))

    def reset(self) -> None:
        self._codec = None


def _encoder(sample_rate: int, samples: int, settings: OpusSettings) -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate = settings.bit_rate
    codec.format = "s16"
    codec.layout = "mono"
    codec.sample_rate = sample_rate
    codec.time_base = Fraction(1, sample_rate)
    codec.options = {
        "application": settings.application,
        "compression_level": str(settings.complexity),
        "fec": str(int(settings.expected_loss > 0)),
        "packet_loss": str(settings.expected_loss),
        "frame_duration": f"{1000 * samples / sample_rate:g}",
    }
    return codec
