"""What a WebSocket frame costs in an engine: `python -m benchmarks.frames`.

One masked text of 300 bytes is read and written back by a server's end, without sockets, over 16
connections in turn. The rival, wsproto's own connection with its events, runs in the same rounds.
Then large messages, and a peer that sends byte by byte: both must cost the same for each byte.
"""

import platform
import statistics
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from os import cpu_count, getloadavg
from time import perf_counter
from timeit import timeit

from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from antiphon.core.wire import Role
from antiphon.transports.frame_engine import FrameEngine
from antiphon.transports.masking import fastest_mask, xor_mask
from antiphon.transports.websockets_engine import WebsocketsEngine
from antiphon.transports.wsproto_engine import WsprotoEngine

CONNECTIONS = 16
FRAMES = 4000
ROUNDS = 15
READ = 64 * 1024

Echo = Callable[[bytes], None]


def engine_echo(engine: FrameEngine) -> Echo:
    def echo(data: bytes) -> None:
        for _, payload in engine.receive(data):
            engine.text(payload)

    return echo


def wsproto_echo() -> Echo:
    connection = Connection(ConnectionType.SERVER)

    def echo(data: bytes) -> None:
        connection.receive_data(data)
        for event in connection.events():
            assert isinstance(event, TextMessage)
            connection.send(TextMessage(event.data))

    return echo


SUBJECTS: dict[str, Callable[[], Echo]] = {
    "fast path": lambda: engine_echo(WsprotoEngine(Role.SERVER)),
    "plain wsproto engine": lambda: engine_echo(WsprotoEngine(Role.SERVER, fast=False)),
    "websockets engine": lambda: engine_echo(WebsocketsEngine(Role.SERVER)),
    "rival: wsproto events": wsproto_echo,
}


def seconds(echoes: list[Echo], pieces: list[bytes], times: int) -> float:
    start = perf_counter()
    for _ in range(times):
        for echo in echoes:
            for piece in pieces:
                echo(piece)
    return perf_counter() - start


def row(name: str, costs: list[float], unit: str) -> str:
    low, middle, high = min(costs), statistics.median(costs), max(costs)
    return f"{name:42} {middle:9.2f} {unit} ({low:.2f}-{high:.2f})"


def small_frames() -> None:
    frame = WsprotoEngine(Role.CLIENT).text(b'{"event":"media","payload":"' + b"A" * 270 + b'"}')
    echoes = {name: [make() for _ in range(CONNECTIONS)] for name, make in SUBJECTS.items()}
    costs: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    times = FRAMES // CONNECTIONS
    for _ in range(ROUNDS):
        for name, connections in echoes.items():
            taken = seconds(connections, [frame], times)
            costs[name].append(taken / (times * CONNECTIONS) * 1e6)
    for name, values in costs.items():
        print(row(name, values, "µs a frame, in + out"))


def masks() -> None:
    payload, mask = b"A" * 300, b"\x5b\xfb\xe1\xa8"
    for name, masker in (("unmask by integers", xor_mask), ("unmask as installed", fastest_mask())):
        costs = [timeit(partial(masker, payload, mask), number=FRAMES) for _ in range(ROUNDS)]
        print(row(name, [cost / FRAMES * 1e6 for cost in costs], "µs for 300 bytes"))


def long_messages() -> None:
    client = WsprotoEngine(Role.CLIENT)
    for size, step in ((1 << 19, READ), (1 << 20, READ), (1 << 14, 1), (1 << 15, 1)):
        frame = client.binary(b"a" * (size - 14))
        pieces = [frame[at : at + step] for at in range(0, len(frame), step)]
        for name in ("fast path", "websockets engine"):
            costs = [seconds([SUBJECTS[name]()], pieces, 1) / size * 1e9 for _ in range(ROUNDS)]
            print(row(f"{name}, {size >> 10} KiB, {step} a read", costs, "ns a byte"))


def main() -> None:
    print(f"{platform.platform()}, {cpu_count()} cores, load {getloadavg()[0]:.1f}")
    packages = ", ".join(f"{name} {version(name)}" for name in ("wsproto", "websockets"))
    print(f"Python {platform.python_version()}, {packages}")
    print(f"300-byte text, {CONNECTIONS} connections, {ROUNDS} rounds of {FRAMES} frames, hot")
    print("median (lowest-highest)")
    small_frames()
    masks()
    long_messages()


if __name__ == "__main__":
    main()
