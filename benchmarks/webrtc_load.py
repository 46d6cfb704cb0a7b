"""The WebRTC load generator, a process of its own: `python -m benchmarks.webrtc_load PLAN`.

Opens N sessions one after another, sends each 50 Opus packets a second, evenly staggered and
whether or not anything comes back, loses one packet of each on purpose, and prints what came of it
as one line of JSON. What came back is decoded when all is over.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import chain

import msgspec
import numpy as np

from .delays import Delays, Onset, Pair, onsets, pair_onsets, summary
from .load import run_apart
from .marked_speech import FRAME, PROFILES, RATE, prepare
from .process import SERVER_CORE, Usage, core_busy, rss_bytes, usage
from .webrtc_client import CONNECT_TIMEOUT, Caller

__all__ = ("Plan", "Talked", "run_webrtc_load")

FRAME_SECONDS = FRAME / RATE
_LINGER = 1.0  # seconds of traffic after the last onset that counts, to bring it back
_SETTLING = 0.6  # seconds after the lost packet: 16 arrivals without a frame, and some room
_BURST = 16  # packets that are overdue are sent in such portions, answers read in between
_APART = 13  # packets by which neighbours' sounds are shifted: their tones do not coincide
_clock = time.perf_counter


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and to which server."""

    pid: int
    port: int
    sessions: int
    seconds: float
    """Length of the measured window."""
    warm_up: float = 1.0
    """Seconds of the same traffic before it."""
    after_loss: float = 0.0
    """Seconds of it a while after the window, one packet of each session lost at the beginning."""
    profile: str = "mono32"


class Talked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave. A pair is a packet sent and one that came back."""

    sessions: int
    seconds: float
    bit_rate: float
    """Of the packets sent, kb/s: a variable-rate encoder keeps to its target only on average."""
    offered: int
    """Packets sent in the window."""
    answered: int
    """Packets that came back in the window."""
    fewest: int
    """Packets that came back in the window for the session that got fewest."""
    bad: int
    """Packets that could not be opened, in the whole run."""
    answer_ms: float
    """Offer to answer, median over the sessions."""
    first_audio_ms: float | None
    """Offer to the first packet back, median over the sessions that got one."""
    first_audio_worst_ms: float | None
    cpu_us: float | None
    """Server's time on the core per pair, all threads, µs."""
    cpu: float
    """Server's share of a core, 1.0 is all of it."""
    wait: float
    """Share of the window in which a server's thread stood ready off the core: its own threads
    keep each other off, too."""
    others: float
    """Share of the server's core that others had, at whatever priority."""
    load_cpu: float
    load_wait: float
    late: float
    """99th percentile of how late the load generator itself sent, ms."""
    rss_kib: float
    """Server's resident memory per session, KiB: window's end less before the sessions."""
    delays: Delays | None
    """Of the onsets in the window."""
    after_loss: Delays | None
    """Of those from 0.6 s after the lost packet."""


class _Reading(msgspec.Struct, frozen=True):
    """Everything that is counted, at one moment."""

    at: float
    server: Usage
    own: Usage
    server_core: int


class _Pacer:
    """Sends for every open session: packet `g` of all leaves at `start + g * step`."""

    def __init__(self, count: int) -> None:
        self.callers: list[Caller] = []
        self.losing: set[int] = set()
        """Numbers of the sessions whose next packet is left out."""
        self.late: list[float] = []
        self._count = count

    async def run(self) -> None:
        """Until cancelled."""
        step = FRAME_SECONDS / self._count
        start = _clock()
        at = 0
        while True:
            limit = at + _BURST
            while at < limit and start + at * step <= _clock():
                self._send(at % self._count, start + at * step)
                at += 1
            await asyncio.sleep(max(0.0, start + at * step - _clock()))

    def _send(self, number: int, due: float) -> None:
        if number >= len(self.callers):
            return
        caller = self.callers[number]
        if number in self.losing:
            self.losing.discard(number)
            caller.skip()
            return
        caller.send()
        self.late.append(caller.sent[-1] - due)


@asynccontextmanager
async def _pacing(count: int) -> AsyncGenerator[_Pacer]:
    """A pacer at work; its sessions are ended on leaving."""
    pacer = _Pacer(count)
    task = asyncio.create_task(pacer.run())
    try:
        yield pacer
    finally:
        task.cancel()
        await asyncio.wait([task])
        await asyncio.gather(*(caller.aclose() for caller in pacer.callers))
    if not task.cancelled():
        task.result()


async def _open(pacer: _Pacer, plan: Plan, packets: list[bytes], name: str) -> Caller:
    """Open one more session, which is sent for from then on."""
    caller = Caller(name, packets, len(pacer.callers) * _APART)
    await caller.open(plan.port)
    pacer.callers.append(caller)
    return caller


async def _talk(plan: Plan) -> Talked:
    packets = prepare(PROFILES[plan.profile])
    async with _pacing(1) as pacer:  # ahead of the others, to pay what is paid once
        await _open(pacer, plan, packets, "warm")
        await asyncio.sleep(plan.warm_up)
    base = rss_bytes(plan.pid)
    async with _pacing(plan.sessions) as pacer:
        for number in range(plan.sessions):
            await _open(pacer, plan, packets, str(number))
        await asyncio.sleep(plan.warm_up)
        pacer.late.clear()
        before = _read(plan)
        await asyncio.sleep(plan.seconds)
        after = _read(plan)
        late = float(np.percentile(pacer.late, 99)) * 1e3 if pacer.late else 0.0
        rss = rss_bytes(plan.pid) - base
        await asyncio.sleep(_LINGER)
        lost_at = _clock()
        if plan.after_loss:
            pacer.losing.update(range(plan.sessions))
            await asyncio.sleep(plan.after_loss + _LINGER)
    return _result(plan, packets, pacer.callers, (before, after), lost_at, late, rss)


def _read(plan: Plan) -> _Reading:
    return _Reading(_clock(), usage(plan.pid), usage(os.getpid()), core_busy(SERVER_CORE))


def _result(
    plan: Plan,
    packets: list[bytes],
    callers: list[Caller],
    window: tuple[_Reading, _Reading],
    lost_at: float,
    late: float,
    rss: int,
) -> Talked:
    before, after = window
    seconds = after.at - before.at
    server, own = after.server - before.server, after.own - before.own
    others = after.server_core - before.server_core - server.run
    back = [_between(caller.arrived, before.at, after.at) for caller in callers]
    answered = sum(back)
    first = [(c.arrived[0] - c.offered_at) * 1e3 for c in callers if c.arrived]
    marks = [_marks(caller, packets) for caller in callers]
    return Talked(
        sessions=plan.sessions,
        seconds=seconds,
        bit_rate=sum(map(len, packets)) * 8 / len(packets) / FRAME_SECONDS / 1e3,
        offered=sum(_between(caller.sent, before.at, after.at) for caller in callers),
        answered=answered,
        fewest=min(back),
        bad=sum(caller.bad for caller in callers),
        answer_ms=float(np.median([caller.answer_seconds for caller in callers])) * 1e3,
        first_audio_ms=float(np.median(first)) if first else None,
        first_audio_worst_ms=max(first) if first else None,
        cpu_us=server.run / answered / 1e3 if answered else None,
        cpu=server.run / seconds / 1e9,
        wait=server.wait / seconds / 1e9,
        others=min(max(0.0, others / seconds / 1e9), 1.0),  # ticks are coarse, and may come late
        load_cpu=own.run / seconds / 1e9,
        load_wait=own.wait / seconds / 1e9,
        late=late,
        rss_kib=rss / plan.sessions / 1024,
        delays=_delays(marks, before.at, after.at),
        after_loss=_delays(marks, lost_at + _SETTLING, lost_at + plan.after_loss),
    )


def _between(times: Sequence[float], begin: float, end: float) -> int:
    return sum(begin <= time < end for time in times)


def _marks(caller: Caller, packets: list[bytes]) -> tuple[list[Onset], list[Pair]]:
    """The onsets a session sent, and those of them that came back."""
    sent = onsets(caller.sent, [packets[number] for number in caller.sent_numbers])
    return sent, pair_onsets(sent, onsets(caller.arrived, caller.payloads))


def _delays(marks: list[tuple[list[Onset], list[Pair]]], begin: float, end: float) -> Delays | None:
    sent = chain.from_iterable(onsets for onsets, _ in marks)
    pairs = [pair for _, found in marks for pair in found if begin <= pair.at < end]
    return summary(sum(begin <= onset.packet_time < end for onset in sent), pairs)


def run_webrtc_load(plan: Plan) -> Talked:
    """Run the plan in a process of its own on the other core. LoadFailed when it fails."""
    connecting = (plan.sessions + 1) * CONNECT_TIMEOUT / 5  # none takes as long as it may, by far
    allowed = 2 * plan.warm_up + plan.seconds + plan.after_loss + 2 * _LINGER + connecting + 30
    return run_apart("benchmarks.webrtc_load", plan, Talked, allowed)


def main(text: str) -> None:
    """Do what the plan says."""
    plan = msgspec.json.decode(text, type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_talk(plan))))


if __name__ == "__main__":
    main(sys.argv[1])
