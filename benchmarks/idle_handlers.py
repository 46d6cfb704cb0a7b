"""Calls whose classic handler has nothing to say: what each costs while nobody speaks, and while
the client does. `emit` returns None at once (sync), or waits 0.1 s for a queue (async).
"""

import argparse
import sys

import msgspec

from .figures import median_range, number, show
from .load import Echoed, Idled, Plan, run_load
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import Subject, idle_subjects


class Row(msgspec.Struct, frozen=True):
    """One measurement: share of a core for each call."""

    server: str
    state: str
    sessions: int
    cpu: float
    wait: float
    rss_kib: float


def measure(subject: Subject, *, silent: bool, sessions: int, seconds: float) -> Row:
    """Measure a fresh server."""
    with serve(subject.on("asyncio"), env=subject.env) as server:
        plan = Plan(
            pid=server.pid,
            port=server.port,
            sessions=sessions,
            seconds=seconds,
            silent=silent,
            stop_event=subject.stop_event,
        )
        result: Idled | Echoed = run_load(plan, Idled) if silent else run_load(plan, Echoed)
    state = "silent" if silent else "speaking"
    cpu = result.cpu / sessions
    return Row(subject.name, state, sessions, cpu, result.wait, result.rss_kib)


def show_figures(rows: list[Row]) -> None:
    """Median (lowest-highest) over the runs."""
    lines: list[tuple[object, ...]] = []
    for state, server in dict.fromkeys((row.state, row.server) for row in rows):
        same = [row for row in rows if (row.state, row.server) == (state, server)]
        lines.append(
            (
                state,
                server,
                same[0].sessions,
                len(same),
                median_range(row.cpu * 100 for row in same),
                median_range(row.rss_kib for row in same),
                median_range(row.wait * 100 for row in same),
            )
        )
    header = ("client", "server", "calls", "runs", "CPU % a call", "KiB/call", "wait %")
    show("Figures", header, lines)


class Options(argparse.Namespace):
    """The command line."""

    sessions: int
    rival_sessions: int
    seconds: float
    runs: int
    rival: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle_handlers")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--rival-sessions", type=int, default=1, help="one fills most of a core")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rival", action="store_true", help="fastrtc, installed on first use")
    return parser.parse_args(arguments, Options())


def main() -> None:
    """Measure and print."""
    end_on_signals()
    options = parse()
    field = idle_subjects(rival=options.rival)
    print_header(
        "Calls whose classic handler has nothing to say",
        ("antiphon", "anyio"),
        {
            "command": " ".join(["python -m benchmarks.idle_handlers", *sys.argv[1:]]),
            **{subject.name: subject.about for subject in field},
            **({} if options.rival else {"fastrtc": "not measured: --rival does"}),
            "cores": f"server {SERVER_CORE}, load generator {LOAD_CORE}",
            "window": f"{options.seconds:g} s, a fresh server each time; {options.runs} rounds",
            "speaking": "a frame of 20 ms each 20 ms, which the handler hears and forgets",
        },
    )
    rows: list[Row] = []
    for turn in range(options.runs):
        for silent in (True, False):
            for subject in field[turn % len(field) :] + field[: turn % len(field)]:
                ours = subject.name.startswith("antiphon")
                sessions = options.sessions if ours else options.rival_sessions
                row = measure(subject, silent=silent, sessions=sessions, seconds=options.seconds)
                rows.append(row)
                print(f"{row.server}/{row.state}: {number(row.cpu * 100)} %", file=sys.stderr)
    show_figures(rows)


if __name__ == "__main__":
    main()
