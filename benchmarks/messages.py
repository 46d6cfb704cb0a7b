"""One media message: base64 JSON to audio bytes and back, ours beside the usual ways.

Hot is a tight loop over many different messages. Cold is one call every 0.3 ms, as live frames
come: between two of them other code has had the caches. Rank by cold for live audio.
"""

import argparse
import base64
import importlib
import importlib.util
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from antiphon.core.dialects import browser
from antiphon.core.messages import Media
from antiphon.core.wire import Kind

from .figures import Range, median_range, show
from .process import SERVER_CORE, end_on_signals, pin
from .report import print_header

SIZES = (160, 480)
MESSAGES = 512  # different ones, so that the branch predictor does not learn one by heart
HOT_CALLS = 20_000
COLD_CALLS = 1_000
COLD_PAUSE = 0.0003  # seconds


class Way(msgspec.Struct, frozen=True):
    """One library's pair: wire text to audio bytes, audio bytes to wire text."""

    name: str
    decode: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]


def decode_ours(wire: bytes) -> bytes:
    """As a session does it: one pass decodes, validates and takes the base64 away."""
    message = browser.decode_client(wire)
    assert isinstance(message, Media)
    return message.media.payload


def encode_ours(audio: bytes) -> bytes:
    """As a session does it."""
    return browser.encode_audio(audio, Kind.TEXT)[1]


def decode_json(wire: bytes) -> bytes:
    """The standard library, as the known server does it: text, dict, base64."""
    return base64.b64decode(json.loads(wire.decode())["media"]["payload"])


def encode_json(audio: bytes) -> bytes:
    """The standard library, as the known server does it."""
    payload = base64.b64encode(audio).decode("utf-8")
    text = json.dumps({"event": "media", "media": {"payload": payload}}, separators=(",", ":"))
    return text.encode()


def ways() -> list[Way]:
    """Every way that is installed."""
    found = [Way("antiphon", decode_ours, encode_ours), Way("json", decode_json, encode_json)]
    if importlib.util.find_spec("orjson") is not None:
        orjson: Any = importlib.import_module("orjson")

        def decode(wire: bytes) -> bytes:
            return base64.b64decode(orjson.loads(wire)["media"]["payload"])

        def encode(audio: bytes) -> bytes:
            payload = base64.b64encode(audio).decode("ascii")
            encoded: bytes = orjson.dumps({"event": "media", "media": {"payload": payload}})
            return encoded

        found.append(Way("orjson", decode, encode))
    return found


def hot(function: Callable[[bytes], bytes], inputs: Sequence[bytes]) -> float:
    """µs a call in a tight loop."""
    rounds = HOT_CALLS // len(inputs)
    began = time.perf_counter_ns()
    for _ in range(rounds):
        for data in inputs:
            function(data)
    return (time.perf_counter_ns() - began) / rounds / len(inputs) / 1e3


def cold(function: Callable[[bytes], bytes], inputs: Sequence[bytes]) -> float:
    """µs a call after a pause, the clock's own cost taken off; the median, since pauses vary."""
    clock = time.perf_counter_ns
    taken: list[int] = []
    for index in range(COLD_CALLS):
        time.sleep(COLD_PAUSE)
        data = inputs[index % len(inputs)]
        empty = clock()
        began = clock()
        function(data)
        taken.append(clock() - began - (began - empty))
    return sorted(taken)[len(taken) // 2] / 1e3


class Cost(msgspec.Struct, frozen=True):
    """µs of one round for one way and size."""

    decode_hot: float
    encode_hot: float
    decode_cold: float
    encode_cold: float


def measure(way: Way, size: int) -> Cost:
    """One round. AssertionError when the way does not give the bytes back."""
    rng = random.Random(size)
    sounds = [rng.randbytes(size) for _ in range(MESSAGES)]
    wires = [way.encode(sound) for sound in sounds]
    assert [way.decode(wire) for wire in wires] == sounds, way.name
    return Cost(
        hot(way.decode, wires),
        hot(way.encode, sounds),
        cold(way.decode, wires),
        cold(way.encode, sounds),
    )


def main() -> None:
    """Measure and print."""
    end_on_signals()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.messages")
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    pin(os.getpid(), SERVER_CORE)
    print_header(
        "Media messages, µs a message",
        ("antiphon", "msgspec", "orjson"),
        {
            "command": " ".join(["python -m benchmarks.messages", *sys.argv[1:]]),
            "rounds": f"{runs}, ways alternated; median (lowest-highest)",
            "hot": f"{HOT_CALLS:,} calls a round over {MESSAGES} messages",
            "cold": f"{COLD_CALLS:,} calls a round, {COLD_PAUSE * 1e3} ms apart; their median",
        },
    )
    field = ways()
    costs: dict[tuple[int, str], list[Cost]] = {
        (size, way.name): [] for size in SIZES for way in field
    }
    for _ in range(runs):
        for size in SIZES:
            for way in field:
                costs[size, way.name].append(measure(way, size))
    header = ("bytes", "way", *(name.replace("_", ", ") for name in Cost.__struct_fields__))
    lines = [
        (
            size,
            name,
            *(median_range(getattr(cost, f) for cost in found) for f in Cost.__struct_fields__),
        )
        for (size, name), found in costs.items()
    ]
    show("Cost", header, lines)
    pairs = [(size, way.name) for size in SIZES for way in field if way.name != "antiphon"]
    show(
        "Ratios, round by round: antiphon / other",
        header,
        [(*pair, *quotients(costs, *pair)) for pair in pairs],
    )


def quotients(
    costs: dict[tuple[int, str], list[Cost]], size: int, other: str
) -> list[Range | None]:
    """Ours through the other's, for each figure."""
    pairs = list(zip(costs[size, "antiphon"], costs[size, other], strict=True))
    return [
        median_range(getattr(ours, figure) / getattr(theirs, figure) for ours, theirs in pairs)
        for figure in Cost.__struct_fields__
    ]


if __name__ == "__main__":
    main()
