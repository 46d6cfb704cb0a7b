"""The receive jitter buffer beside aiortc's: ns a packet.

python -m benchmarks.jitter [--packets 20000] [--rounds 9]
"""

import argparse
import random
import time
from collections.abc import Callable

from aiortc.jitterbuffer import JitterBuffer as AiortcJitterBuffer
from aiortc.rtp import RtpPacket

from antiphon.core.audio.jitter import JitterBuffer
from benchmarks.report import print_header, print_table, spread

FRAME = 960
STEP = 0.02
PAYLOAD = bytes(80)  # 32 kb/s

Order = list[int]


def _orders(packets: int) -> dict[str, Order]:
    """The numbers of the packets as they arrive."""
    draw = random.Random(1)
    swapped = [number ^ 1 for number in range(packets)]
    kept = [number for number in range(packets) if draw.random() >= 0.1]
    return {"in order": list(range(packets)), "every pair swapped": swapped, "10 % lost": kept}


def _ours(order: Order) -> Callable[[], object]:
    packets = [(n % 2**16, n * FRAME % 2**32, at * STEP) for at, n in enumerate(order)]

    def run() -> None:
        buffer = JitterBuffer()
        for sequence, timestamp, now in packets:
            buffer.push(sequence, timestamp, PAYLOAD, now)
            if buffer.deadline() < now + STEP:
                buffer.advance(now + STEP)

    return run


def _aiortc(order: Order) -> Callable[[], object]:
    packets: list[RtpPacket] = []
    for number in order:
        packet = RtpPacket(sequence_number=number % 2**16, timestamp=number * FRAME % 2**32)
        vars(packet)["_data"] = PAYLOAD  # where its receiver puts what the codec is to get
        packets.append(packet)

    def run() -> None:
        buffer = AiortcJitterBuffer(capacity=16, prefetch=4)
        for packet in packets:
            buffer.add(packet)

    return run


def _ns_per_packet(run: Callable[[], object], packets: int) -> float:
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / packets


def main() -> None:
    """Measure both, alternated, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    conditions = {"packets": arguments.packets, "rounds": f"{arguments.rounds}, hot loop"}
    print_header("Jitter buffer: ns a packet, median (quartiles)", ["aiortc"], conditions)
    rows: list[tuple[object, ...]] = []
    for name, order in _orders(arguments.packets).items():
        runs = (_ours(order), _aiortc(order))
        rounds = [
            [_ns_per_packet(run, len(order)) for run in runs] for _ in range(arguments.rounds)
        ]
        rows.append((name, *(spread(column) for column in zip(*rounds, strict=True))))
    print_table(("packets", "antiphon", "aiortc"), rows)


if __name__ == "__main__":
    main()
