"""The clocks of one call: start, time limit, idleness, absence, pings. Time comes in as `now`."""

from enum import Enum
from math import inf
from typing import assert_never

import msgspec

__all__ = ("Expiry", "Liveness", "Timing", "explain")


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of time, all in seconds; inf turns one off. Defaults: docs/protocol.md, Limits."""

    start_timeout: float = 5.0
    """From the handshake to `start`."""
    time_limit: float = inf
    """From the start of the call to its end."""
    idle_timeout: float = inf
    """Without a message in either direction; what the client cannot hear does not count."""
    absence_timeout: float = 60.0
    """Without a message from a client that does not listen either (HTTP, no event stream)."""
    ping_interval: float = 20.0
    """Of silence from the peer before it is asked whether it lives."""
    ping_timeout: float = 20.0
    """For any sign of life after that question."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is more than 0 seconds, not {getattr(self, name)!r}")


class Expiry(Enum):
    """What ran out."""

    START = "start"
    TIME_LIMIT = "time limit"
    IDLE = "idle"
    ABSENT = "absent"
    PING = "ping"
    DEAD = "dead"


def explain(expiry: Expiry, timing: Timing) -> str:
    """What ran out, in words for the other end."""
    match expiry:
        case Expiry.START:
            return f"no `start` came within {timing.start_timeout:g} s"
        case Expiry.TIME_LIMIT:
            return f"the time limit of {timing.time_limit:g} s is over"
        case Expiry.IDLE:
            return f"nothing was said for {timing.idle_timeout:g} s"
        case Expiry.ABSENT:
            return "the client neither sends nor listens"
        case Expiry.PING | Expiry.DEAD:
            return f"a ping was not answered within {timing.ping_timeout:g} s"
        case _:
            assert_never(expiry)


class Liveness:
    """What is due when. `heard` and `active` are plain attributes, set for every message."""

    __slots__ = (
        "_absent",
        "_asked_after",
        "_ends",
        "_pinged",
        "_start_by",
        "_timing",
        "active",
        "heard",
    )

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self._start_by = now + timing.start_timeout
        self._ends = inf
        self._absent = inf  # since when nobody listens; inf while somebody does
        self._pinged = inf  # when the question went out; inf when none waits
        self._asked_after = now  # the sign of life before the question
        self.heard = now
        """When the peer last gave a sign of life, of any kind."""
        self.active = now
        """When a message last passed, in either direction."""

    def await_start(self, since: float) -> None:
        """The time for the start counts from `since`; inf while it does not count yet."""
        self._start_by = since + self._timing.start_timeout

    def started(self, now: float) -> None:
        """The call is open: the start timer is off, the time limit runs."""
        self._start_by = inf
        self._ends = now + self._timing.time_limit
        self.active = now

    def absent(self, now: float) -> None:
        """Nobody listens from now on."""
        self._absent = now

    def present(self, now: float) -> None:
        """Somebody listens."""
        self._absent = inf
        self.heard = self.active = now

    def deadline(self) -> float:
        """When something is due next, as far as is known now: signs of life only move it away."""
        return min(due for due, _ in self._table())

    def expired(self, now: float) -> Expiry | None:
        """The first thing that has run out by now; a ping is to be sent when it says so."""
        for due, expiry in self._table():
            if now >= due:
                if expiry is Expiry.PING:
                    self._pinged = now
                    self._asked_after = self.heard
                return expiry
        return None

    def _table(self) -> tuple[tuple[float, Expiry], ...]:
        timing = self._timing
        # Not compared with the time of the question: a timer's `now` may be ahead of the clock that
        # times an answer by the clock's resolution (uvloop: 1 ms).
        if self.heard != self._asked_after:
            self._pinged = inf
        waiting = self._pinged != inf
        return (
            (self._start_by, Expiry.START),
            (self._ends, Expiry.TIME_LIMIT),
            (self._pinged + timing.ping_timeout, Expiry.DEAD),
            (self.active + timing.idle_timeout, Expiry.IDLE),
            (max(self._absent, self.heard) + self._absence, Expiry.ABSENT),
            (inf if waiting else self.heard + timing.ping_interval, Expiry.PING),
        )

    @property
    def _absence(self) -> float:
        return min(self._timing.absence_timeout, self._timing.idle_timeout)
