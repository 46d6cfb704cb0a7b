"""What voice activity detectors are tried on: speech in noise, and sound that is no speech.

The noises here are not those of the training (voice_sounds.py): they are drawn otherwise, or are
other instruments.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np

from benchmarks.opus_sounds import melody
from benchmarks.voice_sounds import (
    RATE,
    SPEECH_LEVEL,
    Doubles,
    Floats,
    at_level,
    clicks,
    filtered,
    mixed,
    white,
)
from benchmarks.voice_speech import Booleans, Utterance

__all__ = ("GRID", "Trial", "conversation", "on_grid", "sounds_without_speech", "trials")

GRID = RATE // 100
"""Samples between two judgements: engines have frames of their own, so all are asked each 10 ms."""

_PAUSE = 1.2  # s, the mean between two utterances
_LONGEST = 8.0  # s of one utterance
_ROOM = 1.0  # int16 steps: what is left of a microphone between utterances

Maker = Callable[[np.random.Generator, int], Floats]


class Trial(msgspec.Struct, frozen=True, eq=False):
    """Sound to be judged."""

    condition: str
    """Clean, or the signal-to-noise ratio."""
    noise: str
    samples: Floats


def conversation(rng: np.random.Generator, utterances: Sequence[Utterance]) -> Floats:
    """One after the other, with near-silent pauses. Each brings the noise of its own room."""
    parts = [np.zeros(RATE // 2, np.float32)]
    for utterance in utterances:
        parts.append(utterance.samples[: round(_LONGEST * RATE)])
        parts.append(np.zeros(round(_PAUSE * RATE * rng.uniform(0.6, 1.4)), np.float32))
    together = np.concatenate(parts)
    return (together + _ROOM * white(rng, len(together))).astype(np.float32)


def trials(rng: np.random.Generator, speech: Floats, snrs: Sequence[int]) -> Iterator[Trial]:
    """The speech as it is, then in each noise at each ratio (dB)."""
    yield Trial("clean", "none", pcm(speech))
    for snr in snrs:
        for name, noise in _NOISES.items():
            yield Trial(f"{snr} dB", name, pcm(mixed(speech, noise(rng, len(speech)), snr)))


def sounds_without_speech(rng: np.random.Generator, seconds: float) -> Iterator[Trial]:
    """Each kind at SPEECH_LEVEL, and two silences."""
    length = round(seconds * RATE)
    for name, make in {**_NOISES, "hum": _mains, "clicks": clicks, "tone": _tone}.items():
        yield Trial("no speech", name, pcm(at_level(make(rng, length), SPEECH_LEVEL)))
    yield Trial("no speech", "digital silence", np.zeros(length, np.float32))
    yield Trial("no speech", "dither", pcm(white(rng, length)))


def pcm(samples: Floats) -> Floats:
    """Rounded to int16 steps and clipped."""
    rounded: Floats = np.clip(np.rint(samples), -32768, 32767).astype(np.float32)
    return rounded


def on_grid(figures: Floats, frame_samples: int, length: int, *, known: bool = False) -> Floats:
    """A figure each frame as one each GRID: that of the frame which holds the moment or, with
    `known`, of the last that has ended by then (0 before the first).
    """
    moments = np.arange(length // GRID) * GRID + (0 if known else GRID // 2)
    places = moments // frame_samples - (1 if known else 0)
    found: Floats = figures[np.clip(places, 0, len(figures) - 1)]
    return np.where(places >= 0, found, np.float32(0))


def labels_on_grid(speech: Booleans) -> Booleans:
    """Which moments of the grid are speech."""
    return speech[GRID // 2 :: GRID][: len(speech) // GRID]


def _pink(rng: np.random.Generator, length: int) -> Floats:
    octaves: Doubles = np.arange(10, dtype=np.float64)
    return filtered(white(rng, length), 20 * np.exp2(octaves), -3.01 * octaves)


def _office(rng: np.random.Generator, length: int) -> Floats:
    """As a microphone might record a room: rumble, a fan with its blades, a hiss that drifts."""
    time = np.arange(length) / RATE
    rumble = filtered(white(rng, length), *_points((20, 0), (60, 0), (250, -12), (1000, -30)))
    hiss = filtered(
        white(rng, length),
        *_points((20, -20), (500, -6), (2000, 0), (4000, -3), (8000, -15)),
    )
    seconds = np.arange(length // RATE + 2)
    drift = 10 ** (np.interp(time, seconds, rng.normal(0, 3, len(seconds))) / 20)
    blades = np.sum([np.sin(2 * np.pi * n * 117 * time + n) / n for n in range(1, 6)], axis=0)
    fan = blades * (1 + 0.2 * np.sin(2 * np.pi * 1.3 * time))
    sound = at_level(rumble, -20) + at_level(hiss * drift.astype(np.float32), -24)
    return sound + at_level(fan.astype(np.float32), -30)


def _points(*points: tuple[float, float]) -> tuple[Doubles, Doubles]:
    hertz, decibels = zip(*points, strict=True)
    return np.array(hertz, np.float64), np.array(decibels, np.float64)


def _melody(rng: np.random.Generator, length: int) -> Floats:
    return np.resize(melody(RATE).astype(np.float32), length)


def _mains(rng: np.random.Generator, length: int) -> Floats:
    angle = 2 * np.pi * 50 * np.arange(length) / RATE
    return (np.sin(angle) + 0.3 * np.sin(3 * angle)).astype(np.float32)


def _tone(rng: np.random.Generator, length: int) -> Floats:
    return np.sin(2 * np.pi * 440 * np.arange(length) / RATE).astype(np.float32)


_NOISES: dict[str, Maker] = {"white": white, "pink": _pink, "office": _office, "music": _melody}
