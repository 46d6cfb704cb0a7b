"""Made-up calls to train and judge voice activity detectors: who speaks when, and in what noise."""

from collections.abc import Sequence

import msgspec
import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from benchmarks.voice_sounds import NOISES, RATE, SPEECH_LEVEL, Floats, at_level, filtered, mixed
from benchmarks.voice_speech import Booleans, Utterance

_SHARES = [0.1, 0.17, 0.25, 0.04, 0.12, 0.05, 0.2, 0.07]
"""How often each of NOISES is heard."""

__all__ = ("Recording", "made_up_call")


class Recording(msgspec.Struct, frozen=True, eq=False):
    """Sound of one line, int16-scaled at 16 kHz, and which samples are speech."""

    samples: Floats
    speech: Booleans


def made_up_call(
    rng: np.random.Generator, speakers: Sequence[Utterance], seconds: float
) -> Recording:
    """A call as a microphone and a line might bring it, at any strength."""
    length = round(seconds * RATE)
    speech = np.zeros(length, np.bool_)
    sound = np.zeros(length, np.float32)
    if rng.random() > 0.15:
        _talk(rng, speakers, sound, speech)
    quiet = sound == 0
    if rng.random() < 0.85:
        sound = _with_noise(rng, sound)
    if rng.random() < 0.25:
        sound = mixed(sound, NOISES["clicks"](rng, length), rng.uniform(0, 40))
    if rng.random() < 0.25:
        sound = mixed(sound, NOISES["hum"](rng, length), rng.uniform(5, 45))
    sound = _through_line(rng, sound)
    if rng.random() < 0.12:
        sound[quiet] = 0  # a line that sends nothing while nobody speaks
    elif rng.random() < 0.1:
        sound[: rng.integers(0, length // 3)] = 0  # muted at first
    sound *= np.float32(10 ** (rng.uniform(-30, 6) / 20))
    return Recording(np.clip(np.rint(sound), -32768, 32767).astype(np.float32), speech)


def _talk(
    rng: np.random.Generator, speakers: Sequence[Utterance], sound: Floats, speech: Booleans
) -> None:
    """Pieces of what speakers said, with pauses, from the first sample or later."""
    length = len(sound)
    position = 0 if rng.random() < 0.3 else round(rng.exponential(1.0) * RATE)
    speaker = speakers[int(rng.integers(len(speakers)))]
    while position < length:
        if rng.random() < 0.4:
            speaker = speakers[int(rng.integers(len(speakers)))]
        piece = _piece(rng, speaker)
        taken = min(len(piece.samples), length - position)
        fade = np.float32(10 ** (rng.normal(0, 4) / 20))
        sound[position : position + taken] = piece.samples[:taken] * fade
        speech[position : position + taken] = piece.speech[:taken]
        position += taken + round(rng.choice([0.15, 0.6, 2.5]) * rng.exponential() * RATE)


def _piece(rng: np.random.Generator, speaker: Utterance) -> Utterance:
    """Half a second to eight seconds, sometimes faster and higher, or slower and lower."""
    size = min(len(speaker.samples), round(rng.uniform(0.5, 8) * RATE))
    start = int(rng.integers(0, len(speaker.samples) - size + 1))
    cut = slice(start, start + size)
    if rng.random() > 0.4:
        return Utterance(speaker.samples[cut], speaker.speech[cut])
    pace = rng.uniform(0.8, 1.25)
    samples: Floats = soxr.resample(speaker.samples[cut], RATE, RATE / pace)
    places = np.minimum(np.arange(len(samples)) * pace, size - 1).astype(int)
    return Utterance(samples, speaker.speech[cut][places])


def _with_noise(rng: np.random.Generator, sound: Floats) -> Floats:
    """One noise or two, from the start or later, to the end or not."""
    length = len(sound)
    for _ in range(int(rng.choice([1, 1, 2]))):
        kind = str(rng.choice(list(NOISES), p=_SHARES))
        noise = at_level(NOISES[kind](rng, length), SPEECH_LEVEL - rng.uniform(-3, 45))
        if rng.random() < 0.3:
            noise[: rng.integers(0, length)] = 0
        if rng.random() < 0.2:
            noise[rng.integers(0, length) :] = 0
        sound = sound + noise
    return sound


def _through_line(rng: np.random.Generator, sound: Floats) -> Floats:
    """Perhaps another microphone, a telephone's band, 8 kHz, mu-law."""
    if rng.random() < 0.5:
        decibels = np.cumsum(rng.normal(0, 3, 8))
        sound = filtered(sound, np.geomspace(60, 8000, 8), decibels)
    line = rng.random()
    if line < 0.15:
        sound = filtered(sound, np.array([200, 300, 3400, 3600]), np.array([-30.0, 0, 0, -90]))
    elif line < 0.3:
        sound = filtered(sound, np.array([3900, 4000]), np.array([0.0, -120]))
    if line < 0.12:
        pcm = np.clip(sound, -32768, 32767).astype("<i2")
        sound = np.frombuffer(mulaw_decode(mulaw_encode(pcm.tobytes())), "<i2").astype(np.float32)
    return sound
