"""Sound that nobody speaks, and how speech and noise are laid over each other.

All at 16 kHz, int16-scaled float32. Each maker takes a generator and a number of samples.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ("NOISES", "RATE", "SPEECH_LEVEL", "Floats", "at_level", "filtered", "level", "mixed")

Floats = npt.NDArray[np.floating[Any]]
Doubles = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Floats]

RATE = 16_000
SPEECH_LEVEL = -26.0
"""dBFS, the level of active speech (ITU-T P.56 tests use it)."""


def level(samples: Floats) -> float:
    """dBFS of the mean power; -200 for silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * float(np.log10(max(power / 32768**2, 1e-20)))


def at_level(samples: Floats, decibels: float) -> Floats:
    """The same sound at that mean power; silence stays silence."""
    now = level(samples)
    if now <= -200:
        return samples
    return np.multiply(samples, 10 ** ((decibels - now) / 20), dtype=np.float32)


def mixed(speech: Floats, noise: Floats, snr: float) -> Floats:
    """Speech whose active parts are at SPEECH_LEVEL, with noise `snr` dB below that level."""
    return speech + at_level(noise, SPEECH_LEVEL - snr)


def filtered(samples: Floats, hertz: Doubles, decibels: Doubles) -> Floats:
    """The sound after a gain given at some frequencies, straight between them."""
    bins = np.fft.rfftfreq(len(samples), 1 / RATE)
    gains = 10 ** (np.interp(bins, hertz, decibels) / 20)
    return np.fft.irfft(np.fft.rfft(samples) * gains, len(samples)).astype(np.float32)


def white(rng: np.random.Generator, length: int) -> Floats:
    return rng.standard_normal(length).astype(np.float32)


def sloped(rng: np.random.Generator, length: int) -> Floats:
    """Between white and brown: pink is in the middle."""
    octaves: Doubles = np.arange(10, dtype=np.float64)
    return filtered(white(rng, length), 20 * np.exp2(octaves), rng.uniform(-7, 0) * octaves)


def coloured(rng: np.random.Generator, length: int) -> Floats:
    """Fans, engines, air, hiss: any smooth spectrum, its strength drifting."""
    decibels = np.cumsum(rng.normal(-2, 5, 9))
    noise = filtered(white(rng, length), np.geomspace(20, 8000, 9), decibels)
    return noise * _swelling(rng, length)


def _swelling(rng: np.random.Generator, length: int) -> Floats:
    """A gain that wanders by a few dB: traffic, wind."""
    count = max(2, round(length / RATE * rng.choice([0.2, 1.0, 4.0])))
    decibels = rng.normal(0, rng.uniform(0, 5), count)
    places = np.linspace(0, length, count)
    wandering = np.interp(np.arange(length), places, decibels)
    gains: Floats = np.power(10, wandering / 20).astype(np.float32)
    return gains


def hum(rng: np.random.Generator, length: int) -> Floats:
    """Mains or a motor: a low tone that holds, its harmonics, a little hiss."""
    pitch = rng.choice([50.0, 60.0, 100.0, 120.0, rng.uniform(40, 400)])
    time = np.arange(length) / RATE
    partials = np.arange(1, int(rng.integers(2, 30)))
    strength = partials ** -rng.uniform(0.5, 2.0) * rng.uniform(0.1, 1, len(partials))
    waves = np.zeros(length)
    for partial, strong in zip(partials, strength, strict=True):
        if partial * pitch < RATE / 2:
            waves += strong * np.sin(2 * np.pi * (partial * pitch * time + rng.random()))
    return (waves + 0.03 * rng.random() * rng.standard_normal(length)).astype(np.float32)


def machine(rng: np.random.Generator, length: int) -> Floats:
    """A motor, fan or mixer: harmonics whose pitch and strength waver, in noise of some colour."""
    time = np.arange(length) / RATE
    pitch = rng.uniform(30, 500) * (1 + rng.choice([0.0, 0.002, 0.03]) * _wandering(rng, length))
    turns = np.cumsum(pitch) / RATE
    partials = np.arange(1, int(rng.integers(2, 25)))
    strengths = partials ** -rng.uniform(0.3, 2.0) * rng.uniform(0, 1, len(partials))
    heard = partials * pitch.max() < RATE / 2
    waves = np.zeros(length, np.float32)
    for partial, strength in zip(partials[heard], strengths[heard], strict=True):
        angle = (2 * np.pi * (partial * turns + rng.random())).astype(np.float32)
        waves += np.float32(strength) * np.sin(angle)
    beating = 1 + rng.choice([0.0, 0.2, 0.6]) * np.sin(2 * np.pi * rng.uniform(0.5, 15) * time)
    tones = at_level((waves * beating).astype(np.float32), -20)
    return tones + at_level(coloured(rng, length), -20 + rng.uniform(-15, 15))


def _wandering(rng: np.random.Generator, length: int) -> Doubles:
    """A slow random line, about -1 to 1."""
    places = np.linspace(0, length, max(2, 2 * length // RATE))
    return np.interp(np.arange(length), places, rng.uniform(-1, 1, len(places)))


def clicks(rng: np.random.Generator, length: int) -> Floats:
    """Keys, knocks, crackle: bursts that ring for a few to a hundred milliseconds."""
    sound = np.zeros(length, np.float32)
    count = max(1, round(length / RATE * rng.uniform(0.5, 8)))
    for start in rng.integers(0, length, count):
        sound[start : start + RATE // 4] += _burst(rng)[: length - start]
    return sound + np.float32(1e-3) * white(rng, length)


def _burst(rng: np.random.Generator) -> Floats:
    time = np.arange(RATE // 4) / RATE
    fading = np.exp(-time * rng.choice([30.0, 100.0, 400.0, 2000.0]))
    ringing = np.sin(2 * np.pi * rng.uniform(80, 4000) * time + rng.random())
    part = rng.random()
    burst = part * ringing + (1 - part) * rng.standard_normal(len(time))
    fading *= rng.uniform(0.2, 1)
    result: Floats = (burst * fading).astype(np.float32)
    return result


def music(rng: np.random.Generator, length: int) -> Floats:
    """One to four instruments, each with a timbre and a way to be played, and often a drum."""
    sound = np.zeros(length)
    beat = int(RATE * rng.uniform(0.12, 0.7))
    for _ in range(int(rng.integers(1, 5))):
        sound += rng.uniform(0.2, 1) * _instrument(
            rng, length, beat * int(rng.choice([1, 1, 2, 4]))
        )
    if rng.random() < 0.6:
        sound += rng.uniform(0.2, 2) * _drum(rng, length, beat)
    return sound.astype(np.float32)


def _instrument(rng: np.random.Generator, length: int, note: int) -> Doubles:
    """Notes or chords of one length, some of them left out."""
    lowest = rng.uniform(50, 600)
    together = int(rng.choice([1, 1, 2, 3, 4]))
    timbre = _timbre(rng)
    envelope = _envelope(rng, note)
    brush = rng.choice([0.0, 0.0, 0.1, 0.3]) * np.exp(-np.arange(note) / RATE * 40)
    sound = np.zeros(length)
    for start in range(0, length, note):
        if rng.random() < 0.85:
            steps = rng.choice([0, 2, 3, 4, 5, 7, 9, 12, 14, 16, 19], together, replace=False)
            played = sum(_note(rng, lowest * 2 ** (step / 12), timbre, note) for step in steps)
            played = played * envelope + brush * rng.standard_normal(note)
            sound[start : start + note] += played[: length - start]
    return sound


def _timbre(rng: np.random.Generator) -> Doubles:
    """Strengths of the partials: anything from a flute to a string or an organ."""
    partials = np.arange(1, int(rng.integers(2, 25)))
    strengths = partials ** -rng.uniform(0.6, 2.2) * rng.uniform(0.2, 1, len(partials))
    if rng.random() < 0.2:
        strengths[1::2] *= 0.05  # a clarinet, a closed pipe
    return strengths


def _envelope(rng: np.random.Generator, note: int) -> Doubles:
    time = np.arange(note) / RATE
    fading, attack = rng.choice([0.0, 1.0, 4.0, 10.0]), rng.choice([20.0, 100.0, 500.0])
    trembling = 1 + rng.choice([0.0, 0.0, 0.4]) * np.sin(2 * np.pi * rng.uniform(3, 8) * time)
    ending = np.minimum(1, np.arange(note)[::-1] / (0.005 * RATE))
    envelope: Doubles = np.exp(-fading * time) * (1 - np.exp(-attack * time)) * trembling * ending
    return envelope


def _note(rng: np.random.Generator, pitch: float, strengths: Doubles, note: int) -> Doubles:
    heard = np.arange(1, min(len(strengths), int(RATE / 2 / pitch)) + 1)
    time = np.arange(note) / RATE
    vibrato = rng.choice([0.0, 0.0, 0.003]) * np.sin(2 * np.pi * 5.5 * time) / 5.5
    hertz = pitch * heard[:, np.newaxis]
    turns = hertz * (time + vibrato) + rng.random((len(heard), 1))
    played: Doubles = strengths[: len(heard)] @ np.sin(2 * np.pi * turns)
    return played


def _drum(rng: np.random.Generator, length: int, beat: int) -> Doubles:
    hit = rng.standard_normal(beat) * np.exp(-np.arange(beat) / RATE * rng.uniform(10, 80))
    return np.resize(hit, length)


def crackling(rng: np.random.Generator, length: int) -> Floats:
    """Noise that comes and goes in steps: doors, machines, a bad line."""
    parts = np.maximum(1, rng.exponential(0.4 * RATE, 2 + length // RATE * 5).astype(int))
    gains = rng.choice([0.0, 0.1, 0.4, 1.0], len(parts))
    steps = np.resize(np.repeat(gains, parts), length)
    noise = coloured(rng, length) * steps + 1e-3 * white(rng, length)
    return noise.astype(np.float32)


NOISES: dict[str, Maker] = {
    "white": white,
    "sloped": sloped,
    "coloured": coloured,
    "hum": hum,
    "machine": machine,
    "clicks": clicks,
    "music": music,
    "crackling": crackling,
}
