"""The load generator, a process of its own: `python -m benchmarks.load '{"port": ...}'`.

Opens N WebSocket sessions, keeps them busy or silent for a while, ends them, and prints what came
of it as one line of JSON. Frames leave when they are due, evenly staggered, whether or not earlier
ones came back, so a slow server cannot slow the question down (no coordinated omission).
"""

import os
import resource
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from .client import FRAME_SECONDS, Connection, Tally
from .process import LOAD_CORE, ROOT, Usage, end, pin, rss_bytes, usage

__all__ = ("Echoed", "Idled", "LoadFailed", "Plan", "Sessions", "run_apart", "run_load")

_OPENING = 10.0  # seconds for a session to answer its first ping
_STRAGGLERS = 3.0  # seconds after the last frame until a frame counts as lost
_FAREWELL = 10.0  # seconds for the close frames
_BURST = 16  # frames that are overdue are sent in such portions, answers read in between
_SLICES = 10  # parts of the window whose medians show a drift

Floats = npt.NDArray[np.float64]
_Outcome = TypeVar("_Outcome", "Echoed", "Idled")
_Result = TypeVar("_Result")


class LoadFailed(RuntimeError):
    """The load generator could not do its work."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and to which server."""

    pid: int
    port: int
    path: str = "/websocket/offer"
    sessions: int
    seconds: float
    """Length of the measured window."""
    warm_up: float = 1.0
    """Seconds of the same traffic before it."""
    silent: bool = False
    """Send no audio: the sessions are started and idle."""
    stop_event: bool = True
    """End sessions by `{"event":"stop"}`, else by a close frame."""


class Echoed(msgspec.Struct, frozen=True, kw_only=True):
    """What a run with audio gave. Latencies are round trips in ms of the frames sent in the window,
    None when none came back."""

    sessions: int
    seconds: float
    offered: int
    """Frames sent in the window."""
    answered: int
    """Frames that came back within the window, whenever sent."""
    lost: int
    """Sent in the window and not back 3 s after the last frame was sent."""
    altered: int
    disordered: int
    closed_early: int
    p50: float | None
    p95: float | None
    p99: float | None
    worst: float | None
    drift: float | None
    """Growth of the median latency, ms per second: a line through ten medians."""
    late: float
    """99th percentile of how late the load generator itself sent, ms."""
    cpu_us: float | None
    """Server's time on the core per answered frame, µs."""
    cpu: float
    """Server's share of a core, 1.0 is all of it."""
    wait: float
    """Share of the window in which the server stood ready but was not let on the core."""
    load_cpu: float
    """The load generator's own share of a core."""
    load_wait: float
    """As `wait`, for the load generator: what it stamps late is not the server's delay."""
    rss_kib: float
    """Server's resident memory per session, KiB: window's end less before the sessions."""


class Idled(msgspec.Struct, frozen=True, kw_only=True):
    """What a silent run gave."""

    sessions: int
    seconds: float
    cpu: float
    wait: float
    load_cpu: float
    load_wait: float
    rss_kib: float
    """As in Echoed."""
    base_mib: float
    """Server's resident memory before the sessions."""
    close_codes: dict[int, int]
    """How many sessions ended with which code; 0 for those that did not end in time."""


class _Reading(msgspec.Struct, frozen=True):
    """Everything that is counted, at one moment."""

    at: float
    server: Usage
    own: Usage
    answered: int


class Sessions:
    """Open connections and the poller that tells which has something to say."""

    def __init__(self, plan: Plan, frames: int, count: int) -> None:
        self.plan = plan
        self.tally = Tally(count, frames)
        self.list: list[Connection] = []
        self._by_fd: dict[int, Connection] = {}
        self._poll = select.epoll()
        self._wake = (self._poll.fileno(),)
        for number in range(count):
            session = Connection(plan.port, plan.path, number, self.tally)
            self.list.append(session)
            self._by_fd[session.socket.fileno()] = session
            self._poll.register(session.socket, select.EPOLLIN)
            self.until(lambda: True)
        self.until(lambda: all(session.ready for session in self.list), _OPENING)
        silent = sum(not session.ready for session in self.list)
        if silent:
            raise LoadFailed(f"{silent} of {count} sessions got no answer to a ping")

    def turn(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for answers and take them. epoll_wait knows milliseconds
        only, so the waiting is done by select on the poller.
        """
        if timeout > 0:
            select.select(self._wake, (), (), timeout)
        for fd, _ in self._poll.poll(0):
            session = self._by_fd[fd]
            session.read(time.perf_counter())
            if session.close_code is not None:
                self._poll.unregister(fd)

    def until(self, done: Callable[[], bool], patience: float = 0.0) -> None:
        """Take answers until `done`, once at least, and no longer than `patience` seconds."""
        limit = time.perf_counter() + patience
        self.turn(0)
        while not done() and (left := limit - time.perf_counter()) > 0:
            self.turn(min(left, 0.1))

    def read(self) -> _Reading:
        """The counters now."""
        return _Reading(
            time.perf_counter(),
            usage(self.plan.pid),
            usage(os.getpid()),
            self.tally.answered,
        )

    def end(self) -> Counter[int]:
        """End every session and tell the close codes."""
        for session in self.list:
            if session.close_code is not None:
                continue
            if self.plan.stop_event:
                session.stop()
            else:
                session.close()
        self.until(lambda: all(s.close_code is not None for s in self.list), _FAREWELL)
        for session in self.list:
            session.socket.close()
        self._poll.close()
        return Counter(session.close_code or 0 for session in self.list)


def _send_paced(sessions: Sessions, first: int, last: int, start: float) -> None:
    """Send frames `first` to `last`, counted over all sessions: frame `g` at `start + g * step`."""
    members = sessions.list
    count = len(members)
    step = FRAME_SECONDS / count
    clock = time.perf_counter
    due = start + first * step
    at = first
    while at < last:
        now = clock()
        limit = min(last, at + _BURST)
        while at < limit and due <= now:
            member = members[at % count]
            if member.close_code is None:
                member.send_frame(at // count, now)
            at += 1
            due = start + at * step
            now = clock()
        sessions.turn(due - now)


def _echo(plan: Plan) -> Echoed:
    warm = round(plan.warm_up / FRAME_SECONDS)
    frames = warm + round(plan.seconds / FRAME_SECONDS)
    count = plan.sessions
    base = rss_bytes(plan.pid)
    sessions = Sessions(plan, frames, count)
    tally = sessions.tally
    start = time.perf_counter() + 0.01
    _send_paced(sessions, 0, warm * count, start)
    before = sessions.read()
    _send_paced(sessions, warm * count, frames * count, start)
    after = sessions.read()
    rss = rss_bytes(plan.pid) - base
    closed_early = sum(session.close_code is not None for session in sessions.list)
    sessions.until(lambda: tally.answered >= frames * count, _STRAGGLERS)
    sent = np.frombuffer(tally.sent).reshape(count, frames).T.ravel()[warm * count :]
    back = np.frombuffer(tally.back).reshape(count, frames).T.ravel()[warm * count :]
    sessions.end()
    due = start + np.arange(warm * count, frames * count) * (FRAME_SECONDS / count)
    answered = after.answered - before.answered
    seconds = after.at - before.at
    server, own = after.server - before.server, after.own - before.own
    p50, p95, p99, worst, drift = _latencies(sent, back)
    return Echoed(
        sessions=count,
        seconds=seconds,
        offered=int(np.count_nonzero(sent)),
        answered=answered,
        lost=int(np.count_nonzero(back == 0)),
        altered=tally.altered,
        disordered=tally.disordered,
        closed_early=closed_early,
        p50=p50,
        p95=p95,
        p99=p99,
        worst=worst,
        drift=drift,
        late=float(np.percentile(sent - due, 99)) * 1e3,
        cpu_us=server.run / answered / 1e3 if answered else None,
        cpu=server.run / seconds / 1e9,
        wait=server.wait / seconds / 1e9,
        load_cpu=own.run / seconds / 1e9,
        load_wait=own.wait / seconds / 1e9,
        rss_kib=rss / count / 1024,
    )


def _latencies(
    sent: Floats, back: Floats
) -> tuple[float, float, float, float, float] | tuple[None, None, None, None, None]:
    """p50, p95, p99, worst (ms) and drift (ms/s) of the frames that came back, in order sent."""
    came = np.flatnonzero(back)
    if len(came) < _SLICES:
        return None, None, None, None, None
    trips = (back[came] - sent[came]) * 1e3
    medians = [float(np.median(part)) for part in np.array_split(trips, _SLICES)]
    times = [float(np.median(part)) for part in np.array_split(sent[came], _SLICES)]
    slope = float(np.polyfit(np.asarray(times) - times[0], np.asarray(medians), 1)[0])
    p50, p95, p99 = (float(value) for value in np.percentile(trips, (50, 95, 99)))
    return p50, p95, p99, float(trips.max()), slope


def _idle(plan: Plan) -> Idled:
    base = rss_bytes(plan.pid)
    sessions = Sessions(plan, 1, plan.sessions)
    sessions.until(lambda: False, plan.warm_up)
    before = sessions.read()
    sessions.until(lambda: False, plan.seconds)
    after = sessions.read()
    rss = rss_bytes(plan.pid) - base
    seconds = after.at - before.at
    server, own = after.server - before.server, after.own - before.own
    return Idled(
        sessions=plan.sessions,
        seconds=seconds,
        cpu=server.run / seconds / 1e9,
        wait=server.wait / seconds / 1e9,
        load_cpu=own.run / seconds / 1e9,
        load_wait=own.wait / seconds / 1e9,
        rss_kib=rss / plan.sessions / 1024,
        base_mib=base / 2**20,
        close_codes=dict(sessions.end()),
    )


def _warm(plan: Plan) -> None:
    """One session ahead of the others, so that what is paid once is not charged to them."""
    sessions = Sessions(plan, 25, 1)
    _send_paced(sessions, 0, 25, time.perf_counter())
    sessions.until(lambda: sessions.tally.answered == 25, 2.0)
    sessions.end()


def run_load(plan: Plan, result: type[_Outcome]) -> _Outcome:
    """Run the plan in a process of its own on the other core."""
    allowed = plan.warm_up + plan.seconds + _OPENING + _STRAGGLERS + _FAREWELL + 30
    return run_apart("benchmarks.load", plan, result, allowed)


def run_apart(module: str, plan: msgspec.Struct, result: type[_Result], allowed: float) -> _Result:
    """Run a program with its plan as JSON in a process of its own on the other core, and decode
    what it prints. LoadFailed when it fails, or prints nothing within `allowed` seconds.
    """
    command = (sys.executable, "-m", module, msgspec.json.encode(plan).decode())
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        pin(process.pid, LOAD_CORE)
        output, errors = process.communicate(timeout=allowed)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"no result after {allowed:.0f} s") from None
    finally:
        end(process)
    if process.returncode:
        raise LoadFailed(errors.decode(errors="replace"))
    return msgspec.json.decode(output, type=result)


def main(text: str) -> None:
    """Do what the plan says."""
    plan = msgspec.json.decode(text, type=Plan)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _warm(plan)
    outcome = _idle(plan) if plan.silent else _echo(plan)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main(sys.argv[1])
