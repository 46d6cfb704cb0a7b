"""Live WebSocket sessions: what a 20 ms frame costs the server and how late its answer is.

N clients send 160 bytes of mu-law 50 times a second as base64 JSON and get them back. The server
has a core to itself, the load generator another. Linux only: the costs are the scheduler's.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from .figures import Range, median_range, number, show
from .load import Echoed, Plan, run_load
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import LOOPS, Subject, rivals, subjects

NOISY = 0.06  # share of the time that others kept the server or the load off its core
RETRIES = 3
REAL_TIME = 40.0  # ms, two frames: beyond it a listener's buffer runs dry
LONG_SECONDS = 60.0
CAPACITY_SECONDS = 3.0


class Row(msgspec.Struct, frozen=True):
    """One measurement; the rows of one round are compared with each other."""

    round: int
    server: str
    loop: str
    result: Echoed


def measure(subject: Subject, loop: str, sessions: int, seconds: float) -> Echoed:
    """Measure a fresh server, again when the machine was busy; the quietest try counts."""
    tries: list[Echoed] = []
    while not tries or (disturbed(tries[-1]) > NOISY and len(tries) <= RETRIES):
        with serve(subject.on(loop), env=subject.env) as server:
            plan = Plan(
                pid=server.pid,
                port=server.port,
                sessions=sessions,
                seconds=seconds,
                stop_event=subject.stop_event,
            )
            tries.append(run_load(plan, Echoed))
    return min(tries, key=disturbed)


def disturbed(result: Echoed) -> float:
    """Share of the window in which others had the core of the server or of the load generator."""
    return max(result.wait, result.load_wait)


def alternate(
    field: list[Subject], loops: list[str], counts: list[int], runs: int, seconds: float
) -> list[Row]:
    """All servers at every N, `runs` times, each round beginning with another server."""
    rows: list[Row] = []
    for turn in range(runs):
        order = field[turn % len(field) :] + field[: turn % len(field)]
        for loop in loops:
            for count in counts:
                for subject in order:
                    row = Row(turn, subject.name, loop, measure(subject, loop, count, seconds))
                    tell(row)
                    rows.append(row)
    return rows


def tell(row: Row) -> None:
    """Progress, on the error stream."""
    result = row.result
    cost, late = (number(value) if value else "-" for value in (result.cpu_us, result.p99))
    print(
        f"{row.server}/{row.loop} N={result.sessions}: {cost} µs, p99 {late} ms,"
        f" lost {result.lost}, disturbed {disturbed(result):.1%}, load CPU {result.load_cpu:.0%}",
        file=sys.stderr,
    )


def sound(result: Echoed) -> bool:
    """Every frame came back, unaltered and in order."""
    return not (result.lost or result.altered or result.disordered or result.closed_early)


def in_time(result: Echoed) -> bool:
    """Good enough for a conversation: p99 below 40 ms and nothing lost."""
    return sound(result) and result.p99 is not None and result.p99 < REAL_TIME


def capacity(subject: Subject, loop: str, step: int, most: int) -> tuple[int, Echoed | None]:
    """The most sessions one core carries in time, and the first result that did not hold. A step
    that fails is tried a second time.
    """
    held = 0
    for count in range(step, most + 1, step):
        result = measure(subject, loop, count, CAPACITY_SECONDS)
        if not in_time(result):
            result = measure(subject, loop, count, CAPACITY_SECONDS)
        tell(Row(0, subject.name, loop, result))
        if not in_time(result):
            return held, result
        held = count
    return held, None


def group(rows: Iterable[Row]) -> dict[tuple[str, int, str], list[Row]]:
    """Rows by loop, N and server, in the order met."""
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.loop, row.result.sessions, row.server), []).append(row)
    return dict(sorted(groups.items(), key=lambda item: item[0][:2]))


_HEADER = (
    *("loop", "N", "server", "runs", "CPU µs/frame", "p50 ms", "p95 ms", "p99 ms"),
    *("lost", "bad", "drift ms/s", "CPU %", "KiB/session", "wait %", "load CPU %"),
)


def show_figures(title: str, rows: Iterable[Row]) -> None:
    """The measurements, median (lowest-highest) over the rounds; `!` marks a noisy row."""
    lines: list[tuple[object, ...]] = []
    for (loop, count, server), members in group(rows).items():
        results = [row.result for row in members]
        wait = median_range(disturbed(result) * 100 for result in results)
        noisy = any(disturbed(result) > NOISY for result in results)
        lines.append(
            (
                loop,
                count,
                server,
                len(results),
                median_range(result.cpu_us for result in results),
                median_range(result.p50 for result in results),
                median_range(result.p95 for result in results),
                median_range(result.p99 for result in results),
                sum(result.lost for result in results),
                sum(r.altered + r.disordered + r.closed_early for r in results),
                median_range(result.drift for result in results),
                median_range(result.cpu * 100 for result in results),
                median_range(result.rss_kib for result in results),
                f"{wait} !" if noisy else wait,
                median_range(result.load_cpu * 100 for result in results),
            )
        )
    show(title, _HEADER, lines)


def ratios(rows: list[Row], rival: str, loop: str, count: int, figure: str) -> Range | None:
    """Ours through the rival's, round by round; noisy pairs count only when no other is there."""
    pairs: list[tuple[bool, float]] = []
    by_key = {(r.round, r.server, r.loop, r.result.sessions): r.result for r in rows}
    for (turn, server, at, sessions), ours in by_key.items():
        theirs = by_key.get((turn, rival, loop, count))
        if server != "antiphon" or at != loop or sessions != count or theirs is None:
            continue
        upper, lower = getattr(ours, figure), getattr(theirs, figure)
        if upper is not None and lower:
            pairs.append((max(disturbed(ours), disturbed(theirs)) <= NOISY, upper / lower))
    quiet = [ratio for calm, ratio in pairs if calm]
    return median_range(quiet or (ratio for _, ratio in pairs))


def show_ratios(rows: list[Row]) -> None:
    """Ours against each rival at each N; below 1 is better."""
    names = dict.fromkeys(row.server for row in rows if row.server != "antiphon")
    lines = [
        (loop, count, rival, *(ratios(rows, rival, loop, count, f) for f in _COMPARED))
        for loop, count in dict.fromkeys((row.loop, row.result.sessions) for row in rows)
        for rival in names
    ]
    header = ("loop", "N", "antiphon / rival", "CPU", "p50", "p99", "KiB/session")
    show("Ratios, round by round", header, lines)


_COMPARED = ("cpu_us", "p50", "p99", "rss_kib")


class Verdict(msgspec.Struct, frozen=True):
    """A target, what was seen, and whether that meets it (None: not measured)."""

    target: str
    seen: object
    met: bool | None


def verdicts(
    rows: list[Row], long: list[Row], held: dict[tuple[str, str], int], loop: str
) -> list[Verdict]:
    """Our targets against the figures on one loop."""
    ours = [row.result for row in rows + long if row.server == "antiphon" and row.loop == loop]
    hundred = [result for result in ours if result.sessions == 100]
    p50 = median_range(result.p50 for result in hundred)
    p99 = median_range(result.p99 for result in hundred)
    most = held.get(("antiphon", loop))
    four = [result for result in ours if result.sessions == 400]
    carried = most >= 400 if most is not None else all(map(in_time, four)) if four else None
    drift = median_range(
        result.drift * result.seconds for result in ours if result.drift is not None
    )
    return [
        _at_most("CPU at N = 100 / FastRTC", ratios(rows, "fastrtc", loop, 100, "cpu_us"), 0.5),
        _at_most("CPU at N = 100 / wsproto", ratios(rows, "wsproto", loop, 100, "cpu_us"), 1.0),
        _at_most("p50 at N = 100, ms", p50, 1.0),
        _at_most("p99 at N = 100, ms", p99, 5.0),
        Verdict("400 sessions a core, p99 < 40 ms, none lost", most, carried),
        _at_most("growth of the median over a run, ms", drift, 0.5),
        Verdict("nothing lost, altered or disordered", len(ours), _all_sound(ours)),
    ]


def _at_most(target: str, seen: Range | None, limit: float) -> Verdict:
    met = None if seen is None else seen.median <= limit
    return Verdict(f"{target} <= {number(limit)}", seen, met)


def _all_sound(results: list[Echoed]) -> bool | None:
    return all(map(sound, results)) if results else None


def show_verdicts(loop: str, found: list[Verdict]) -> None:
    """The verdicts as a table."""
    words = {True: "met", False: "MISSED", None: "not measured"}
    lines = [(verdict.target, verdict.seen, words[verdict.met]) for verdict in found]
    show(f"Targets on {loop}", ("target", "seen", "verdict"), lines)


class Options(argparse.Namespace):
    """The command line."""

    sessions: list[int]
    seconds: float
    runs: int
    rival: str | None
    loop: list[str]
    long: bool
    capacity: bool
    step: int
    most: int
    json: Path | None


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m benchmarks.websocket_sessions")
    parser.add_argument("--sessions", type=numbers, default=[100], help="N, or several: 1,50,100")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured window")
    parser.add_argument("--runs", type=int, default=3, help="rounds, servers alternated")
    parser.add_argument("--rival", choices=rivals, help="fastrtc is installed on first use")
    parser.add_argument(
        "--loop", type=lambda text: text.split(","), default=["asyncio"], help=",".join(LOOPS)
    )
    parser.add_argument("--long", action="store_true", help="also one session for 60 s: drift")
    parser.add_argument("--capacity", action="store_true", help="also raise N until it is late")
    parser.add_argument("--step", type=int, default=100, help="sessions a step of --capacity")
    parser.add_argument("--most", type=int, default=1000, help="last step of --capacity")
    parser.add_argument("--json", type=Path, help="write the single measurements here, a line each")
    return parser.parse_args(arguments, Options())


def show_capacity(field: list[Subject], options: Options) -> dict[tuple[str, str], int]:
    """Find and print the sessions a core."""
    held: dict[tuple[str, str], int] = {}
    lines: list[tuple[object, ...]] = []
    for loop in options.loop:
        for subject in field:
            most, broke = capacity(subject, loop, options.step, options.most)
            held[subject.name, loop] = most
            lines.append((loop, subject.name, most, *_limit(broke)))
    header = ("loop", "server", "sessions", "next step", "p99 ms", "lost", "CPU %", "load CPU %")
    show("Sessions a core: the largest N with p99 < 40 ms and nothing lost", header, lines)
    return held


def _limit(broke: Echoed | None) -> tuple[object, ...]:
    if broke is None:
        return (None,) * 5
    return broke.sessions, broke.p99, broke.lost, broke.cpu * 100, broke.load_cpu * 100


def main() -> None:
    """Measure, print, judge."""
    end_on_signals()
    options = parse()
    field = subjects(options.rival, options.loop, variants=("anew",))
    print_header(
        "WebSocket sessions, 20 ms frames, 8 kHz mu-law",
        ("antiphon", "wsproto", "uvloop", "msgspec", "numpy"),
        {
            "command": " ".join(["python -m benchmarks.websocket_sessions", *sys.argv[1:]]),
            **{subject.name: subject.about for subject in field},
            "cores": f"server {SERVER_CORE}, load generator {LOAD_CORE}",
            "window": f"{options.seconds:g} s after 1 s of warm-up, a fresh server each time",
            "rounds": f"{options.runs}, servers alternated; median (lowest-highest)",
            "wait %": "server or load generator ready but kept off its core, the greater; "
            f"measured again up to {RETRIES} times above {NOISY:.0%}, then marked !",
        },
    )
    rows = alternate(field, options.loop, options.sessions, options.runs, options.seconds)
    show_figures("Figures", rows)
    show_ratios(rows)
    long: list[Row] = []
    if options.long:
        long = alternate(field, options.loop, [1], 1, LONG_SECONDS)
        show_figures(f"One session for {LONG_SECONDS:.0f} s", long)
    held = show_capacity(field, options) if options.capacity else {}
    for loop in options.loop:
        show_verdicts(loop, verdicts(rows, long, held, loop))
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows + long))


if __name__ == "__main__":
    main()
