"""`antiphon models`: the engines that are here, and what they cost on this machine."""

import argparse
import statistics
import time
from typing import Any

import numpy as np

from ..core.errors import MissingExtraError
from ..core.models import VoiceActivityModel
from ..handlers.vad.choose import ENGINES, voice_activity_model
from ..handlers.vad.silero import SileroModel

__all__ = ("add_parser",)

DESCRIPTION = """\
List the engines for voice activity: what `ReplyOnPause(..., vad=NAME)` takes.
Each one that is here is loaded and hears noise for half a second, to tell what
it costs. Nothing is downloaded.
"""
RATE = 24_000  # Hz; what a Stream takes unless it is told otherwise
SECONDS = 0.5


def add_parser(commands: Any) -> None:
    """Add this command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models",
        help="list the engines for voice activity",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Print the list; the exit status is 0."""
    told = [line for name in ENGINES for line in _about(name)]
    print("\n".join([f"voice activity, at {RATE} Hz:", *told]))
    return 0


def _about(name: str) -> list[str]:
    try:
        model = voice_activity_model(name)
    except MissingExtraError as error:
        return [f"  {name:<9} not here: {error}"]
    chosen = "; auto takes it" if voice_activity_model("auto") is model else ""
    return [
        f"  {name:<9} {_cost(model)}; threshold {model.threshold:g}{chosen}",
        f"  {'':<9} from {_origin(model)}",
    ]


def _cost(model: VoiceActivityModel) -> str:
    """Of the CPU, by the median frame."""
    detector = model.detector(RATE)
    size = detector.frame_samples
    noise = np.random.default_rng(1).integers(-3000, 3000, (8, size)).astype(np.int16)
    costs: list[int] = []
    end = time.perf_counter() + SECONDS
    while not costs or time.perf_counter() < end:
        for frame in noise:
            begin = time.thread_time_ns()
            detector.probability(frame)
            costs.append(time.thread_time_ns() - begin)
    cost = statistics.median(costs) / 1e9
    share = cost * RATE / size
    return f"{cost * 1e6:.0f} us a frame of {size * 1000 / RATE:g} ms, {share:.2%} of a core a call"


def _origin(model: VoiceActivityModel) -> str:
    return str(model.file) if isinstance(model, SileroModel) else "this package"
