"""What is coded: speech of espeak-ng, recorded speech if given, and a melody."""

import io
import shutil
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler

__all__ = ("melody", "recorded_speech", "sounds", "spoken")

_VOICES = ("en-us", "en-us+f3", "en-gb+m7", "en-gb+f5")
_SENTENCES = (
    "The six sister ships were fishing just off the shore when the fog closed in.",
    "Please choose which of these fourteen choices you wish, or say repeat.",
)
_PAUSE = 0.7  # seconds after a sentence
_ROOM = 8.0  # int16 steps, standard deviation: a quiet room, -72 dB

Floats = npt.NDArray[np.float64]


def sounds(sample_rate: int, paths: Sequence[Path]) -> tuple[dict[str, Samples], list[str]]:
    """The sounds by name, at that rate, and why others are left out."""
    found = {"melody": melody(sample_rate)}
    reasons: list[str] = []
    if shutil.which("espeak-ng") is None:
        reasons.append("no speech of espeak-ng: it is not installed")
    else:
        found["espeak"] = spoken(sample_rate)
    if paths:
        found["recorded"] = recorded_speech(sample_rate, paths)
    else:
        reasons.append("no recorded speech: give files with --speech")
    return found, reasons


def spoken(sample_rate: int) -> Samples:
    """Four voices, a sentence or two each, with pauses in a quiet room. Band up to 11 kHz."""
    parts: list[Floats] = []
    for index, voice in enumerate(_VOICES):
        parts.append(_spoken_by(voice, _SENTENCES[index % 2], sample_rate))
        parts.append(np.zeros(round(_PAUSE * sample_rate)))
    together = np.concatenate(parts)
    noise = np.random.default_rng(5).normal(0, _ROOM, len(together))
    return _samples(together * (12_000 / np.abs(together).max()) + noise)


def _spoken_by(voice: str, sentence: str, sample_rate: int) -> Floats:
    command = ["espeak-ng", "-v", voice, "--stdout", sentence]
    output = subprocess.run(command, check=True, timeout=20, capture_output=True).stdout
    with wave.open(io.BytesIO(output), "rb") as file:
        return _at_rate(file.readframes(1 << 24), file.getframerate(), sample_rate)


def _at_rate(pcm: bytes, rate: int, sample_rate: int) -> Floats:
    resampler = Resampler(rate, sample_rate, live=False)
    converted = resampler.process(pcm[: len(pcm) // 2 * 2]) + resampler.flush()
    return np.frombuffer(converted, "<i2").astype(np.float64)


def recorded_speech(sample_rate: int, paths: Sequence[Path]) -> Samples:
    """The first 4 s of each file, one after the other."""
    parts = [_recording(path, sample_rate)[: 4 * sample_rate] for path in paths]
    return _samples(np.concatenate(parts))


def _samples(wave_form: Floats) -> Samples:
    rounded: Samples = wave_form.round().astype("<i2")
    return rounded


def _recording(path: Path, sample_rate: int) -> Floats:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        mono = av.AudioResampler(format="s16", layout="mono")
        pcm = b"".join(
            bytes(cut.planes[0])[: 2 * cut.samples]
            for frame in container.decode(stream)
            for cut in mono.resample(frame)
        )
        return _at_rate(pcm, stream.rate, sample_rate)


def melody(sample_rate: int) -> Samples:
    """Eight seconds of plucked chords of many partials with a brushed beat: full band."""
    rng = np.random.default_rng(11)
    length = sample_rate // 2
    time = np.arange(length) / sample_rate
    parts: list[Floats] = []
    for root in (220.0, 174.6, 261.6, 196.0) * 4:
        chord = np.zeros(length)
        for interval in (1.0, 1.26, 1.498):
            chord += _plucked(root * interval, time, sample_rate)
        brush = rng.normal(0, 0.15, length) * np.exp(-40 * time)
        parts.append(chord + brush)
    together = np.concatenate(parts)
    return _samples(together * (14_000 / np.abs(together).max()))


def _plucked(hertz: float, time: Floats, sample_rate: int) -> Floats:
    """A tone whose higher partials are weaker and die sooner."""
    wave_form = np.zeros(len(time))
    for partial in range(1, int(0.45 * sample_rate / hertz)):
        fading = np.exp(-(2 + 0.15 * partial) * time) * (1 - np.exp(-300 * time))
        wave_form += fading * np.sin(2 * np.pi * partial * hertz * time) / partial**1.2
    return wave_form
