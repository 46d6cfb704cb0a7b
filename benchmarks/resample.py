"""soxr's engines for a live stream: what waits inside, what a chunk costs, how clean it is.

python -m benchmarks.resample [--chunk-ms 20]
"""

import argparse
import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.core.audio.resample import Resampler
from benchmarks.report import Spread, print_header, print_table, spread

Floats = npt.NDArray[np.float64]
Convert = Callable[[bytes, bool], bytes]

PAIRS = [
    (8000, 16000),
    (16000, 8000),
    (8000, 24000),
    (24000, 8000),
    (24000, 16000),
    (48000, 16000),
    (44100, 24000),
]
AMPLITUDE = 16_000
SECONDS = 2


class Figures(msgspec.Struct, frozen=True):
    """What one engine did with one stream."""

    waiting: float
    """The most that was held back once the stream ran, s."""
    cost: Spread
    """us a chunk."""
    output: bytes


def _engine(quality: str) -> Callable[[int, int], Convert]:
    def start(rate_in: int, rate_out: int) -> Convert:
        stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality=quality)

        def convert(pcm: bytes, last: bool) -> bytes:
            samples = np.frombuffer(pcm, "<i2").astype(np.float32)
            output: npt.NDArray[np.float32] = stream.resample_chunk(samples, last=last)
            rounded: npt.NDArray[np.int16] = np.rint(output).clip(-32768, 32767).astype("<i2")
            return rounded.tobytes()

        return convert

    return start


def _ours(rate_in: int, rate_out: int) -> Convert:
    resampler = Resampler(rate_in, rate_out)
    return lambda pcm, last: resampler.flush() if last else resampler.process(pcm)


ENGINES: dict[str, Callable[[int, int], Convert]] = {
    "antiphon (variable-rate)": _ours,
    "HQ": _engine("HQ"),
    "LQ": _engine("LQ"),
    "QQ": _engine("QQ"),
}


def tone(rate: int, hertz: float) -> bytes:
    wave: Floats = AMPLITUDE * np.sin(2 * np.pi * hertz * np.arange(rate * SECONDS) / rate)
    return wave.round().astype("<i2").tobytes()


def run(convert: Convert, pcm: bytes, rate_in: int, rate_out: int, chunk: int) -> Figures:
    """Feed a stream in chunks of so many samples."""
    parts: list[bytes] = []
    costs: list[float] = []
    produced, waiting = 0, 0.0
    for start in range(0, len(pcm), 2 * chunk):
        piece = pcm[start : start + 2 * chunk]
        begin = time.perf_counter_ns()
        parts.append(convert(piece, False))
        costs.append((time.perf_counter_ns() - begin) / 1000)
        produced += len(parts[-1]) // 2
        if start >= len(pcm) // 2:
            fed = (start + len(piece)) / 2 / rate_in
            waiting = max(waiting, fed - produced / rate_out)
    parts.append(convert(b"", True))
    return Figures(waiting=waiting, cost=spread(costs), output=b"".join(parts))


def inner_samples(output: bytes, rate: int) -> Floats:
    """The second second half-way in, where no end of the stream is felt."""
    return np.frombuffer(output, "<i2")[rate // 2 : rate * 3 // 2].astype(np.float64)


def noise_below_tone(output: bytes, rate: int, hertz: float) -> float:
    """dB of all that is not the tone, whatever its strength and phase."""
    samples = inner_samples(output, rate)
    angle = 2 * np.pi * hertz * np.arange(len(samples)) / rate
    waves = np.stack((np.sin(angle), np.cos(angle)))
    # A whole number of periods: the two waves are orthogonal.
    fitted = (2 / len(samples)) * (waves @ samples) @ waves
    return float(10 * np.log10(np.mean((samples - fitted) ** 2) / np.mean(fitted**2)))


def level(output: bytes, rate: int) -> str:
    """dB of what came through against the tone that went in."""
    power = float(np.mean(inner_samples(output, rate) ** 2))
    return f"{10 * np.log10(2 * power / AMPLITUDE**2):.1f}" if power else "none"


def rows_of(rate_in: int, rate_out: int, chunk_ms: int) -> Sequence[Sequence[object]]:
    chunk = rate_in * chunk_ms // 1000
    narrow = min(rate_in, rate_out)
    rows: list[list[object]] = []
    for name, start in ENGINES.items():

        def figures(hertz: float, start: Callable[[int, int], Convert] = start) -> Figures:
            convert = start(rate_in, rate_out)
            return run(convert, tone(rate_in, hertz), rate_in, rate_out, chunk)

        plain = figures(440)
        alias = level(figures(0.6 * rate_out).output, rate_out) if rate_out < rate_in else "-"
        rows.append(
            [
                f"{rate_in} -> {rate_out}, {name}",
                f"{plain.waiting * 1000:.1f}",
                plain.cost,
                f"{noise_below_tone(plain.output, rate_out, 440):.1f}",
                level(figures(0.44 * narrow).output, rate_out),
                alias,
            ]
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="soxr's engines for a live stream")
    parser.add_argument("--chunk-ms", type=int, default=20)
    options = parser.parse_args()
    print_header(
        "Resampling a live stream",
        ["numpy", "soxr"],
        {
            "input": f"{SECONDS} s of a tone at -6 dB in chunks of {options.chunk_ms} ms",
            "waiting": "ms held back, the most in the second half",
            "cost": "us a chunk in a tight loop, median (quartiles)",
            "noise": "dB below a tone of 440 Hz",
            "edge": "dB of a tone at 0.88 of the narrower band",
            "alias": "dB left of a tone at 1.2 of the new band",
        },
    )
    rows = [row for pair in PAIRS for row in rows_of(*pair, options.chunk_ms)]
    print_table(["", "waiting", "cost", "noise", "edge", "alias"], rows)


if __name__ == "__main__":
    main()
