"""Mono Opus codec objects, run on the event loop: 40 to 80 us for a frame there and back.

What is sent: `lowdelay` (CELT alone), 96 kb/s mono, complexity 2, neither FEC nor DTX. Found by
`benchmarks/opus.py` beside FastRTC's, which is aiortc's 48 kHz stereo at 96 kb/s, and beside the
same without the high-pass filter of `voip`; libopus 1.6.1 on an EPYC core, speech of espeak-ng /
recorded speech / melody, all sent at 24 kHz. us: CPU of encoding 20 ms, resampling included; NMR:
dB of noise over what the sound hides; bands: dB of difference in critical bands.

                          us         NMR                  bands              kb/s
    FastRTC               178-191    -7.8 / -7.4 / -1.2   1.8 / 2.2 / 3.0    99 / 88 / 109
    without high-pass     173-184    -9.8 / -14 / -18     1.1 / 0.8 / 2.9    99 / 88 / 109
    lowdelay 96, 2        35-39      -12 / -16 / -22      1.0 / 0.6 / 3.6    124 / 110 / 99
    lowdelay 96, 5        50-53      -12 / -16 / -22      1.0 / 0.6 / 3.7    124 / 110 / 99
    lowdelay 64, 5        47-49      -11 / -13 / -15      1.4 / 1.0 / 4.3    81 / 73 / 67
    voip 32, 5 (SILK)     125-133    -0.4 / -2.3 / 4.0    3.3 / 3.4 / 8.6    31 / 31 / 29

Decoding takes 23 to 26 us for ours, 40 by aiortc for FastRTC's. It is late by 2.5 ms, not 6.5. At
48 kHz the order is the same, with 47 to 49 us to encode.

Complexity 2 recovers sooner after a loss than 5, whose pitch filter leans on what went before: with
5 % of packets lost, bands are 2.0 / 1.5 dB against 2.7 / 2.0. FEC is SILK's: at 5 % loss it is
behind (3.8 / 3.7), at 20 % about even, for three times the CPU. DTX changes no packet of CELT below
complexity 7. These figures stand for a listening test, which no one has made.
"""

import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Protocol

import msgspec
import numpy as np

from ..core.audio.frames import Samples
from .opus_libopus import Libopus, LibopusDecoder, LibopusEncoder, libopus_paths
from .opus_settings import OPUS_RATES, OpusApplication, OpusSettings, checked_rate

__all__ = (
    "OPUS_RATES",
    "OpusApplication",
    "OpusDecoder",
    "OpusEncoder",
    "OpusEngine",
    "OpusSettings",
    "check_engine",
    "choose_engine",
    "libopus_engine",
    "opus_decoder",
    "opus_encoder",
    "opus_engine",
    "pyav_engine",
)

log = logging.getLogger("antiphon")


class OpusDecoder(Protocol):
    """One stream of packets to mono int16 little-endian PCM; stereo is mixed down.

    For one thread. An object keeps its place in the stream whatever is raised.
    """

    sample_rate: int
    """Hz, one of `OPUS_RATES`."""

    def decode(self, payload: bytes) -> bytes:
        """One packet, 2.5 to 120 ms. ValueError, saying what is wrong, if it is no Opus."""
        ...

    def conceal(self, samples: int) -> bytes:
        """So many samples in place of lost ones, fading; ValueError if negative."""
        ...

    def recover(self, payload: bytes, samples: int) -> bytes:
        """So many lost samples just before `payload`, from its copy of them if it carries one,
        else concealed. The payload itself is to be decoded next. ValueError as in the others.
        """
        ...


class OpusEncoder(Protocol):
    """Mono int16 little-endian PCM to one stream of packets. For one thread."""

    sample_rate: int
    """Hz, one of `OPUS_RATES`."""

    def encode(self, pcm: bytes) -> bytes:
        """The packet of one frame of 20 ms, or of 2.5, 5, 10, 40, 60, 80, 100 or 120 ms.

        ValueError for another length.
        """
        ...

    def reset(self) -> None:
        """Forget what was encoded: the next frame begins a stream."""
        ...


class OpusEngine(msgspec.Struct, frozen=True):
    """Makes the codec objects."""

    name: str
    decoder: Callable[[int], OpusDecoder]
    encoder: Callable[[int, OpusSettings], OpusEncoder]


def opus_decoder(sample_rate: int) -> OpusDecoder:
    """A decoder of a new stream; ValueError for a rate that Opus does not have."""
    return opus_engine().decoder(checked_rate(sample_rate))


def opus_encoder(sample_rate: int, settings: OpusSettings | None = None) -> OpusEncoder:
    """An encoder of a new stream; ValueError for a rate that Opus does not have."""
    return opus_engine().encoder(checked_rate(sample_rate), settings or OpusSettings())


@cache
def opus_engine() -> OpusEngine:
    """The engine of this process, chosen at the first call, which takes some ms."""
    return choose_engine()


def choose_engine() -> OpusEngine:
    """The first engine that passes `check_engine`: libopus itself, else, with a warning, PyAV.

    RuntimeError when PyAV's does not pass either.
    """
    reasons: list[str] = []
    for path in libopus_paths():
        try:
            engine = libopus_engine(path)
            check_engine(engine)
        except (OSError, AttributeError, RuntimeError) as error:
            reasons.append(f"{path}: {error}")
            continue
        log.debug("Opus by %s of %s", engine.name, path)
        return engine
    log.warning(
        "libopus cannot be called directly, so Opus goes through PyAV: more CPU and delay, and no"
        " FEC (%s)",
        "; ".join(reasons) or "no library found",
    )
    engine = pyav_engine()
    check_engine(engine)
    return engine


def libopus_engine(path: str) -> OpusEngine:
    """libopus through ctypes. OSError or AttributeError when the file is not that library."""
    library = Libopus(path)
    return OpusEngine(
        library.version,
        partial(LibopusDecoder, library),
        partial(LibopusEncoder, library),
    )


def pyav_engine() -> OpusEngine:
    """libopus through FFmpeg."""
    from .opus_pyav import PyavDecoder, PyavEncoder  # takes av with it, 100 ms

    return OpusEngine("PyAV", PyavDecoder, PyavEncoder)


def check_engine(engine: OpusEngine) -> None:
    """Send a tone through an encoder and a decoder.

    RuntimeError when it does not come back in its length and strength.
    """
    rate, frame, frames = 24_000, 480, 8
    tone = _tone(rate, frame * frames)
    encoder, decoder = engine.encoder(rate, OpusSettings()), engine.decoder(rate)
    packets = [encoder.encode(tone[i : i + frame].tobytes()) for i in range(0, len(tone), frame)]
    back = np.frombuffer(b"".join(decoder.decode(packet) for packet in packets), "<i2")
    if len(back) != len(tone):
        raise RuntimeError(f"{len(back)} samples came back of {len(tone)}")
    strength = _strength(back[-2 * frame :]) / _strength(tone)
    if not 0.9 < strength < 1.1:
        raise RuntimeError(f"a tone came back {strength:.2f} times as strong")


def _tone(rate: int, samples: int) -> Samples:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate)).astype("<i2")


def _strength(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
