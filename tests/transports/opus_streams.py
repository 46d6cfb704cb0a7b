"""Sounds, the streams of packets made of them, and the engines that make them."""

from functools import cache

import numpy as np
import numpy.typing as npt

from antiphon.core.audio.frames import Samples
from antiphon.transports.opus import OpusEngine, OpusSettings, libopus_engine, pyav_engine
from antiphon.transports.opus_libopus import libopus_paths

__all__ = (
    "ENGINES",
    "SPEECH",
    "cut",
    "engine_of",
    "packets_of",
    "samples_of",
    "snr",
    "strength",
    "tone",
    "vowels",
)

SPEECH = OpusSettings(application="voip", bit_rate=32_000, complexity=5)
ENGINES = ("libopus", "PyAV")


@cache
def engine_of(name: str) -> OpusEngine:
    return pyav_engine() if name == "PyAV" else libopus_engine(next(libopus_paths()))


def tone(sample_rate: int, seconds: float, hertz: float = 440) -> Samples:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    wave: Samples = np.rint(8000 * np.sin(2 * np.pi * hertz * time)).astype("<i2")
    return wave


def vowels(sample_rate: int, seconds: float) -> Samples:
    """Harmonics whose pitch and colour never rest, as in speech."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * (140 * time + 8 * np.sin(2 * np.pi * 1.3 * time))
    place = 900 + 600 * np.sin(2 * np.pi * 2.1 * time)
    voice = np.zeros(len(time))
    for partial in range(1, 20):
        voice += np.exp(-(((140 * partial - place) / 500) ** 2)) * np.sin(partial * phase)
    wave: Samples = np.rint(voice * (9000 / np.abs(voice).max())).astype("<i2")
    return wave


def cut(samples: Samples, size: int) -> list[bytes]:
    return [samples[i : i + size].tobytes() for i in range(0, len(samples) - size + 1, size)]


def packets_of(
    engine: OpusEngine,
    samples: Samples,
    sample_rate: int,
    settings: OpusSettings | None = None,
    duration: float = 20,
) -> list[bytes]:
    encoder = engine.encoder(sample_rate, settings or OpusSettings())
    return [encoder.encode(pcm) for pcm in cut(samples, int(sample_rate * duration / 1000))]


def samples_of(*parts: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(b"".join(parts), "<i2").astype(np.float64)


def strength(samples: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def snr(wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64]) -> float:
    """dB."""
    return 20 * float(np.log10(strength(wanted) / (strength(wanted - got) + 1e-9)))
