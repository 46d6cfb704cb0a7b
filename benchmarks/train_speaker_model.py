"""Train the embedded speaker encoder, and write the file that comes with the package.

python -m benchmarks.train_speaker_model --speech FOLDER

The folder holds FLAC or WAV files named as in LibriSpeech: speaker-book-number. Each is also taken
faster and slower, as two more speakers, and all through made-up channels (speaker_sounds.py). An
hour of speech takes 3 GB of memory.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.core.speech.calibration import Calibration
from antiphon.handlers.vad.compact import CompactModel
from antiphon.handlers.verify.cepstra import cepstra
from antiphon.handlers.verify.mixture import Mixture, shifts
from benchmarks.speaker_model import Discriminant, discriminant, mixture_of
from benchmarks.speaker_scores import calibrated, cllr, equal_error_rate
from benchmarks.speaker_sounds import made_up_channel, noise_pool
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, at_level
from benchmarks.voice_speech import read_sound, recordings, voiced

Item = TypeVar("Item")
Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.signedinteger[Any]]

PACES = (1.0, 0.9, 1.1)
STRETCHES = (1.6, 2.4, 3.2)  # s of speech in one training vector
TESTS = (1.0, 2.0, 3.0, 5.0)  # s of speech in a test of the calibration
LONGEST_TEMPLATE = 6.0  # s
EVERY = 20  # one frame in so many shapes the mixture
FOLDS = 5


class Version(msgspec.Struct, frozen=True, eq=False):
    """One recording at one pace through one channel, pauses cut out."""

    speaker: int
    """A number; of another pace, another one."""
    speech: Floats


class Trials(msgspec.Struct, frozen=True, eq=False):
    """Scores of speakers that the discriminant did not know."""

    same: Floats
    different: Floats


def main() -> None:
    options = _options()
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    paths = recordings(options.speech)
    if len({path.name.split("-")[0] for path in paths}) < 2 * FOLDS:
        sys.exit(f"too few speakers below {options.speech}: {2 * FOLDS} or more are needed")
    versions = list(_versions(rng, paths, options.channels))
    mixture = _mixture(rng, versions, options)
    stretches, speakers = _stretches(rng, versions, mixture)
    print(f"{len(stretches)} stretches of {len(set(speakers.tolist()))} speakers")
    trials = _unknown_speakers(rng, versions, mixture, (stretches, speakers), options)
    calibration = calibrated(trials.same, trials.different)
    figures = _figures(trials, calibration)
    trained = _discriminant(stretches, speakers, options)
    origin = _origin(options, len(paths), figures)
    _write(options.output, mixture, trained, calibration, origin)
    print(f"{options.output}: {figures}; {time.perf_counter() - started:.0f} s in all")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the embedded speaker encoder.")
    parser.add_argument("--speech", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--attribution", default="", help="whose recordings, under which licence")
    parser.add_argument("--output", type=Path, default=Path("antiphon/handlers/verify/gmm.npz"))
    parser.add_argument("--channels", type=int, default=5, help="versions of each recording")
    parser.add_argument("--gaussians", type=int, default=64)
    parser.add_argument("--components", type=int, default=300)
    parser.add_argument("--dimension", type=int, default=96)
    parser.add_argument("--shrinkage", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def _told(items: Iterable[Item], count: int, what: str) -> Iterator[Item]:
    """The same items, with their number on the terminal."""
    for number, item in enumerate(items, 1):
        print(f"\r{number} of {count} {what}", end="", flush=True)
        yield item
    print()


def _versions(rng: np.random.Generator, paths: Sequence[Path], channels: int) -> Iterator[Version]:
    detector, noises = CompactModel(), noise_pool(rng, 3)
    speakers = sorted({path.name.split("-")[0] for path in paths})
    for path in _told(paths, len(paths), "recordings"):
        recorded = read_sound(path).astype(np.float32)
        for place, pace in enumerate(PACES):
            sound = recorded if pace == 1 else soxr.resample(recorded, RATE, RATE / pace)
            sound = at_level(sound, SPEECH_LEVEL).astype(np.float32)
            is_speech = voiced(sound, detector)
            speaker = speakers.index(path.name.split("-")[0]) * len(PACES) + place
            yield Version(speaker, sound[is_speech])
            for _ in range(channels - 1):
                heard = made_up_channel(rng, sound, noises)
                yield Version(speaker, heard[is_speech].astype(np.float32))


def _cut(rng: np.random.Generator, versions: Iterable[Version]) -> Iterator[Version]:
    """Each version in stretches of one length that do not overlap, from a random place on."""
    for version in versions:
        size = round(float(rng.choice(STRETCHES)) * RATE)
        spare = len(version.speech) % size if len(version.speech) >= size else 0
        first = int(rng.integers(spare + 1))
        for start in range(first, len(version.speech) - size + 1, size):
            stretch = version.speech[start : start + size]
            yield Version(version.speaker, stretch)


def _mixture(
    rng: np.random.Generator, versions: Sequence[Version], options: argparse.Namespace
) -> Mixture:
    frames = np.concatenate([cepstra(one.speech)[::EVERY] for one in _cut(rng, versions)])
    return mixture_of(rng, frames, options.gaussians, rounds=20)


def _stretches(
    rng: np.random.Generator, versions: Sequence[Version], mixture: Mixture
) -> tuple[Floats, Labels]:
    """Vectors (n, shifts), and whose each is."""
    cut = [(shifts(cepstra(one.speech), mixture), one.speaker) for one in _cut(rng, versions)]
    vectors, speakers = zip(*cut, strict=True)
    return np.array(vectors), np.array(speakers)


def _discriminant(vectors: Floats, speakers: Labels, options: argparse.Namespace) -> Discriminant:
    return discriminant(
        vectors,
        speakers,
        components=options.components,
        dimension=options.dimension,
        shrinkage=options.shrinkage,
    )


def _unknown_speakers(
    rng: np.random.Generator,
    versions: Sequence[Version],
    mixture: Mixture,
    known: tuple[Floats, Labels],
    options: argparse.Namespace,
) -> Trials:
    """Every fifth speaker judged by a discriminant of the others, five times over."""
    vectors, speakers = known
    same: list[Floats] = []
    different: list[Floats] = []
    for fold in _told(range(FOLDS), FOLDS, "fifths of the speakers judged by the others"):
        others = speakers // len(PACES) % FOLDS != fold
        trained = _discriminant(vectors[others], speakers[others], options)
        unknown = [
            one
            for one in versions
            if one.speaker // len(PACES) % FOLDS == fold and one.speaker % len(PACES) == 0
        ]
        trials = _trials(rng, unknown, mixture, trained)
        same.append(trials.same)
        different.append(trials.different)
    return Trials(np.concatenate(same), np.concatenate(different))


def _trials(
    rng: np.random.Generator,
    versions: Sequence[Version],
    mixture: Mixture,
    trained: Discriminant,
) -> Trials:
    """The first half of each version as a template, and of 1 to 5 s of the second half as a test:
    all of one against all of the other, unless they came through one channel.
    """
    enough = [one for one in versions if len(one.speech) >= 2 * min(TESTS) * RATE]
    owners = np.array([one.speaker for one in enough])
    halves = [len(one.speech) // 2 for one in enough]
    templates, tests = (
        [
            one.speech[half - min(half, round(LONGEST_TEMPLATE * RATE)) : half]
            for one, half in zip(enough, halves, strict=True)
        ],
        [
            one.speech[half:][: round(float(rng.choice(TESTS)) * RATE)]
            for one, half in zip(enough, halves, strict=True)
        ],
    )
    scores = _normed(templates, mixture, trained) @ _normed(tests, mixture, trained).T
    is_same = owners[:, np.newaxis] == owners
    return Trials(scores[is_same & ~np.eye(len(owners), dtype=np.bool_)], scores[~is_same])


def _normed(speech: Sequence[Floats], mixture: Mixture, trained: Discriminant) -> Floats:
    vectors = np.array([shifts(cepstra(one), mixture) for one in speech])
    embeddings = trained.embeddings(vectors)
    normed: Floats = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return normed


def _figures(trials: Trials, calibration: Calibration) -> str:
    return (
        f"EER {equal_error_rate(trials.same, trials.different):.1%}, "
        f"Cllr {cllr(trials.same, trials.different, calibration):.2f} on {len(trials.same)} trials "
        f"of unknown speakers across channels, {min(TESTS):.0f} to {max(TESTS):.0f} s"
    )


def _origin(options: argparse.Namespace, recorded: int, figures: str) -> str:
    made = datetime.now(UTC).date().isoformat()
    return "\n".join(
        (
            f"Demonstration. Trained {made} by this project (MIT licence) with",
            f"benchmarks.train_speaker_model, seed {options.seed}: {figures}.",
            f"Speech: {recorded} recordings. {options.attribution}".strip(),
            "Where in them is speech: this project's compact voice activity network.",
            "Noise, rooms, microphones and lines: made by this project.",
        )
    )


def _write(
    path: Path, mixture: Mixture, trained: Discriminant, calibration: Calibration, origin: str
) -> None:
    """The projection in 255 steps a column, which changes no score by more than a hundredth."""
    steps = np.abs(trained.projection).max(axis=0) / 127
    np.savez_compressed(
        path,
        allow_pickle=False,
        shares=mixture.shares,
        means=mixture.means,
        variances=mixture.variances,
        mean=trained.mean.astype(np.float32),
        projection=np.rint(trained.projection / steps).astype(np.int8),
        steps=steps.astype(np.float32),
        centre=trained.centre.astype(np.float32),
        calibration=np.array([calibration.scale, calibration.offset]),
        origin=np.array(origin),
    )


if __name__ == "__main__":
    main()
