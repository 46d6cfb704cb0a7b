"""How well speaker encoders tell voices apart across channels, and what they cost.

python -m benchmarks.speaker_verification --speech FOLDER

The folder holds recordings of speakers that no engine was trained on, several of each, named as in
LibriSpeech: speaker-book-number. Each speaker's clean speech is compared with everybody's speech
through each channel (speaker_sounds.py), as much of the one as of the other, never two stretches of
one recording.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.core.audio.frames import Samples
from antiphon.core.models import SpeakerEncoder
from antiphon.handlers.vad.compact import CompactModel
from antiphon.handlers.verify.cepstra import cepstra
from antiphon.handlers.verify.gmm import GmmEncoder, weights
from antiphon.handlers.verify.mixture import shifts
from benchmarks.report import print_header, print_table
from benchmarks.speaker_scores import cllr, equal_error_rate, false_rejects
from benchmarks.speaker_sounds import CONDITIONS
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, at_level
from benchmarks.voice_speech import Booleans, read_sound, recordings, voiced

LENGTHS = (1.6, 3.0, 10.0)  # s of speech
MOST = 4  # stretches of one recording

Floats = npt.NDArray[np.float32]
Hear = Callable[[Samples, int], Floats]


class Stretch(msgspec.Struct, frozen=True, eq=False):
    """So much speech of one speaker, pauses cut out."""

    speaker: str
    recordings: frozenset[str]
    """What it was cut from: more than one where one is too short."""
    speech: Samples


class Spoken(msgspec.Struct, frozen=True, eq=False):
    """The speech of one recording through one channel, as the voice activity engine finds it."""

    speaker: str
    recording: str
    speech: Samples


class Trials(msgspec.Struct, frozen=True, eq=False):
    """Scores of pairs."""

    same: Floats
    different: Floats


def main() -> None:
    folder = _folder()
    heard = {name: list(_spoken(folder, name)) for name in CONDITIONS}
    speakers = {one.speaker for one in heard["clean"]}
    print_header(
        "Speaker encoders",
        ["antiphon", "numpy"],
        {
            "speech": f"{len(heard['clean'])} recordings of {len(speakers)} speakers in {folder}",
            "trials": "clean against each channel, as many seconds of speech on either side",
            "plain": "EER of the shifts of a mixture's means, without a discriminant",
            "rejected": "same speaker, but a probability under 0.5",
            "accepted": "another speaker, and a probability of 0.5 or more",
            "cost": "ms of CPU for the embedding, one thread, best of five",
        },
    )
    for encoder in (GmmEncoder(),):
        _show_quality(encoder, heard)
        _show_cost(encoder)


def _folder() -> Path:
    parser = argparse.ArgumentParser(description="Compare speaker encoders.")
    parser.add_argument("--speech", type=Path, metavar="FOLDER", help="speakers nobody has heard")
    folder: Path | None = parser.parse_args().speech
    found = [] if folder is None else recordings(folder)
    if folder is None or len({_speaker(path) for path in found}) < 2:
        parser.exit(
            2,
            "no speakers to tell apart: give --speech FOLDER with FLAC or WAV files named "
            "speaker-book-number, for instance LibriSpeech's test-other "
            "(https://www.openslr.org/12)\n",
        )
    return folder


def _speaker(path: Path) -> str:
    return path.name.split("-")[0]


def _spoken(folder: Path, condition: str) -> Iterator[Spoken]:
    rng, detector = np.random.default_rng(9), CompactModel()
    for path in recordings(folder):
        sound = _levelled(read_sound(path).astype(np.float32), detector)
        through = CONDITIONS[condition](rng, sound)
        pcm = np.clip(np.rint(through), -32768, 32767).astype("<i2")
        is_speech = voiced(pcm.astype(np.float32), detector)
        yield Spoken(_speaker(path), path.name, pcm[is_speech])


def _levelled(sound: Floats, detector: CompactModel) -> Floats:
    """Speech, without its pauses, at SPEECH_LEVEL."""
    is_speech: Booleans = voiced(sound, detector)
    share = max(float(is_speech.mean()), 0.01)
    return at_level(sound, SPEECH_LEVEL + 10 * float(np.log10(share))).astype(np.float32)


def _stretches(heard: Sequence[Spoken], seconds: float) -> list[Stretch]:
    """Up to MOST of each recording that is long enough, else one of several together."""
    size = round(seconds * RATE)
    found: list[Stretch] = []
    for speaker, group in groupby(heard, key=lambda one: one.speaker):
        names: set[str] = set()
        waiting: list[Samples] = []
        for one in group:
            whole = [one.speech[at : at + size] for at in range(0, len(one.speech), size)]
            whole = [speech for speech in whole if len(speech) == size][:MOST]
            found += [Stretch(speaker, frozenset({one.recording}), speech) for speech in whole]
            if not whole:
                names.add(one.recording)
                waiting.append(one.speech)
            if sum(map(len, waiting)) >= size:
                found.append(Stretch(speaker, frozenset(names), np.concatenate(waiting)[:size]))
                names, waiting = set(), []
    return found


def _trials(hear: Hear, one: list[Stretch], other: list[Stretch]) -> Trials:
    scores = _embeddings(hear, one) @ _embeddings(hear, other).T
    fair = np.array([[not a.recordings & b.recordings for b in other] for a in one])
    same = np.array([[a.speaker == b.speaker for b in other] for a in one])
    return Trials(scores[fair & same], scores[fair & ~same])


def _shifts_alone(speech: Samples, sample_rate: int) -> Floats:
    """A mixture as it was used before there were discriminants: the rival."""
    trained = weights()
    return shifts(cepstra(speech.astype(np.float32)), trained.mixture) - trained.mean


def _embeddings(hear: Hear, stretches: list[Stretch]) -> Floats:
    found = np.array([hear(one.speech, RATE) for one in stretches])
    normed: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return normed


def _show_quality(encoder: SpeakerEncoder, heard: dict[str, list[Spoken]]) -> None:
    rows: list[list[object]] = []
    for seconds in LENGTHS:
        clean = _stretches(heard["clean"], seconds)
        for condition, spoken in heard.items():
            stretches = _stretches(spoken, seconds)
            trials = _trials(encoder.embedding, clean, stretches)
            plain = _trials(_shifts_alone, clean, stretches)
            rows.append(
                [
                    f"{seconds} s, {condition}",
                    f"{len(trials.same)} + {len(trials.different)}",
                    f"{equal_error_rate(trials.same, trials.different):.1%}",
                    f"{equal_error_rate(plain.same, plain.different):.1%}",
                    f"{cllr(trials.same, trials.different, encoder.calibration):.2f}",
                    f"{false_rejects(trials.same, encoder.calibration):.0%}",
                    f"{1 - false_rejects(trials.different, encoder.calibration):.0%}",
                ]
            )
    print(f"\n{encoder.name}\n")
    print_table(["channel", "trials", "EER", "plain", "Cllr", "rejected", "accepted"], rows)


def _show_cost(encoder: SpeakerEncoder) -> None:
    rng = np.random.default_rng(2)
    rows: list[list[object]] = []
    for rate in (8000, RATE, 48_000):
        for seconds in LENGTHS:
            noise = (1000 * rng.standard_normal(round(seconds * rate))).astype("<i2")
            cost = min(_cost(encoder, noise, rate) for _ in range(5))
            rows.append([f"{rate} Hz, {seconds} s", f"{cost:.1f}", f"{cost / seconds:.1f}"])
    print()
    print_table(["speech", "cost", "a second of sound"], rows)


def _cost(encoder: SpeakerEncoder, speech: Samples, rate: int) -> float:
    start = time.thread_time_ns()
    encoder.embedding(speech, rate)
    return (time.thread_time_ns() - start) / 1e6


if __name__ == "__main__":
    main()
