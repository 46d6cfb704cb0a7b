"""What a calibration is fitted on: one speaker and two, through made-up channels, 1 to 5 s."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.handlers.vad.compact import CompactModel
from benchmarks.speaker_sounds import made_up_channel, noise_pool
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, at_level
from benchmarks.voice_speech import read_sound, voiced

__all__ = ("TESTS", "Hear", "Trials", "Version", "speaker_of", "told", "trials", "versions")

Item = TypeVar("Item")
Floats = npt.NDArray[np.float32]
Hear = Callable[[Floats], Floats]
"""Speech at RATE, int16-scaled, as an embedding."""

TESTS = (1.0, 2.0, 3.0, 5.0)  # s of speech
LONGEST_TEMPLATE = 6.0  # s


class Version(msgspec.Struct, frozen=True, eq=False):
    """One recording at one pace through one channel, pauses cut out."""

    speaker: int
    """A number; of another pace, another one."""
    channel: int
    """0 for the recording as it is."""
    speech: Floats


class Trials(msgspec.Struct, frozen=True, eq=False):
    """Scores of pairs."""

    same: Floats
    different: Floats


def speaker_of(path: Path) -> str:
    """Files are named speaker-book-number, as in LibriSpeech."""
    return path.name.split("-")[0]


def told(items: Iterable[Item], count: int, what: str) -> Iterator[Item]:
    """The same items, with their number on the terminal."""
    for number, item in enumerate(items, 1):
        print(f"\r{number} of {count} {what}", end="", flush=True)
        yield item
    print()


def versions(
    rng: np.random.Generator, paths: Sequence[Path], channels: int, paces: Sequence[float]
) -> Iterator[Version]:
    """Each recording as it is and through `channels` - 1 others, at each of the paces."""
    detector, noises = CompactModel(), noise_pool(rng, 3)
    speakers = sorted({speaker_of(path) for path in paths})
    for path in told(paths, len(paths), "recordings"):
        recorded = read_sound(path).astype(np.float32)
        for place, pace in enumerate(paces):
            sound = recorded if pace == 1 else soxr.resample(recorded, RATE, RATE / pace)
            sound = at_level(sound, SPEECH_LEVEL).astype(np.float32)
            is_speech = voiced(sound, detector)
            speaker = speakers.index(speaker_of(path)) * len(paces) + place
            yield Version(speaker, 0, sound[is_speech])
            for channel in range(1, channels):
                heard = made_up_channel(rng, sound, noises)
                yield Version(speaker, channel, heard[is_speech].astype(np.float32))


def trials(
    rng: np.random.Generator, heard: Sequence[Version], hear: Hear, *, plain_templates: bool = False
) -> Trials:
    """The first half of each version as a template, and of 1 to 5 s of the second half as a test:
    all of one against all of the other, unless they came through one channel. With
    `plain_templates`, only recordings as they are make templates.
    """
    tests = [one for one in heard if len(one.speech) >= 2 * min(TESTS) * RATE]
    templates = [one for one in tests if one.channel == 0 or not plain_templates]
    scores = _normed([_template(one.speech) for one in templates], hear) @ (
        _normed([_test(rng, one.speech) for one in tests], hear).T
    )
    is_same = np.array([[one.speaker == other.speaker for other in tests] for one in templates])
    is_one = np.array([[one is other for other in tests] for one in templates])
    return Trials(scores[is_same & ~is_one], scores[~is_same])


def _template(speech: Floats) -> Floats:
    half = len(speech) // 2
    return speech[half - min(half, round(LONGEST_TEMPLATE * RATE)) : half]


def _test(rng: np.random.Generator, speech: Floats) -> Floats:
    return speech[len(speech) // 2 :][: round(float(rng.choice(TESTS)) * RATE)]


def _normed(speech: Sequence[Floats], hear: Hear) -> Floats:
    embeddings = np.array([hear(one) for one in speech])
    normed: Floats = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return normed
