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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon.core.speech.calibration import Calibration
from antiphon.handlers.verify.cepstra import cepstra
from antiphon.handlers.verify.mixture import Mixture, shifts
from benchmarks.speaker_model import Discriminant, discriminant, mixture_of
from benchmarks.speaker_scores import calibrated, cllr, equal_error_rate
from benchmarks.speaker_trials import TESTS, Trials, Version, speaker_of, told, trials, versions
from benchmarks.voice_sounds import RATE
from benchmarks.voice_speech import recordings

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.signedinteger[Any]]

PACES = (1.0, 0.9, 1.1)
STRETCHES = (1.6, 2.4, 3.2)  # s of speech in one training vector
EVERY = 20  # one frame in so many shapes the mixture
FOLDS = 5


def main() -> None:
    options = _options()
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    paths = recordings(options.speech)
    if len({speaker_of(path) for path in paths}) < 2 * FOLDS:
        sys.exit(f"too few speakers below {options.speech}: {2 * FOLDS} or more are needed")
    made = list(versions(rng, paths, options.channels, PACES))
    mixture = _mixture(rng, made, options)
    stretches, speakers = _stretches(rng, made, mixture)
    print(f"{len(stretches)} stretches of {len(set(speakers.tolist()))} speakers")
    judged = _unknown_speakers(rng, made, mixture, (stretches, speakers), options)
    calibration = calibrated(judged.same, judged.different)
    figures = _figures(judged, calibration)
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


def _cut(rng: np.random.Generator, made: Iterable[Version]) -> Iterator[Version]:
    """Each version in stretches of one length that do not overlap, from a random place on."""
    for version in made:
        size = round(float(rng.choice(STRETCHES)) * RATE)
        spare = len(version.speech) % size if len(version.speech) >= size else 0
        first = int(rng.integers(spare + 1))
        for start in range(first, len(version.speech) - size + 1, size):
            stretch = version.speech[start : start + size]
            yield Version(version.speaker, version.channel, stretch)


def _mixture(
    rng: np.random.Generator, made: Sequence[Version], options: argparse.Namespace
) -> Mixture:
    frames = np.concatenate([cepstra(one.speech)[::EVERY] for one in _cut(rng, made)])
    return mixture_of(rng, frames, options.gaussians, rounds=20)


def _stretches(
    rng: np.random.Generator, made: Sequence[Version], mixture: Mixture
) -> tuple[Floats, Labels]:
    """Vectors (n, shifts), and whose each is."""
    cut = [(shifts(cepstra(one.speech), mixture), one.speaker) for one in _cut(rng, made)]
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
    made: Sequence[Version],
    mixture: Mixture,
    known: tuple[Floats, Labels],
    options: argparse.Namespace,
) -> Trials:
    """Every fifth speaker judged by a discriminant of the others, five times over."""
    vectors, speakers = known
    same: list[Floats] = []
    different: list[Floats] = []
    for fold in told(range(FOLDS), FOLDS, "fifths of the speakers judged by the others"):
        others = speakers // len(PACES) % FOLDS != fold
        trained = _discriminant(vectors[others], speakers[others], options)
        unknown = [
            one
            for one in made
            if one.speaker // len(PACES) % FOLDS == fold and one.speaker % len(PACES) == 0
        ]
        judged = trials(rng, unknown, partial(_heard, mixture, trained))
        same.append(judged.same)
        different.append(judged.different)
    return Trials(np.concatenate(same), np.concatenate(different))


def _heard(mixture: Mixture, trained: Discriminant, speech: Floats) -> Floats:
    return trained.embeddings(shifts(cepstra(speech), mixture))


def _figures(judged: Trials, calibration: Calibration) -> str:
    return (
        f"EER {equal_error_rate(judged.same, judged.different):.1%}, "
        f"Cllr {cllr(judged.same, judged.different, calibration):.2f} on {len(judged.same)} trials "
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
