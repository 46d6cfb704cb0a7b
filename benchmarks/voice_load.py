"""Sessions in which nobody talks, in a process of its own: `python -m benchmarks.voice_load PLAN`.

Each sends 20 ms of mu-law 50 times a second, evenly staggered: silence, the noise of a quiet room,
or nothing at all.
"""

import base64
import os
import sys
import time

import msgspec
import numpy as np

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.g711 import mulaw_encode

from .client import FRAME_SECONDS, TEXT, client_frame
from .load import Plan, Sessions, run_apart
from .process import Usage, rss_bytes, usage

__all__ = ("Quiet", "VoicePlan", "run_quiet")

_LOOP = 97  # frames of noise that are sent round and round, from another one in each session
_BURST = 16  # frames that are overdue are sent in such portions, answers read in between
_KEY = b"\x5a\xc3\x17\x88"


class VoicePlan(Plan, frozen=True, kw_only=True):
    """What to send, and to which server."""

    rate: int
    """Hz."""
    noise: float | None
    """Standard deviation in int16 steps; None to send nothing."""


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What it cost."""

    sessions: int
    seconds: float
    cpu: float
    """Server's share of a core, 1.0 is all of it."""
    wait: float
    """Share of the window in which the server stood ready but was not let on the core."""
    load_cpu: float
    late: float
    """99th percentile of how late the load itself sent, ms."""
    rss_kib: float
    """Server's resident memory per session, KiB."""
    texts: int
    """What was said though nobody talked."""


def media_frames(rate: int, noise: float) -> list[bytes]:
    """Masked messages of 20 ms each."""
    size = round(rate * FRAME_SECONDS)
    sound = np.random.default_rng(3).normal(0, noise, (_LOOP, size)).round().astype("<i2")
    return [_media(samples) for samples in sound]


def _media(samples: Samples) -> bytes:
    payload = base64.b64encode(mulaw_encode(samples.tobytes())).decode()
    text = msgspec.json.encode({"event": "media", "media": {"payload": payload}})
    return client_frame(TEXT, text, _KEY)


def _send_all(sessions: Sessions, frames: list[bytes], seconds: float) -> list[float]:
    """For so long; how late each frame was."""
    members = sessions.list
    count = len(members)
    step = FRAME_SECONDS / count
    start = time.perf_counter()
    late: list[float] = []
    at = 0
    while at < round(seconds / FRAME_SECONDS) * count:
        limit = at + _BURST
        while at < limit and (over := time.perf_counter() - start - at * step) >= 0:
            number = at // count + 7 * (at % count)
            members[at % count].send(frames[number % len(frames)])
            late.append(over)
            at += 1
        sessions.turn(start + at * step - time.perf_counter())
    return late


def _pass(sessions: Sessions, frames: list[bytes], seconds: float) -> list[float]:
    if frames:
        return _send_all(sessions, frames, seconds)
    sessions.until(lambda: False, seconds)
    return [0.0]


def _listen(plan: VoicePlan) -> Quiet:
    frames = [] if plan.noise is None else media_frames(plan.rate, plan.noise)
    ahead = Sessions(plan, 1, 1)  # what is paid once is not charged to the others
    _pass(ahead, frames, plan.warm_up)
    ahead.end()
    base = rss_bytes(plan.pid)
    sessions = Sessions(plan, 1, plan.sessions)
    _pass(sessions, frames, plan.warm_up)
    texts = sessions.tally.other_texts
    began, server, own = _reading(plan)
    late = _pass(sessions, frames, plan.seconds)
    ended, server_after, own_after = _reading(plan)
    rss = rss_bytes(plan.pid) - base
    texts = sessions.tally.other_texts - texts
    sessions.end()
    nanoseconds = (ended - began) * 1e9
    return Quiet(
        sessions=plan.sessions,
        seconds=ended - began,
        cpu=(server_after - server).run / nanoseconds,
        wait=(server_after - server).wait / nanoseconds,
        load_cpu=(own_after - own).run / nanoseconds,
        late=float(np.percentile(late, 99)) * 1e3,
        rss_kib=rss / plan.sessions / 1024,
        texts=texts,
    )


def _reading(plan: VoicePlan) -> tuple[float, Usage, Usage]:
    return time.perf_counter(), usage(plan.pid), usage(os.getpid())


def run_quiet(plan: VoicePlan) -> Quiet:
    """Run the plan in a process of its own on the other core."""
    allowed = 2 * plan.warm_up + plan.seconds + 60
    return run_apart("benchmarks.voice_load", plan, Quiet, allowed)


def main(text: str) -> None:
    """Do what the plan says."""
    plan = msgspec.json.decode(text, type=VoicePlan)
    sys.stdout.buffer.write(msgspec.json.encode(_listen(plan)))


if __name__ == "__main__":
    main(sys.argv[1])
