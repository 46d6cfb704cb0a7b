"""People who talk, in a process of its own: `python -m benchmarks.talk_load PLAN`.

Opens one session for each sound, sends all of them in real time, staggered within the 20 ms, and
prints what each was told. A frame leaves when its last sample has been captured.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from antiphon.core.audio.frames import Samples

from .load import run_apart
from .talkers import FRAME_SECONDS, Heard, RtcTalker, WebSocketTalker

__all__ = ("LATE", "RETRIES", "TRANSPORTS", "Plan", "Talked", "run_talk")

LATE = 10.0  # ms
RETRIES = 2

TRANSPORTS: dict[str, type[WebSocketTalker | RtcTalker]] = {
    "websocket": WebSocketTalker,
    "webrtc": RtcTalker,
}
_SETTLING = 0.5  # seconds with all sessions open before the first sample
_clock = time.perf_counter


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to say, and to which server."""

    port: int
    transport: str
    sounds: str
    """An npz file: an int16 array at 24 kHz for each session, all of one length."""


class Talked(msgspec.Struct, frozen=True, kw_only=True):
    """What each session was told, in their order."""

    sessions: list[Heard]
    late: float
    """99th percentile of how late the load itself sent, ms."""


async def _talk(plan: Plan) -> Talked:
    with np.load(plan.sounds) as file:
        sounds: list[Samples] = [file[name] for name in file.files]
    make = TRANSPORTS[plan.transport]
    talkers = [make(f"talk-{number}", sound) for number, sound in enumerate(sounds)]
    try:
        for talker in talkers:
            await talker.open(plan.port)
        start = _clock() + _SETTLING
        step = FRAME_SECONDS / len(talkers)
        late = await _send_all(talkers, start, step)
        heard = [talker.heard(start + at * step) for at, talker in enumerate(talkers)]
    finally:
        await asyncio.gather(*(talker.aclose() for talker in talkers))
    return Talked(sessions=heard, late=float(np.percentile(late, 99)) * 1e3)


async def _send_all(
    talkers: Sequence[WebSocketTalker | RtcTalker], start: float, step: float
) -> list[float]:
    """Send all frames when they are due; how late each was."""
    late: list[float] = []
    for number in range(min(len(talker.frames) for talker in talkers)):
        for at, talker in enumerate(talkers):
            due = start + (number + 1) * FRAME_SECONDS + at * step
            if (left := due - _clock()) > 0:
                await asyncio.sleep(left)
            talker.send()
            late.append(_clock() - due)
    return late


def run_talk(port: int, transport: str, sounds: Sequence[Samples]) -> Talked:
    """Say these, one in each session, in a process of its own on the other core; again when the
    load was late, as then what it tells is not the server's. The most punctual try counts.
    """
    tries: list[Talked] = []
    while not tries or (tries[-1].late > LATE and len(tries) <= RETRIES):
        tries.append(_run_once(port, transport, sounds))
    return min(tries, key=lambda talked: talked.late)


def _run_once(port: int, transport: str, sounds: Sequence[Samples]) -> Talked:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sounds.npz")
        np.savez(path, *sounds)
        plan = Plan(port=port, transport=transport, sounds=str(path))
        allowed = len(sounds[0]) / 24_000 + 5.0 * len(sounds) + 60
        return run_apart("benchmarks.talk_load", plan, Talked, allowed)


def main(text: str) -> None:
    """Do what the plan says."""
    plan = msgspec.json.decode(text, type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_talk(plan))))


if __name__ == "__main__":
    main(sys.argv[1])
