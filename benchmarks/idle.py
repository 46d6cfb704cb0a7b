"""Sessions that are started and silent: what a thousand of them cost, and how they end.

The window holds two ping intervals of 20 s, so that keeping the sessions alive is in the figure.
Memory is the server's own; the kernel's socket buffers are not in it.
"""

import argparse
import sys

import msgspec

from .figures import median_range, number, show
from .load import Idled, Plan, run_load
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import LOOPS, Subject, rivals, subjects

NORMAL = 1000  # RFC 6455 section 7.4.1: closed as meant


class Row(msgspec.Struct, frozen=True):
    """One measurement."""

    server: str
    loop: str
    result: Idled


def measure(subject: Subject, loop: str, sessions: int, seconds: float) -> Idled:
    """Measure a fresh server."""
    with serve(subject.on(loop), env=subject.env) as server:
        plan = Plan(
            pid=server.pid,
            port=server.port,
            sessions=sessions,
            seconds=seconds,
            silent=True,
            stop_event=subject.stop_event,
        )
        return run_load(plan, Idled)


def show_figures(rows: list[Row]) -> None:
    """Median (lowest-highest) over the runs of each server."""
    lines: list[tuple[object, ...]] = []
    for loop, server in dict.fromkeys((row.loop, row.server) for row in rows):
        results = [row.result for row in rows if (row.loop, row.server) == (loop, server)]
        codes = {code for result in results for code in result.close_codes}
        ends = ", ".join(
            f"{code}: {sum(result.close_codes.get(code, 0) for result in results):,}"
            for code in sorted(codes)
        )
        lines.append(
            (
                loop,
                server,
                results[0].sessions,
                len(results),
                median_range(result.cpu * 100 for result in results),
                median_range(result.rss_kib for result in results),
                median_range(result.base_mib for result in results),
                ends,
                median_range(result.wait * 100 for result in results),
                median_range(result.load_cpu * 100 for result in results),
            )
        )
    header = (
        *("loop", "server", "sessions", "runs", "CPU % of a core", "KiB/session"),
        *("base MiB", "close codes", "wait %", "load CPU %"),
    )
    show("Figures", header, lines)


def show_ratios(rows: list[Row]) -> None:
    """Ours through each rival's, run by run."""
    lines: list[tuple[object, ...]] = []
    for loop, rival in dict.fromkeys((r.loop, r.server) for r in rows if r.server != "antiphon"):
        ours = [r.result for r in rows if (r.loop, r.server) == (loop, "antiphon")]
        theirs = [r.result for r in rows if (r.loop, r.server) == (loop, rival)]
        pairs = list(zip(ours, theirs, strict=True))
        cpu = median_range(a.cpu / b.cpu if b.cpu else None for a, b in pairs)
        memory = median_range(a.rss_kib / b.rss_kib if b.rss_kib else None for a, b in pairs)
        lines.append((loop, rival, cpu, memory))
    show("Ratios, run by run", ("loop", "antiphon / rival", "CPU", "KiB/session"), lines)


class Options(argparse.Namespace):
    """The command line."""

    sessions: int
    seconds: float
    runs: int
    rival: str | None
    loop: list[str]


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=45.0, help="two pings of 20 s and a bit")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--rival", choices=rivals, help="fastrtc is installed on first use")
    parser.add_argument(
        "--loop", type=lambda text: text.split(","), default=["asyncio"], help=",".join(LOOPS)
    )
    return parser.parse_args(arguments, Options())


def main() -> None:
    """Measure and print."""
    end_on_signals()
    options = parse()
    field = subjects(options.rival, options.loop)
    print_header(
        f"{options.sessions:,} idle sessions",
        ("antiphon", "wsproto", "uvloop", "msgspec"),
        {
            "command": " ".join(["python -m benchmarks.idle", *sys.argv[1:]]),
            **{subject.name: subject.about for subject in field},
            "cores": f"server {SERVER_CORE}, load generator {LOAD_CORE}",
            "window": f"{options.seconds:g} s, a fresh server each time",
            "rounds": f"{options.runs}, servers alternated; median (lowest-highest)",
            "pings": "one every 20 s from antiphon and fastrtc, none from bare wsproto",
            "memory": "at the window's end less before the sessions, one session ahead of them",
        },
    )
    rows: list[Row] = []
    for turn in range(options.runs):
        for loop in options.loop:
            for subject in field[turn % len(field) :] + field[: turn % len(field)]:
                result = measure(subject, loop, options.sessions, options.seconds)
                rows.append(Row(subject.name, loop, result))
                print(f"{subject.name}/{loop}: CPU {number(result.cpu * 100)} %", file=sys.stderr)
    show_figures(rows)
    show_ratios(rows)
    ours = [row.result for row in rows if row.server == "antiphon"]
    ended = sum(result.close_codes.get(NORMAL, 0) for result in ours)
    every = sum(result.sessions for result in ours)
    print(f"\nclosed with 1000 after `stop`: {ended:,} of {every:,} of our sessions")


if __name__ == "__main__":
    main()
