"""How well speaker encoders tell voices apart across channels, and what they cost.

python -m benchmarks.speaker_verification --speech FOLDER
python -m benchmarks.speaker_verification --speech FOLDER --encoder model.onnx --fit

The folder holds recordings of speakers that no engine was trained on, several of each, named as in
LibriSpeech: speaker-book-number. Each speaker's clean speech is compared with everybody's speech
through each channel (speaker_sounds.py), as much of the one as of the other, never two stretches of
one recording.

With --fit a calibration is fitted instead: clean templates against 1 to 5 s of speech through
made-up channels, which are none of those of the table. That wants a hundred speakers or more, one
recording of each will do; they must not be those that the table is made with.
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
from antiphon.core.speech.calibration import Calibration
from antiphon.handlers.vad.compact import CompactModel
from antiphon.handlers.verify.cepstra import cepstra
from antiphon.handlers.verify.choose import speaker_encoder
from antiphon.handlers.verify.ge2e_weights import ge2e_file
from antiphon.handlers.verify.gmm import GmmEncoder, weights
from antiphon.handlers.verify.mixture import shifts
from benchmarks.report import print_header, print_table
from benchmarks.speaker_scores import calibrated, cllr, equal_error_rate, false_rejects
from benchmarks.speaker_sounds import CONDITIONS
from benchmarks.speaker_trials import Trials, Version, speaker_of, trials, versions
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, at_level
from benchmarks.voice_speech import Booleans, read_sound, recordings, voiced

LENGTHS = (1.6, 3.0, 10.0)  # s of speech
MOST = 4  # stretches of one recording
FIT_CHANNELS = 5

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


class Engine(msgspec.Struct, frozen=True, eq=False):
    """What is compared."""

    name: str
    hear: Hear
    calibration: Calibration | None
    """None for one that is only there to be compared with."""


def main() -> None:
    options = _options()
    encoders = [speaker_encoder(name) for name in options.encoder or _installed()]
    if options.fit:
        for encoder in encoders:
            _fit(encoder, options.speech)
        return
    heard = {name: list(_spoken(options.speech, name)) for name in CONDITIONS}
    speakers = {one.speaker for one in heard["clean"]}
    print_header(
        "Speaker encoders",
        ["antiphon", "numpy"],
        {
            "speech": f"{len(heard['clean'])} recordings of {len(speakers)} speakers in "
            f"{options.speech}",
            "trials": "clean against each channel, as many seconds of speech on either side",
            "rejected": "same speaker, but a probability under 0.5",
            "accepted": "another speaker, and a probability of 0.5 or more",
            "cost": "ms of CPU for the embedding, one thread, best of five",
        },
    )
    for encoder in encoders:
        for engine in _with_rivals(encoder):
            _show_quality(engine, heard)
        _show_cost(encoder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare speaker encoders.")
    parser.add_argument("--speech", type=Path, metavar="FOLDER", help="speakers nobody has heard")
    parser.add_argument(
        "--encoder",
        action="append",
        metavar="NAME",
        help="gmm, ge2e or an ONNX file, any number of times (those that are installed)",
    )
    parser.add_argument("--fit", action="store_true", help="fit a calibration")
    options = parser.parse_args()
    found = [] if options.speech is None else recordings(options.speech)
    if len({speaker_of(path) for path in found}) < 2:
        parser.exit(
            2,
            "no speakers to tell apart: give --speech FOLDER with FLAC or WAV files named "
            "speaker-book-number, for instance LibriSpeech's test-other "
            "(https://www.openslr.org/12)\n",
        )
    return options


def _installed() -> list[str]:
    return ["gmm", "ge2e"] if ge2e_file().is_file() else ["gmm"]


def _with_rivals(encoder: SpeakerEncoder) -> Iterator[Engine]:
    yield Engine(encoder.name, encoder.embedding, encoder.calibration)
    if isinstance(encoder, GmmEncoder):
        yield Engine("the same mixture without a discriminant", _shifts_alone, None)


def _fit(encoder: SpeakerEncoder, folder: Path) -> None:
    """Print the calibration, and what one fitted on half of the speakers is worth on the others."""
    rng = np.random.default_rng(5)
    made = list(versions(rng, recordings(folder), FIT_CHANNELS, (1.0,)))

    def hear(speech: Floats) -> Floats:
        return encoder.embedding(np.clip(np.rint(speech), -32768, 32767).astype("<i2"), RATE)

    def judged(some: list[Version]) -> Trials:
        return trials(rng, some, hear, plain_templates=True)

    halves = [judged([one for one in made if one.speaker % 2 == half]) for half in (0, 1)]
    for own, other in (halves, halves[::-1]):
        print(f"fitted on the other half: {_worth(own, calibrated(other.same, other.different))}")
        print(f"as it is:                 {_worth(own, encoder.calibration)}")
    everybody = judged(made)
    found = calibrated(everybody.same, everybody.different)
    print(f"fitted on all:            {_worth(everybody, found)}")
    print(f'"scale": {found.scale:.4g}, "offset": {found.offset:.4g}')


def _worth(judged: Trials, calibration: Calibration) -> str:
    return (
        f"EER {equal_error_rate(judged.same, judged.different):.1%}, "
        f"Cllr {cllr(judged.same, judged.different, calibration):.3f}, "
        f"rejected {false_rejects(judged.same, calibration):.0%}, "
        f"accepted {1 - false_rejects(judged.different, calibration):.0%}"
    )


def _spoken(folder: Path, condition: str) -> Iterator[Spoken]:
    rng, detector = np.random.default_rng(9), CompactModel()
    for path in recordings(folder):
        sound = _levelled(read_sound(path).astype(np.float32), detector)
        through = CONDITIONS[condition](rng, sound)
        pcm = np.clip(np.rint(through), -32768, 32767).astype("<i2")
        is_speech = voiced(pcm.astype(np.float32), detector)
        yield Spoken(speaker_of(path), path.name, pcm[is_speech])


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


def _judged(hear: Hear, clean: tuple[list[Stretch], Floats], stretches: list[Stretch]) -> Trials:
    one, embeddings = clean
    scores = embeddings @ _embeddings(hear, stretches).T
    fair = np.array([[not a.recordings & b.recordings for b in stretches] for a in one])
    same = np.array([[a.speaker == b.speaker for b in stretches] for a in one])
    return Trials(scores[fair & same], scores[fair & ~same])


def _shifts_alone(speech: Samples, sample_rate: int) -> Floats:
    """A mixture as it was used before there were discriminants: the rival."""
    trained = weights()
    return shifts(cepstra(speech.astype(np.float32)), trained.mixture) - trained.mean


def _embeddings(hear: Hear, stretches: list[Stretch]) -> Floats:
    found = np.array([hear(one.speech, RATE) for one in stretches])
    normed: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
    return normed


def _show_quality(engine: Engine, heard: dict[str, list[Spoken]]) -> None:
    rows: list[list[object]] = []
    for seconds in LENGTHS:
        stretches = _stretches(heard["clean"], seconds)
        clean = stretches, _embeddings(engine.hear, stretches)
        for condition, spoken in heard.items():
            judged = _judged(engine.hear, clean, _stretches(spoken, seconds))
            rows.append([f"{seconds} s, {condition}", *_figures(judged, engine.calibration)])
    print(f"\n{engine.name}\n")
    print_table(["channel", "trials", "EER", "Cllr", "rejected", "accepted"], rows)


def _figures(judged: Trials, calibration: Calibration | None) -> list[str]:
    told = [
        f"{len(judged.same)} + {len(judged.different)}",
        f"{equal_error_rate(judged.same, judged.different):.1%}",
    ]
    if calibration is None:
        return [*told, "-", "-", "-"]
    return [
        *told,
        f"{cllr(judged.same, judged.different, calibration):.2f}",
        f"{false_rejects(judged.same, calibration):.0%}",
        f"{1 - false_rejects(judged.different, calibration):.0%}",
    ]


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
