"""Speech endpoints: how many streams one core hears in real time, and what one client's long
message does to the others. The sound is speech of espeak-ng; verification has windows of 3 s, so
that an encoder listens to each of them.

Streams send 100 ms of sound every 100 ms, staggered, and each answer is timed. CPU is the server's
own. The delay behind a long message is measured on a stream that sends 30 ms and waits for its
answer, again and again, while another connection sends 16 MiB at once.
"""

import argparse
import asyncio
import os
import statistics
import struct
import sys
from functools import cache
from time import perf_counter

import msgspec
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.core.speech.template import Template, template_text
from antiphon.handlers.verify.choose import speaker_encoder

from .figures import number, show
from .process import LOAD_CORE, SERVER_CORE, Server, end_on_signals, pin, serve, usage
from .report import print_header
from .utterances import RATE as SPOKEN_RATE
from .utterances import ROOM, in_room, spoken

CHUNK = 0.1  # seconds
RATE = 16_000
LONG = 16 * 1024 * 1024  # bytes, the most that a message may have
PARAMETERS = {
    "speech_endpoint_detector": ("1000", "600", str(RATE)),
    "speech_summary_stream": (str(RATE),),
    "voice_verify_stream": (str(RATE), "10", "3"),
}


class Row(msgspec.Struct, frozen=True):
    """One measurement of many streams."""

    engine: str
    path: str
    streams: int
    cpu: float
    """Of a core."""
    delays: list[float]
    """Seconds from a chunk to its answer."""
    sent: float
    """Of the sound that was due, how much was sent in the time."""


def talk(seconds: float) -> Samples:
    """Sentences of espeak-ng with short pauses, over and over."""
    return np.resize(_sentences(), round(seconds * RATE))


@cache
def _sentences() -> Samples:
    pause = np.zeros(round(0.4 * SPOKEN_RATE), np.int16)
    sound = np.concatenate([part for one in spoken(8) for part in (one.samples, pause)])
    resampler = Resampler(SPOKEN_RATE, RATE, live=False)
    pcm = resampler.process(in_room(sound, ROOM, 5).tobytes()) + resampler.flush()
    return np.frombuffer(pcm, "<i2")


@cache
def voice_template() -> str:
    """Of a voice in `talk`, by the encoder that the server takes by itself."""
    encoder = speaker_encoder("auto")
    embedding = encoder.embedding(talk(3), RATE)
    return template_text(Template(encoder.engine, encoder.model_hash, embedding))


def server(engine: str, loop: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command and its environment."""
    target = ("serve", "benchmarks.servers.antiphon_speech:stream", "--port", "0")
    command = (sys.executable, "-m", "antiphon", *target, "--log-level", "warning", "--loop", loop)
    return command, {"SPEECH_VAD": engine}


async def opened(port: int, path: str) -> ClientConnection:
    """A client that has said its parameters. What a summary lists is bounded: all, the default."""
    client = await connect(f"ws://127.0.0.1:{port}/{path}", compression=None, max_size=None)
    template = (voice_template(),) if path == "voice_verify_stream" else ()
    for parameter in template + PARAMETERS[path]:
        await client.send(parameter)
        if await client.recv() != "200":
            raise RuntimeError(f"{path} does not take {parameter}")
    return client


async def speak(client: ClientConnection, sound: bytes, start: float, end: float) -> list[float]:
    """In real time: how long each answer took."""
    size = int(2 * CHUNK * RATE)
    delays: list[float] = []
    due, at = start, 0
    while due < end:
        await asyncio.sleep(due - perf_counter())
        sent = perf_counter()
        await client.send(sound[at : at + size])
        await client.recv()
        delays.append(perf_counter() - sent)
        at = (at + size) % (len(sound) - size)
        due += CHUNK
    return delays


async def many(engine: str, at: Server, path: str, streams: int, seconds: float) -> Row:
    """All streams at once."""
    sound = talk(20).tobytes()
    clients = [await opened(at.port, path) for _ in range(streams)]
    begin = perf_counter() + 0.5
    starts = [begin + CHUNK * n / streams for n in range(streams)]
    before = usage(at.pid)
    async with asyncio.TaskGroup() as tasks:
        talks = [
            tasks.create_task(speak(client, sound[6400 * n % 64_000 :], start, begin + seconds))
            for n, (client, start) in enumerate(zip(clients, starts, strict=True))
        ]
    took = perf_counter() - begin
    spent = (usage(at.pid) - before).run / 1e9
    delays = [delay for each in talks for delay in each.result()]
    for client in clients:
        await client.close()
    wanted = streams * took / CHUNK
    return Row(engine, path, streams, spent / took, delays, min(1, len(delays) / wanted))


class Beside(msgspec.Struct, frozen=True):
    """A live stream beside a long message."""

    took: float
    """Seconds, from the message to its answer."""
    delays: list[float]
    """Seconds from a frame to its answer."""
    worked: list[float]
    """How long the server was on its core in each of them: what is left of a delay when the machine
    has nothing else to do.
    """


async def behind(at: Server, path: str, size: int) -> Beside:
    """The live stream while another sends so many bytes at once."""
    live, other = await opened(at.port, "speech_endpoint_detector"), await opened(at.port, path)
    frame = talk(0.03).tobytes()
    delays: list[float] = []
    worked: list[float] = []
    began = perf_counter()
    # A mask of zeros: masking 16 MiB would stall this process, not the server.
    head = struct.pack(">BBQ4x", 0x82, 0xFF, size) if size else b""
    other.transport.write(head + np.resize(talk(20), size // 2).tobytes())
    answered = asyncio.ensure_future(other.recv() if size else asyncio.sleep(2))
    while not answered.done():
        before, sent = usage(at.pid), perf_counter()
        await live.send(frame)
        await live.recv()
        delays.append(perf_counter() - sent)
        worked.append((usage(at.pid) - before).run / 1e9)
        await asyncio.sleep(0.005)
    took = perf_counter() - began
    answer = await answered
    if answer == "500":
        raise RuntimeError(f"{path} has refused {size} bytes")
    await live.close()
    await other.close()
    return Beside(took, delays, worked)


def milliseconds(delays: list[float], share: float) -> float:
    """That share of the delays is not longer."""
    return 1000 * sorted(delays)[min(int(share * len(delays)), len(delays) - 1)]


def show_streams(rows: list[Row]) -> None:
    """Per kind and engine."""
    lines = [
        (
            row.path,
            row.engine,
            row.streams,
            f"{100 * row.sent:.1f}",
            number(100 * row.cpu),
            number(100 * row.cpu / row.streams),
            number(1000 * statistics.median(row.delays)),
            number(milliseconds(row.delays, 0.99)),
            number(1000 * max(row.delays)),
        )
        for row in rows
    ]
    header = (
        *("endpoint", "engine", "streams", "sent %", "CPU % of a core", "CPU % a stream"),
        *("delay ms", "99 %", "longest"),
    )
    show("Streams in real time", header, lines)


class Options(argparse.Namespace):
    """The command line."""

    streams: int
    seconds: float
    engine: list[str]
    path: list[str]
    loop: str


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speech_streams")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--engine", type=lambda t: t.split(","), default=["compact", "silero"])
    parser.add_argument("--path", type=lambda t: t.split(","), default=[*PARAMETERS])
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    return parser.parse_args(arguments, Options())


def main() -> None:
    """Measure and print."""
    end_on_signals()
    options = parse()
    print_header(
        f"{options.streams} speech streams",
        ("antiphon", "numpy", "uvloop", "websockets"),
        {
            "command": " ".join(["python -m benchmarks.speech_streams", *sys.argv[1:]]),
            "cores": f"server {SERVER_CORE}, clients {LOAD_CORE}",
            "voices": speaker_encoder("auto").name,
            "sound": f"PCM of {RATE} Hz, {1000 * CHUNK:g} ms a message; answers as by default",
            "window": f"{options.seconds:g} s, {options.loop}, a fresh server for each row",
        },
    )
    pin(os.getpid(), LOAD_CORE)
    rows: list[Row] = []
    stalls: list[tuple[object, ...]] = []
    for engine in options.engine:
        command, env = server(engine, options.loop)
        for path in options.path:
            with serve(command, env=env) as at:
                rows.append(asyncio.run(many(engine, at, path, options.streams, options.seconds)))
            with serve(command, env=env) as at:
                for size in (0, LONG):
                    found = asyncio.run(behind(at, path, size))
                    what = f"{size // 1024**2} MiB to {path}" if size else "nothing"
                    stalls.append(
                        (
                            engine,
                            what,
                            found.took,
                            len(found.delays),
                            milliseconds(found.delays, 0.5),
                            milliseconds(found.delays, 0.99),
                            1000 * max(found.delays),
                            1000 * max(found.worked),
                        )
                    )
    show_streams(rows)
    show(
        "A live stream beside a long message",
        ("engine", "beside", "s", "answers", "delay ms", "99 %", "longest", "server's CPU"),
        stalls,
    )


if __name__ == "__main__":
    main()
