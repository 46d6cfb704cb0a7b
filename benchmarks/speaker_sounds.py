"""What lies between a mouth and a recogniser: channels to train with, and others to test with.

All at 16 kHz, int16-scaled float32, speech at SPEECH_LEVEL.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from benchmarks.voice_sounds import (
    NOISES,
    RATE,
    SPEECH_LEVEL,
    Doubles,
    Floats,
    at_level,
    filtered,
    mixed,
    white,
)

__all__ = ("CONDITIONS", "made_up_channel", "noise_pool")

Channel = Callable[[np.random.Generator, Floats], Floats]

_KINDS = {
    "white": 1,
    "sloped": 2,
    "coloured": 3,
    "hum": 1,
    "machine": 2,
    "clicks": 1,
    "music": 2,
    "crackling": 1,
}
"""How often each kind of noise is heard."""
_POOL_SECONDS = 20
_OCTAVES: Doubles = np.arange(7, dtype=np.float64)
_OCTAVE_HERTZ: Doubles = 100 * np.exp2(_OCTAVES)


def noise_pool(rng: np.random.Generator, each: int) -> list[Floats]:
    """Noises to cut from: making one for every recording would take most of the training."""
    length = _POOL_SECONDS * RATE
    kinds = _KINDS.items()
    return [NOISES[kind](rng, length) for kind, often in kinds for _ in range(often * each)]


def made_up_channel(rng: np.random.Generator, speech: Floats, noises: Sequence[Floats]) -> Floats:
    """Any of a room, a microphone, a noise and a telephone line, one after the other, or none."""
    if rng.random() < 0.15:
        return speech
    if rng.random() < 0.35:
        speech = _any_room(rng, speech)
    if rng.random() < 0.6:
        speech = _any_microphone(rng, speech)
    if rng.random() < 0.6:
        speech = _any_noise(rng, speech, noises)
    if rng.random() < 0.3:
        speech = _line(speech, rng.uniform(150, 400), rng.uniform(3000, 3800))
    return speech


def _any_room(rng: np.random.Generator, speech: Floats) -> Floats:
    """Noise that dies away in a tenth to half a second, sparse at first, after the direct sound."""
    lasts = rng.uniform(0.12, 0.6)
    time = np.arange(round(lasts * RATE)) / RATE
    decaying = rng.standard_normal(len(time)) * np.exp(-6.9 * time / lasts)
    decaying *= rng.random(len(time)) < np.minimum(1, (time / 0.05) ** 2 + 0.01)
    dull = np.array([0, 0, -rng.uniform(0, 6), -rng.uniform(3, 15)])
    response = filtered(decaying.astype(np.float32), np.array([100.0, 1000, 4000, 8000]), dull)
    response *= np.float32(10 ** (rng.uniform(-10, 3) / 20) / np.sqrt(np.sum(response**2)))
    response[0] += 1
    return _convolved(speech, response)


def _any_microphone(rng: np.random.Generator, speech: Floats) -> Floats:
    if rng.random() < 0.6:
        return filtered(speech, np.geomspace(60, 8000, 8), np.cumsum(rng.normal(0, 3, 8)))
    return filtered(speech, _OCTAVE_HERTZ, rng.uniform(-4, 4) * _OCTAVES)


def _any_noise(rng: np.random.Generator, speech: Floats, noises: Sequence[Floats]) -> Floats:
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(len(noise)))
    taken = np.resize(np.roll(noise, -start), len(speech))
    return mixed(at_level(speech, SPEECH_LEVEL), taken, rng.uniform(3, 30))


def _line(speech: Floats, lowest: float, highest: float) -> Floats:
    """The band of a telephone, and mu-law."""
    hertz = np.array([lowest - 100, lowest, highest, highest + 200])
    narrow = filtered(speech, hertz, np.array([-30.0, 0, 0, -80]))
    pcm = np.clip(narrow, -32768, 32767).astype("<i2").tobytes()
    coded = np.frombuffer(mulaw_decode(mulaw_encode(pcm)), "<i2").astype(np.float32)
    return filtered(coded, np.array([3600.0, 4000]), np.array([0.0, -60]))


def _convolved(speech: Floats, response: Floats) -> Floats:
    size = 1 << (len(speech) + len(response) - 1).bit_length()
    product_ = np.fft.rfft(speech, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product_, size)[: len(speech)].astype(np.float32)


def _clean(rng: np.random.Generator, speech: Floats) -> Floats:
    return speech


def _telephone(rng: np.random.Generator, speech: Floats) -> Floats:
    return _line(speech, 300, 3400)


def _tilted(rng: np.random.Generator, speech: Floats) -> Floats:
    """4 dB less each octave."""
    return filtered(speech, _OCTAVE_HERTZ, -4 * _OCTAVES)


def _in_pink_noise(rng: np.random.Generator, speech: Floats) -> Floats:
    octaves: Doubles = np.arange(10, dtype=np.float64)
    pink = filtered(white(rng, len(speech)), 20 * np.exp2(octaves), -3.01 * octaves)
    return mixed(speech, pink, 10)


def _in_small_room(rng: np.random.Generator, speech: Floats) -> Floats:
    return _convolved(speech, _SMALL_ROOM)


def _shoebox(size: Doubles, mouth: Doubles, microphone: Doubles, reflected: float) -> Floats:
    """The response of an empty room by mirror images (Allen and Berkley 1979), 0.35 s of it."""
    reach = np.array(list(product(range(-8, 9), repeat=3)))[:, np.newaxis, :]
    sides = np.array(list(product((0, 1), repeat=3)))[np.newaxis, :, :]
    away = np.linalg.norm((1 - 2 * sides) * mouth + 2 * reach * size - microphone, axis=2)
    walls = np.sum(np.abs(reach - sides) + np.abs(reach), axis=2)
    places = np.rint(away / 343 * RATE).astype(int).ravel()
    strengths = (reflected**walls / away).ravel()
    response = np.bincount(places, strengths)[: round(0.35 * RATE)]
    return np.divide(response, np.linalg.norm(response)).astype(np.float32)


_SMALL_ROOM = _shoebox(
    np.array([4.2, 3.4, 2.6]), np.array([1.2, 1.3, 1.5]), np.array([2.6, 2.1, 1.2]), 0.8
)

CONDITIONS: dict[str, Channel] = {
    "clean": _clean,
    "telephone": _telephone,
    "tilt": _tilted,
    "noise 10 dB": _in_pink_noise,
    "small room": _in_small_room,
}
