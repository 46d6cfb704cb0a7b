"""`antiphon models`: the engines that are here, what they cost on this machine, and others."""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.audio.frames import Samples
from ..core.errors import AntiphonError
from ..core.models import SpeakerEncoder, VoiceActivityModel
from ..handlers.vad.choose import ENGINES, voice_activity_model
from ..handlers.vad.silero import SileroModel
from ..handlers.verify.choose import ENCODERS, speaker_encoder
from ..handlers.verify.ge2e import Ge2eEncoder
from . import model_install

__all__ = ("add_parser",)

DESCRIPTION = """\
List the engines: for voice activity, what `ReplyOnPause(..., vad=NAME)` takes;
to tell speakers apart, what `speaker_encoder(NAME)` takes. Each one that is
here is loaded and hears noise for half a second, to tell what it costs. Nothing
is downloaded, except by `antiphon models install`.
"""
RATE = 24_000  # Hz; what a Stream takes unless it is told otherwise
SECONDS = 0.5
_UNUSABLE = (AntiphonError, ImportError, OSError, ValueError)
SPEECH = 3  # s; the window of a verification unless its client asks for another


def add_parser(commands: Any) -> None:
    """Add this command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models",
        help="list the engines for voice activity and for speakers, install and remove them",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(metavar="ACTION", title="actions")
    actions.add_parser(
        "list",
        help="list them, as without an action",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    model_install.add_parsers(actions)


def run(_arguments: argparse.Namespace) -> int:
    """Print the list; the exit status is 0."""
    print(f"voice activity, at {RATE} Hz:")
    _show(ENGINES, _about_activity)
    print(f"\nspeakers, by {SPEECH} s of speech at {RATE} Hz:")
    _show(ENCODERS, _about_speakers)
    print("  FILE.onnx a network of yours, with the extra verify: docs/verification.md")
    return 0


def _show(names: Sequence[str] | dict[str, Any], about: Callable[[str], tuple[str, str]]) -> None:
    for name in names:
        try:
            cost, origin = about(name)
        except _UNUSABLE as error:
            print(f"  {name:<9} not here: {error}", flush=True)
        else:
            print(f"  {name:<9} {cost}\n  {'':<9} from {origin}", flush=True)


def _about_activity(name: str) -> tuple[str, str]:
    model = voice_activity_model(name)
    chosen = _chosen(voice_activity_model, model)
    size = model.detector(RATE).frame_samples
    cost = _frame_cost(model)
    share = cost * RATE / size
    told = f"{cost * 1e6:.0f} us a frame of {size * 1000 / RATE:g} ms, {share:.2%} of a core a call"
    origin = str(model.file) if isinstance(model, SileroModel) else "this package"
    return f"{told}; threshold {model.threshold:g}{chosen}", origin


def _about_speakers(name: str) -> tuple[str, str]:
    encoder = speaker_encoder(name)
    chosen = _chosen(speaker_encoder, encoder)
    weak = "; a demonstration" if encoder.demonstration else ""
    cost = _embedding_cost(encoder)
    told = f"{cost * 1e3:.1f} ms, {cost / SPEECH:.2%} of a core a call"
    origin = str(encoder.file) if isinstance(encoder, Ge2eEncoder) else "this package"
    return f"{told}{weak}{chosen}", origin


def _chosen(load: Callable[[str], object], engine: object) -> str:
    try:
        return "; auto takes it" if load("auto") is engine else ""
    except _UNUSABLE:
        return ""  # it takes one that is damaged, whose own line says so


def _frame_cost(model: VoiceActivityModel) -> float:
    detector = model.detector(RATE)
    noise = _noise(8 * detector.frame_samples).reshape(8, -1)
    return _median_cost(detector.probability, noise)


def _embedding_cost(encoder: SpeakerEncoder) -> float:
    return _median_cost(lambda speech: encoder.embedding(speech, RATE), [_noise(SPEECH * RATE)])


def _noise(size: int) -> Samples:
    return np.random.default_rng(1).integers(-3000, 3000, size).astype(np.int16)


def _median_cost(hear: Callable[[Samples], object], sounds: Sequence[Samples] | Samples) -> float:
    """Seconds of the CPU that one of the sounds takes."""
    costs: list[int] = []
    end = time.perf_counter() + SECONDS
    while not costs or time.perf_counter() < end:
        for sound in sounds:
            begin = time.thread_time_ns()
            hear(sound)
            costs.append(time.thread_time_ns() - begin)
    return statistics.median(costs) / 1e9
