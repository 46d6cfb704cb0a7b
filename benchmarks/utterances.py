"""Utterances to take turns with, and where in them somebody can be heard.

Audible is what is less than 40 dB below the loudest 10 ms: the weak end of a word is in it, and a
breath before the first one. Voiced is what sounds in the throat: 80 to 1,000 Hz, less than 25 dB
below its loudest 10 ms; the hiss of an s is not.
"""

import io
import shutil
import subprocess
import wave
from collections.abc import Iterable
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler

__all__ = (
    "RATE",
    "ROOM",
    "Utterance",
    "audible",
    "first_voiced",
    "in_room",
    "recorded",
    "spoken",
    "trim",
)

RATE = 24_000
PEAK = 12_000
ROOM = 8.0  # int16 steps, standard deviation: a quiet room, -72 dB
_AUDIBLE = -40.0  # dB
_VOICED = -25.0  # dB
_VOICE = (80.0, 1000.0)  # Hz
_QUIET = -45.0  # dB; a recording with more noise does not tell where its speech ends
_LONGEST = 5.0  # seconds
_BLOCK = RATE // 100

_SPOKEN = (
    ("en-us", "What is the weather like in Paris today?"),
    ("en-us+f3", "Please book a table for two at seven."),
    ("en-gb+m7", "Now stop."),
    ("en-gb+f5", "No, wait, tell me about the other one."),
    ("de", "Wie komme ich von hier zum Bahnhof?"),
    ("fr", "Je voudrais un billet pour demain matin."),
    ("es+f2", "Quiero saber a qué hora sale el tren."),
    ("en-us+m3", "Yes, of course."),
)

Floats = npt.NDArray[np.float64]


class Utterance(msgspec.Struct, frozen=True, eq=False):
    """What one talker says, from the first audible sample to the last."""

    name: str
    samples: Samples
    """24 kHz, (n,)."""
    voiced: int
    """Index of the first voiced sample, to 10 ms."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


def spoken(count: int) -> list[Utterance]:
    """By espeak-ng; FileNotFoundError without it."""
    if shutil.which("espeak-ng") is None:
        raise FileNotFoundError("espeak-ng is not installed")
    return [trim(f"espeak {voice}", _said(voice, text)) for voice, text in _SPOKEN[:count]]


def recorded(folder: Path, count: int) -> list[Utterance]:
    """So many evenly chosen recordings of at most 5 s in a quiet room (WAV or FLAC)."""
    found: list[Utterance] = []
    for path in sorted([*folder.rglob("*.flac"), *folder.rglob("*.wav")]):
        sound = _recording(path)
        if noise_level(sound) <= _QUIET:
            utterance = trim(path.stem, sound)
            if utterance.seconds <= _LONGEST:
                found.append(utterance)
    return [found[at * len(found) // count] for at in range(min(count, len(found)))]


def trim(name: str, sound: Samples) -> Utterance:
    """Cut what is not audible from both ends."""
    start, end = audible(sound)
    kept = sound[start:end].astype(np.float64)
    samples: Samples = (kept * (PEAK / np.abs(kept).max())).round().astype(np.int16)
    return Utterance(name, samples, first_voiced(samples))


def audible(sound: Samples) -> tuple[int, int]:
    """From the first to behind the last sample of what is audible. ValueError for silence."""
    return _above(sound.astype(np.float64), _AUDIBLE)


def first_voiced(sound: Samples) -> int:
    """Where the first voiced 10 ms begin."""
    size = len(sound) + RATE // 10  # or the end would ring into the beginning
    spectrum = np.fft.rfft(sound, size)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    spectrum[(hertz < _VOICE[0]) | (hertz > _VOICE[1])] = 0
    return _above(np.fft.irfft(spectrum, size)[: len(sound)], _VOICED)[0]


def noise_level(sound: Samples) -> float:
    """What a twentieth of the sound does not exceed, in dB below its loudest 10 ms."""
    levels = _levels(sound.astype(np.float64))
    return float(20 * np.log10(max(np.percentile(levels, 5), 1e-9) / levels.max()))


def in_room(sound: Samples, noise: float, seed: int) -> Samples:
    """The sound with the noise of a room of this standard deviation."""
    if not noise:
        return sound
    heard = sound + np.random.default_rng(seed).normal(0, noise, len(sound))
    together: Samples = np.clip(heard.round(), -32768, 32767).astype(np.int16)
    return together


def _above(sound: Floats, decibels: float) -> tuple[int, int]:
    levels = _levels(sound)
    if not levels.size or not levels.max():
        raise ValueError("there is nothing to hear")
    loud = np.flatnonzero(levels > levels.max() * 10 ** (decibels / 20))
    return int(loud[0]) * _BLOCK, min((int(loud[-1]) + 1) * _BLOCK, len(sound))


def _levels(sound: Floats) -> Floats:
    padded = np.zeros(-(-len(sound) // _BLOCK) * _BLOCK)
    padded[: len(sound)] = sound
    return np.asarray(np.sqrt((padded.reshape(-1, _BLOCK) ** 2).mean(axis=1)), np.float64)


def _said(voice: str, text: str) -> Samples:
    command = ["espeak-ng", "-v", voice, "--stdout", text]
    output = subprocess.run(command, check=True, timeout=20, capture_output=True).stdout
    with wave.open(io.BytesIO(output), "rb") as file:
        pcm = file.readframes(1 << 24)
        return _at_rate([pcm[: len(pcm) // 2 * 2]], file.getframerate())


def _recording(path: Path) -> Samples:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        mono = av.AudioResampler(format="s16", layout="mono")
        parts = [
            bytes(cut.planes[0])[: 2 * cut.samples]
            for frame in container.decode(stream)
            for cut in mono.resample(frame)
        ]
        return _at_rate(parts, stream.rate)


def _at_rate(parts: Iterable[bytes], rate: int) -> Samples:
    pcm = b"".join(parts)
    if rate != RATE:
        resampler = Resampler(rate, RATE, live=False)
        pcm = resampler.process(pcm) + resampler.flush()
    return np.frombuffer(pcm, "<i2")
