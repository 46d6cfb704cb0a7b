"""Train the compact voice activity network, and write the file that comes with the package.

python -m benchmarks.train_voice_activity --speech FOLDER [--speech FOLDER ...]

Speech is every FLAC and WAV file below the folders, and what espeak-ng says if it is installed;
Silero VAD tells where in it is speech. All else is made up: calls, noise, lines (voice_calls.py).
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from antiphon.core.models import VoiceActivityModel
from antiphon.handlers.vad.silero import SileroModel
from benchmarks.voice_calls import made_up_call
from benchmarks.voice_features import (
    Scale,
    Seen,
    labels_of,
    measured,
    packed,
    scale_of,
    seen_of,
)
from benchmarks.voice_network import Adam, Weights, forth_and_back, probabilities, starting_weights
from benchmarks.voice_scores import best_threshold, f1_score
from benchmarks.voice_sounds import Floats
from benchmarks.voice_speech import (
    Booleans,
    Utterance,
    labelled,
    read_sound,
    recordings,
    spoken,
)

Item = TypeVar("Item")

CALL_SECONDS = 20.1
CHUNK = 67  # frames a gradient reaches back: 2 s, and a whole number of them is a call
BATCH = 60  # calls
ONSET_FRAMES, ONSET_WORTH = 3, 2.0  # late at an onset costs a barge-in
RUN_ON_FRAMES, RUN_ON_WORTH = 8, 2.0  # and late at an end makes every answer late

SPARE_F1 = 0.002  # given for fewer false positives, which hold up the ends of turns


class Calls(msgspec.Struct, frozen=True, eq=False):
    """Made-up calls side by side, ready for the network."""

    seen: Seen
    labels: Booleans
    """(frames, calls)"""


def main() -> None:
    options = _options()
    started = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    paths = [path for folder in options.speech for path in recordings(folder)]
    if not paths:
        sys.exit(f"no FLAC or WAV file below {', '.join(map(str, options.speech))}")
    speakers, kept_back = _utterances(paths, SileroModel())
    training = _calls(rng, speakers, options.calls, "calls to train on")
    checking = _calls(rng, kept_back, max(1, options.calls // 10), "calls to check with")
    scale = scale_of(training.seen)
    weights = _trained(rng, training, scale, options)
    figures = _calibrated(weights, checking, scale)
    _write(options.output, packed(weights, scale), _origin(options, len(paths), figures))
    print(f"{options.output}: {figures}; {time.perf_counter() - started:.0f} s in all")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the compact voice activity network.")
    parser.add_argument("--speech", type=Path, action="append", required=True, metavar="FOLDER")
    parser.add_argument("--attribution", default="", help="whose recordings, under which licence")
    parser.add_argument("--output", type=Path, default=Path("antiphon/handlers/vad/compact.npz"))
    parser.add_argument("--calls", type=int, default=3000, help="made-up calls of 20 s")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seen", type=int, default=48, help="units of the first layer")
    parser.add_argument("--remembered", type=int, default=64, help="units that remember")
    parser.add_argument("--rate", type=float, default=4e-3, help="of learning, at its highest")
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def _utterances(
    paths: list[Path], model: VoiceActivityModel
) -> tuple[list[Utterance], list[Utterance]]:
    """Those to train on, and every twelfth recording to check with."""
    recorded = list(labelled(_told(map(read_sound, paths), len(paths), "recordings"), model))
    made = list(labelled(spoken(), model))
    print(f"{len(made)} sentences of espeak-ng" if made else "espeak-ng is not installed")
    kept_back = recorded[::12]
    return [item for index, item in enumerate(recorded) if index % 12] + made, kept_back


def _told(items: Iterable[Item], count: int, what: str) -> Iterator[Item]:
    """The same items, with their number on the terminal."""
    for number, item in enumerate(items, 1):
        print(f"\r{number} of {count} {what}", end="", flush=True)
        yield item
    print()


def _calls(rng: np.random.Generator, speakers: list[Utterance], count: int, what: str) -> Calls:
    columns: list[tuple[Floats, Booleans, Booleans]] = []
    for _ in _told(range(count), count, what):
        call = made_up_call(rng, speakers, CALL_SECONDS)
        columns.append((*measured(call.samples), labels_of(call.speech)))
    measures, heard, labels = (np.stack(arrays, axis=1) for arrays in zip(*columns, strict=True))
    return Calls(seen_of(measures, heard), labels)


def _worth(calls: Calls) -> Floats:
    """How much each frame counts."""
    worth = np.ones(calls.labels.shape, np.float32)
    for frames, amount, side in (
        (ONSET_FRAMES, ONSET_WORTH, calls.labels),
        (RUN_ON_FRAMES, RUN_ON_WORTH, ~calls.labels),
    ):
        for back in range(1, frames + 1):
            changed = side[back:] & ~side[:-back]
            worth[back:][changed] = amount
    return worth * calls.seen.heard


def _trained(
    rng: np.random.Generator, calls: Calls, scale: Scale, options: argparse.Namespace
) -> Weights:
    inputs = (calls.seen.inputs - scale.means) / scale.deviations
    labels, worth = calls.labels.astype(np.float32), _worth(calls)
    weights = starting_weights(rng, inputs.shape[2], options.seen, options.remembered)
    adam = Adam(weights)
    chunks = [slice(start, start + CHUNK) for start in range(0, len(labels), CHUNK)]
    batches = max(1, labels.shape[1] // BATCH)
    steps, done = options.epochs * batches * len(chunks), 0
    for epoch in range(options.epochs):
        losses: list[float] = []
        for batch in np.array_split(rng.permutation(labels.shape[1]), batches):
            memory = np.zeros((len(batch), options.remembered), np.float32)
            for chunk in chunks:
                cut = (chunk, batch)
                loss, gradients, memory = forth_and_back(
                    weights, inputs[cut], calls.seen.awake[cut], memory, labels[cut], worth[cut]
                )
                done += 1
                adam.step(gradients, options.rate * _pace(done, steps))
                losses.append(loss)
        print(f"\repoch {epoch + 1} of {options.epochs}, loss {np.mean(losses):.4f}", end="")
    print()
    return weights


def _pace(done: int, steps: int) -> float:
    """A quick start, then down along half a cosine."""
    return min(1.0, done / 100) * (0.505 + 0.495 * float(np.cos(np.pi * done / steps)))


def _calibrated(weights: Weights, calls: Calls, scale: Scale) -> str:
    """Shift the last bias so that 0.5 is the best threshold; tell how good that is."""
    inputs = (calls.seen.inputs - scale.means) / scale.deviations
    found = probabilities(weights, inputs, calls.seen.awake)[calls.seen.heard]
    labels = calls.labels[calls.seen.heard]
    threshold = best_threshold(found, labels, spare=SPARE_F1)
    weights["judge_bias"] -= np.float32(np.log(threshold / (1 - threshold)))
    return f"F1 {f1_score(found >= threshold, labels):.3f} on calls kept back"


def _origin(options: argparse.Namespace, recorded: int, figures: str) -> str:
    made = datetime.now(UTC).date().isoformat()
    return "\n".join(
        (
            f"Trained {made} by this project (MIT licence) with benchmarks.train_voice_activity:",
            f"{options.calls} made-up calls of {CALL_SECONDS} s, {options.epochs} epochs, "
            f"seed {options.seed}; {figures}.",
            f"Speech: {recorded} recordings. {options.attribution}".strip(),
            "Speech: sentences of this project spoken by espeak-ng, where it is installed.",
            "Labels: Silero VAD (MIT), at 0.5 or more on the clean sound.",
            "Noise, music and lines: made by this project.",
        )
    )


def _write(path: Path, arrays: dict[str, Floats], origin: str) -> None:
    """Half precision: a rounding of 0.0005 of each weight, and half the size."""
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    np.savez_compressed(path, allow_pickle=False, origin=np.array(origin), **halves)


if __name__ == "__main__":
    main()
