"""Calls over WebRTC opened and closed one after another: what a server process keeps of them.

Each call says a little, hears it back and hangs up. What the server holds is read after every so
many calls, when none is left; readings after the warm-up are compared with the first of them.
Ends with status 1 when something has grown. Linux only.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import anyio
import msgspec

from antiphon import AudioFrame, Call, connect

from .process import end_on_signals, serve
from .report import print_header, print_table

SERVER = "benchmarks.servers.soaked_echo:stream"
PER_CALL = (
    8.0  # KiB a call: an object that is kept, a closed peer connection, is several times that
)
GRAIN = 1024.0  # KiB; a reading repeats no better, whatever the calls
PATIENCE = 20.0  # seconds for a call
NOISE = (b"\x00\x20" * 24 + b"\x00\xe0" * 24) * 10  # 20 ms at 24 kHz


class Reading(msgspec.Struct, frozen=True):
    """What the server holds."""

    calls: int
    """That were made before."""
    rss: int
    """Bytes."""
    threads: int
    descriptors: int
    tasks: int


def grown(readings: Sequence[Reading]) -> list[str]:
    """What has grown from the first reading to the last, in words; nothing when all is well."""
    first, last = readings[0], readings[-1]
    found = [
        f"{name}: {getattr(first, name)} -> {getattr(last, name)}"
        for name in ("threads", "descriptors", "tasks")
        if getattr(last, name) > getattr(first, name)
    ]
    kib = (last.rss - first.rss) / 1024
    calls = last.calls - first.calls
    if kib > PER_CALL * calls + GRAIN:
        found.append(f"memory: {kib / calls:.1f} KiB a call")
    return found


async def call_once(url: str) -> None:
    """A call that is heard."""
    with anyio.fail_after(PATIENCE):
        async with connect(url) as call:
            for _ in range(3):
                await call.send_audio(AudioFrame(NOISE, 24000))
            async for frame in call.audio:
                if any(frame.pcm):
                    return


async def soak(port: int, calls: int, warm_up: int, every: int, at_once: int) -> list[Reading]:
    """Make the calls, a few at a time; the readings after the warm-up."""
    base = f"http://127.0.0.1:{port}"
    readings: list[Reading] = []
    made = 0
    async with connect(f"{base.replace('http', 'ws', 1)}/websocket/offer") as probe:
        while made < warm_up + calls:
            batch = min(every, warm_up + calls - made) if made >= warm_up else warm_up
            made += batch
            await make(f"webrtc+{base}/webrtc/offer", batch, at_once)
            if made >= warm_up:
                readings.append(await settled(probe, made))
                print(readings[-1], file=sys.stderr)
    return readings


async def make(url: str, calls: int, at_once: int) -> None:
    """So many calls."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call_once(url)

    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(work)


async def settled(probe: Call, made: int) -> Reading:
    """What is held when the last calls are gone: the least of some readings, 0.2 s apart."""
    readings: list[Reading] = []
    for _ in range(5):
        await anyio.sleep(0.2)
        await probe.send("what do you hold?")
        told = await anext(probe.messages)
        readings.append(Reading(made, **told.data))
    return min(readings, key=lambda reading: (reading.tasks, reading.descriptors, reading.rss))


class Options(argparse.Namespace):
    """The command line."""

    calls: int
    warm_up: int
    every: int
    at_once: int


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webrtc_soak")
    parser.add_argument("--calls", type=int, default=450, help="after the warm-up")
    parser.add_argument("--warm-up", type=int, default=50, help="calls before the first reading")
    parser.add_argument("--every", type=int, default=50, help="calls between readings")
    parser.add_argument("--at-once", type=int, default=4)
    return parser.parse_args(arguments, Options())


def main(arguments: list[str] | None = None) -> int:
    """Soak, print, judge."""
    options = parse(arguments)
    command = (*(sys.executable, "-m", "antiphon", "serve", SERVER), "--port", "0")
    print_header(
        f"{options.warm_up + options.calls} calls over WebRTC, {options.at_once} at a time",
        ("antiphon", "aiortc", "av"),
        {"command": " ".join(["python -m benchmarks.webrtc_soak", *(arguments or sys.argv[1:])])},
    )
    begun = time.perf_counter()
    with serve((*command, "--log-level", "warning")) as server:
        readings = anyio.run(
            soak, server.port, options.calls, options.warm_up, options.every, options.at_once
        )
    rows = [(r.calls, f"{r.rss / 2**20:.2f}", r.threads, r.descriptors, r.tasks) for r in readings]
    print_table(("calls", "MiB", "threads", "descriptors", "tasks"), rows)
    found = grown(readings)
    print(f"{time.perf_counter() - begun:.0f} s; {'; '.join(found) or 'nothing has grown'}")
    return 1 if found else 0


if __name__ == "__main__":
    end_on_signals()
    sys.exit(main())
