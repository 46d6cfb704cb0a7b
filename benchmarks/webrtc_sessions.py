"""Live WebRTC audio sessions: what an Opus packet costs the server and how long it keeps it.

N clients send 50 packets a second and get an echo. The server has a core to itself, the load
generator another. All is measured at the RTP packet, before any jitter buffer or decoder of the
client, which would add a delay of its own. Linux only: the costs are the scheduler's.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from .delays import Delays
from .figures import Range, median_range, number, show
from .load import LoadFailed
from .marked_speech import PROFILES
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import LOOPS, Subject, webrtc_rivals, webrtc_subjects
from .webrtc_load import FRAME_SECONDS, Plan, Talked, run_webrtc_load

NOISY = 0.1  # share of the window that others had the server's core, or kept the load off its own
RETRIES = 2
CLEAN = 0.99  # of the packets due, both sent and returned, in the worst of the sessions


class Row(msgspec.Struct, frozen=True):
    """One measurement; the rows of one round are compared with each other."""

    round: int
    server: str
    loop: str
    result: Talked


def measure(subject: Subject, loop: str, sessions: int, options: "Options") -> Talked:
    """Measure a fresh server, again when the machine was busy; the quietest try counts."""
    tries: list[Talked] = []
    while not tries or (disturbed(tries[-1]) > NOISY and len(tries) <= RETRIES):
        with serve(subject.on(loop), env=subject.env) as server:
            plan = Plan(
                pid=server.pid,
                port=server.port,
                sessions=sessions,
                seconds=options.seconds,
                after_loss=options.after_loss,
                profile=options.profile,
            )
            tries.append(run_webrtc_load(plan))
    return min(tries, key=disturbed)


def disturbed(result: Talked) -> float:
    """Share of the window in which others were in the way. The server's own waiting is no sign of
    it here: its codec threads keep each other waiting.
    """
    return max(result.others, result.load_wait)


def clean(result: Talked) -> bool:
    """Whether 99 % of the packets due went out, and as many came back to every session."""
    due = result.seconds / FRAME_SECONDS
    sent = result.offered / result.sessions
    return min(sent, result.fewest) >= CLEAN * due - 1 and not result.bad  # -1: the window's edge


def alternate(field: list[Subject], options: "Options") -> tuple[list[Row], dict[str, str]]:
    """All servers at every N, each round beginning with another one; and why those that failed
    did. A server that failed is left out from then on.
    """
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for turn in range(options.rounds):
        order = field[turn % len(field) :] + field[: turn % len(field)]
        for loop in options.loop:
            for count in options.sessions:
                for subject in order:
                    if subject.name in failed:
                        continue
                    try:
                        result = measure(subject, loop, count, options)
                    except LoadFailed as error:
                        failed[subject.name] = str(error).strip().splitlines()[-1]
                        print(f"{subject.name}: {failed[subject.name]}", file=sys.stderr)
                        continue
                    rows.append(Row(turn, subject.name, loop, result))
                    tell(rows[-1])
    return rows, failed


def tell(row: Row) -> None:
    """Progress, on the error stream."""
    result = row.result
    kept = number(result.delays.packet_p50) if result.delays else "-"
    print(
        f"{row.server}/{row.loop} N={result.sessions}: {number(share(result))} % of a core a"
        f" session, kept {kept} ms, {result.answered} of {result.offered} back,"
        f" disturbed {disturbed(result):.1%}, load CPU {result.load_cpu:.0%}",
        file=sys.stderr,
    )


def share(result: Talked) -> float:
    """Percent of a core for each session."""
    return result.cpu * 100 / result.sessions


def sent_rate(result: Talked) -> float:
    """Packets a second sent to each session."""
    return result.offered / result.seconds / result.sessions


def back_rate(result: Talked) -> float:
    """Packets a second that each session got back."""
    return result.answered / result.seconds / result.sessions


def group(rows: Iterable[Row]) -> dict[tuple[str, int, str], list[Talked]]:
    """Results by loop, N and server, in the order met."""
    groups: dict[tuple[str, int, str], list[Talked]] = {}
    for row in rows:
        groups.setdefault((row.loop, row.result.sessions, row.server), []).append(row.result)
    return dict(sorted(groups.items(), key=lambda item: item[0][:2]))


Figure = Callable[[Talked], float | None]

_COSTS: tuple[tuple[str, Figure], ...] = (
    ("CPU %/session", share),
    ("CPU µs/pair", lambda result: result.cpu_us),
    ("sent/s", sent_rate),
    ("back/s", back_rate),
    ("KiB/session", lambda result: result.rss_kib),
    ("offer to answer ms", lambda result: result.answer_ms),
    ("to first packet ms", lambda result: result.first_audio_ms),
    ("CPU %", lambda result: result.cpu * 100),
    ("others %", lambda result: result.others * 100),
    ("load CPU %", lambda result: result.load_cpu * 100),
    ("load late ms", lambda result: result.late),
)


def kept(figure: str) -> Figure:
    """A figure of the window's delays."""

    def read(result: Talked) -> float | None:
        return None if result.delays is None else getattr(result.delays, figure)

    return read


def kept_after_loss(figure: str) -> Figure:
    """A figure of the delays after the lost packet."""

    def read(result: Talked) -> float | None:
        return None if result.after_loss is None else getattr(result.after_loss, figure)

    return read


_DELAYS: tuple[tuple[str, Figure], ...] = (
    ("packet p50 ms", kept("packet_p50")),
    ("p95", kept("packet_p95")),
    ("p99", kept("packet_p99")),
    ("sound p50 ms", kept("sound_p50")),
    ("p95", kept("sound_p95")),
    ("after a loss: packet p50", kept_after_loss("packet_p50")),
    ("p99", kept_after_loss("packet_p99")),
)
_COMPARED: tuple[tuple[str, Figure], ...] = (
    ("CPU", share),
    ("packet p50", kept("packet_p50")),
    ("packet p99", kept("packet_p99")),
    ("after a loss", kept_after_loss("packet_p50")),
    ("to first packet", lambda result: result.first_audio_ms),
    ("KiB/session", lambda result: result.rss_kib),
)


def show_costs(rows: list[Row]) -> None:
    """Median (lowest-highest) over the rounds; `!` marks a noisy row, `*` one that is not clean."""
    lines: list[tuple[object, ...]] = []
    for (loop, count, server), results in group(rows).items():
        marks = " !" if any(disturbed(result) > NOISY for result in results) else ""
        marks += "" if all(map(clean, results)) else " *"
        figures = (median_range(map(figure, results)) for _, figure in _COSTS)
        lines.append((loop, count, server + marks, len(results), *figures))
    header = ("loop", "N", "server", "runs", *(name for name, _ in _COSTS))
    show("Costs (* not a clean pass, ! others were in the way)", header, lines)


def show_delays(rows: list[Row]) -> None:
    """Median (lowest-highest) over the rounds of each round's percentiles over its onsets."""
    lines: list[tuple[object, ...]] = []
    for (loop, count, server), results in group(rows).items():
        figures = (median_range(map(figure, results)) for _, figure in _DELAYS)
        onsets = _onsets(result.delays for result in results)
        late_onsets = _onsets(result.after_loss for result in results)
        lines.append((loop, count, server, onsets, *figures, late_onsets))
    header = ("loop", "N", "server", "onsets", *(name for name, _ in _DELAYS), "onsets")
    show("Kept by the server, RTP in to RTP out", header, lines)


def _onsets(stretches: Iterable[Delays | None]) -> str:
    known = [stretch for stretch in stretches if stretch is not None]
    return f"{sum(one.found for one in known)} of {sum(one.sent for one in known)}"


def ratios(rows: list[Row], rival: str, loop: str, count: int, figure: Figure) -> Range | None:
    """Ours through the rival's, round by round; pairs that are noisy or not clean count only when
    there is no other.
    """
    pairs: list[tuple[bool, float]] = []
    by_key = {(row.round, row.server, row.loop, row.result.sessions): row.result for row in rows}
    for turn in sorted({row.round for row in rows}):
        ours = by_key.get((turn, "antiphon", loop, count))
        theirs = by_key.get((turn, rival, loop, count))
        if ours is None or theirs is None:
            continue
        upper, lower = figure(ours), figure(theirs)
        if upper is not None and lower:
            good = all(disturbed(one) <= NOISY and clean(one) for one in (ours, theirs))
            pairs.append((good, upper / lower))
    best = [ratio for good, ratio in pairs if good]
    return median_range(best or (ratio for _, ratio in pairs))


def show_ratios(rows: list[Row]) -> None:
    """Ours against each rival at each N; below 1 is better."""
    names = dict.fromkeys(row.server for row in rows if row.server != "antiphon")
    lines = [
        (loop, count, rival, *(ratios(rows, rival, loop, count, f) for _, f in _COMPARED))
        for loop, count in dict.fromkeys((row.loop, row.result.sessions) for row in rows)
        for rival in names
    ]
    header = ("loop", "N", "antiphon / rival", *(name for name, _ in _COMPARED))
    show("Ratios, round by round", header, lines)


class Options(argparse.Namespace):
    """The command line."""

    sessions: list[int]
    seconds: float
    after_loss: float
    rounds: int
    rival: list[str]
    loop: list[str]
    profile: str
    json: Path | None


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",")]

    def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
        def names(text: str) -> list[str]:
            if unknown := set(text.split(",")) - set(known):
                raise argparse.ArgumentTypeError(f"no such: {', '.join(sorted(unknown))}")
            return text.split(",")

        return names

    parser = argparse.ArgumentParser(prog="python -m benchmarks.webrtc_sessions")
    parser.add_argument("--sessions", type=numbers, default=[10], help="N, or several: 10,20,40")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured window")
    parser.add_argument(
        "--after-loss", type=float, default=3.0, help="more seconds, one packet lost; 0 for none"
    )
    parser.add_argument("--rounds", type=int, default=3, help="servers alternated")
    parser.add_argument(
        "--rival",
        type=some_of(webrtc_rivals),
        default=["aiortc"],
        help=f"{','.join(webrtc_rivals)}; fastrtc is installed on first use",
    )
    parser.add_argument("--loop", type=some_of(LOOPS), default=["asyncio"], help=",".join(LOOPS))
    parser.add_argument("--profile", choices=PROFILES, default="mono32", help="what clients send")
    parser.add_argument("--json", type=Path, help="write the single measurements here, a line each")
    return parser.parse_args(arguments, Options())


def conditions(field: list[Subject], options: Options) -> dict[str, object]:
    """What was done, for the reader of the figures."""
    return {
        "command": " ".join(["python -m benchmarks.webrtc_sessions", *sys.argv[1:]]),
        **{subject.name: subject.about for subject in field},
        "cores": f"server {SERVER_CORE}, load generator {LOAD_CORE}",
        "client": "aiortc's ICE, DTLS and SRTP; prepared packets, nothing decoded while measuring",
        "packets": f"Opus, {PROFILES[options.profile].about}; a synthetic voice, 50/s a session;"
        " no DTX",
        "window": f"{options.seconds:g} s after 1 s of warm-up, a fresh server each time,"
        " one session ahead of the others",
        "rounds": f"{options.rounds}, servers alternated; median (lowest-highest)",
        "packet ms": "from the packet that carries a tone's onset, before the client's SRTP and"
        " sendto, to the one that carries it back, at its recvfrom; one tone a second and session;"
        " nothing subtracted, so the network's 0.2 ms or so each way and the client's wake-up are"
        " in it; it moves in steps of 20 ms",
        "sound ms": "the same from onset to onset: with the look-ahead of the server's encoder"
        " and its resampling; the look-ahead of the client's encoder is in both onsets",
        "loss": f"one packet of every session left out, onsets from 0.6 s after it, for"
        f" {options.after_loss:g} s",
        "clean": f"{CLEAN:.0%} of the packets sent, and returned to every session",
        "others %": "of the server's core, at any priority; measured again up to"
        f" {RETRIES} times when they, or waits of the load, are above {NOISY:.0%}; then marked !",
    }


def main() -> None:
    """Measure and print."""
    end_on_signals()
    options = parse()
    field = webrtc_subjects(options.rival, options.loop)
    print_header(
        "WebRTC sessions, 20 ms Opus packets",
        ("antiphon", "aiortc", "aioice", "av", "pylibsrtp", "uvloop", "numpy"),
        conditions(field, options),
    )
    rows, failed = alternate(field, options)
    show_costs(rows)
    show_delays(rows)
    show_ratios(rows)
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    if failed:
        sys.exit("\n".join(f"not measured: {name}: {why}" for name, why in failed.items()))


if __name__ == "__main__":
    main()
