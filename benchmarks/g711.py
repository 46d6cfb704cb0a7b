"""mu-law coding beside audioop, NumPy indexing and aiortc: ns a call.

python -m benchmarks.g711 [--samples 160 480 960 48000] [--calls 150]
"""

import argparse
import fractions
import importlib
import json
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import av
import msgspec
import numpy as np
import numpy.typing as npt
from aiortc.codecs.base import Decoder, Encoder
from aiortc.codecs.g711 import PcmaDecoder, PcmaEncoder, PcmuDecoder, PcmuEncoder
from aiortc.jitterbuffer import JitterFrame

from antiphon.core.audio import g711
from benchmarks.report import Spread, print_header, print_table, spread

Call = Callable[[], object]

PERIOD = 0.000_3  # seconds between two calls that are not hot
HOT_ROUNDS = 9
LAPLACE_SCALE = 1500  # speech-like: most samples small, some near full scale
EVICTION = bytes(4 << 20)  # more than the second-level cache of a core
DOCUMENT = json.dumps([{"name": "x" * i, "values": [i, i / 3, None]} for i in range(60)])


class Contestant(msgspec.Struct, frozen=True):
    """One way to do a thing: `prepare` makes, from the input, a call that takes no argument."""

    name: str
    prepare: Callable[[bytes], Call]


class Subject(msgspec.Struct, frozen=True):
    """One law, with all who code by it."""

    name: str
    tables: g711.Law
    decode: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]
    audioop_decode: str
    audioop_encode: str
    audioop_note: str
    aiortc_decoder: Callable[[], Decoder]
    aiortc_encoder: Callable[[], Encoder]


SUBJECTS = {
    "mulaw": Subject(
        name="mu-law",
        tables=g711.MULAW,
        decode=g711.mulaw_decode,
        encode=g711.mulaw_encode,
        audioop_decode="ulaw2lin",
        audioop_encode="lin2ulaw",
        audioop_note=" (other rounding)",
        aiortc_decoder=PcmuDecoder,
        aiortc_encoder=PcmuEncoder,
    ),
    "alaw": Subject(
        name="a-law",
        tables=g711.ALAW,
        decode=g711.alaw_decode,
        encode=g711.alaw_encode,
        audioop_decode="alaw2lin",
        audioop_encode="lin2alaw",
        audioop_note="",
        aiortc_decoder=PcmaDecoder,
        aiortc_encoder=PcmaEncoder,
    ),
}


def _audioop(name: str) -> Callable[[bytes, int], bytes] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            audioop = importlib.import_module("audioop")
        except ModuleNotFoundError:
            return None
    function: Callable[[bytes, int], bytes] = getattr(audioop, name)
    return function


def _index_decode(tables: g711.Law, codes: bytes) -> bytes:
    return tables.samples[np.frombuffer(codes, np.uint8)].tobytes()


def _index_encode(tables: g711.Law, pcm: bytes) -> bytes:
    codes: npt.NDArray[np.uint8] = tables.codes[np.frombuffer(pcm, "<u2")]
    return codes.tobytes()


def _aiortc_decode(decoder: Decoder, codes: bytes) -> Call:
    return partial(decoder.decode, JitterFrame(data=codes, timestamp=0))


def _aiortc_encode(encoder: Encoder, pcm: bytes) -> Call:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.planes[0].update(pcm)
    frame.sample_rate = 8000
    frame.pts = 0
    frame.time_base = fractions.Fraction(1, 8000)
    return partial(encoder.encode, frame)


def decoders(subject: Subject) -> Iterator[Contestant]:
    """Those who decode, our public function first."""
    tables = subject.tables
    yield Contestant("antiphon", lambda codes: partial(subject.decode, codes))
    if (native := _audioop(subject.audioop_decode)) is not None:
        yield Contestant(
            "antiphon without audioop",
            lambda codes: partial(g711.decode_without_audioop, tables, codes),
        )
        yield Contestant("audioop", lambda codes: partial(native, codes, 2))
    yield Contestant("NumPy indexing", lambda codes: partial(_index_decode, tables, codes))
    yield Contestant("aiortc", lambda codes: _aiortc_decode(subject.aiortc_decoder(), codes))


def encoders(subject: Subject) -> Iterator[Contestant]:
    """Those who encode, our public function first."""
    tables = subject.tables
    yield Contestant("antiphon", lambda pcm: partial(subject.encode, pcm))
    if (native := _audioop(subject.audioop_encode)) is not None:
        yield Contestant(
            f"audioop{subject.audioop_note}",
            lambda pcm: partial(native, pcm, 2),
        )
    yield Contestant("NumPy indexing", lambda pcm: partial(_index_encode, tables, pcm))
    yield Contestant("aiortc", lambda pcm: _aiortc_encode(subject.aiortc_encoder(), pcm))


def noise(count: int, samples: int) -> list[bytes]:
    """So many stretches of PCM, no two alike."""
    levels = np.random.default_rng(711).laplace(0, LAPLACE_SCALE, (count, samples))
    return [row.tobytes() for row in np.clip(levels, -32768, 32767).astype("<i2")]


def measure_hot(calls: Sequence[Call]) -> float:
    begin = time.perf_counter_ns()
    for call in calls:
        call()
    return (time.perf_counter_ns() - begin) / len(calls)


def measure_paced(call: Call) -> float:
    time.sleep(PERIOD)
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin


def measure_cold(call: Call) -> float:
    time.sleep(PERIOD)
    json.dumps(json.loads(DOCUMENT))
    bytearray(EVICTION)
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin


def compare(
    contestants: Sequence[Contestant], inputs: Sequence[bytes]
) -> dict[str, tuple[Spread, Spread, Spread]]:
    """Hot, paced and cold times of each contestant; they take turns, in an order shuffled for
    each input, so that none always follows one that warms its caches."""
    calls = {c.name: [c.prepare(data) for data in inputs] for c in contestants}
    hot: dict[str, list[float]] = {name: [] for name in calls}
    paced: dict[str, list[float]] = {name: [] for name in calls}
    cold: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    shuffle = random.Random(711).shuffle
    for _ in range(HOT_ROUNDS):
        shuffle(order)
        for name in order:
            hot[name].append(measure_hot(calls[name]))
    for measure, times in ((measure_paced, paced), (measure_cold, cold)):
        for position in range(len(inputs)):
            shuffle(order)
            for name in order:
                times[name].append(measure(calls[name][position]))
    return {name: (spread(hot[name]), spread(paced[name]), spread(cold[name])) for name in calls}


def print_comparison(
    title: str, contestants: Sequence[Contestant], inputs: Sequence[bytes]
) -> None:
    results = compare(contestants, inputs)
    ours = results[contestants[0].name]
    print(f"\n{title}")
    rows: list[list[object]] = []
    for name, times in results.items():
        row: list[object] = [name]
        for own, reference in zip(times, ours, strict=True):
            row += [own, f"{own.median / reference.median:.2f}"]
        rows.append(row)
    print_table(["", "hot", "x ours", "paced", "x ours", "cold", "x ours"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="G.711 coding beside audioop, NumPy indexing and aiortc"
    )
    parser.add_argument("--law", choices=SUBJECTS, default="mulaw")
    parser.add_argument("--samples", type=int, nargs="+", default=[160, 480, 960, 48_000])
    parser.add_argument("--calls", type=int, default=150, help="inputs of each size, at least 2")
    options = parser.parse_args()
    subject = SUBJECTS[options.law]
    print_header(
        f"{subject.name}, ns a call: median (quartiles)",
        ["numpy", "aiortc", "av"],
        {
            "input": f"{options.calls} different stretches of Laplace noise of each size",
            "hot": f"one after another, {HOT_ROUNDS} rounds, loop included",
            "paced": f"one call every {PERIOD * 1e6:.0f} us, asleep in between",
            "cold": f"the same, after other work: JSON, {len(EVICTION) >> 20} MiB written",
            "order": "shuffled for each input",
            "aiortc": "its frames are made and unpacked outside the measurement",
        },
    )
    for samples in options.samples:
        pcm = noise(options.calls, samples)
        codes = [subject.encode(stretch) for stretch in pcm]
        print_comparison(f"decode {samples} samples", list(decoders(subject)), codes)
        print_comparison(f"encode {samples} samples", list(encoders(subject)), pcm)


if __name__ == "__main__":
    main()
