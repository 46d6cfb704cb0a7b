"""Playout: which piece leaves when, how far ahead of the listener we are, what was heard.

By the clock of this module the listener plays without a pause whatever has been sent, and waits
when it runs out. `lead` bounds how much is sent ahead of that: less than it is in flight or
buffered over there, so an interruption has little to drop and a slow reader holds little memory.
How far a real listener is behind that clock is in `heard.py`.
"""

from collections import deque

import msgspec

from .heard import PATIENCE, Heard
from .wire import Kind

__all__ = ("LEAD", "MAX_PIECE", "Interruption", "Playout", "piece_lengths")

LEAD = 0.2  # seconds; docs/protocol.md
MAX_PIECE = 0.06  # seconds; the longest common packet time, and well below the lead

_SLACK = 1e-6  # seconds; sums of piece lengths must not miss the lead by rounding


class Interruption(msgspec.Struct, frozen=True):
    """Where an interruption cut the sound of a call, on the scale of `Call.given` and `Call.heard`:
    `heard + dropped` is what `given` was before it; `heard` is what both are after it.
    """

    heard: float
    """Seconds of the call's sound that the listener has heard; what earlier interruptions dropped
    does not count.
    """
    dropped: float
    """Seconds of sound behind that, given and not heard: queued here, or cleared over there."""


def piece_lengths(samples: int, sample_rate: int) -> tuple[int, int]:
    """Cut a chunk into equal pieces of at most `MAX_PIECE` seconds: (pieces, samples in each).

    The last piece may be shorter. A chunk that is short enough is one piece.
    """
    most = max(1, int(MAX_PIECE * sample_rate))
    if samples <= most:
        return 1, samples
    pieces = -(-samples // most)
    each = -(-samples // pieces)
    return -(-samples // each), each


class Playout:
    """The queue of one call's outgoing sound, with the control messages that stand between it.

    Bounded by its user: nobody pushes while `waiting` is true.
    """

    __slots__ = ("_end", "_given", "_heard", "_lead", "_queued", "queue")

    def __init__(self, lead: float = LEAD) -> None:
        self._lead = lead
        self._end = 0.0  # when the listener will have played all that was sent
        self._given = 0.0  # seconds of sound sent so far
        self._queued = 0.0  # seconds of sound in the queue
        self._heard = Heard()
        self.queue: deque[tuple[Kind, bytes, float]] = deque()
        """What may not leave yet, oldest first; to be looked at, not changed."""

    @property
    def waiting(self) -> bool:
        """Whether something is still queued."""
        return bool(self.queue)

    @property
    def end(self) -> float:
        """When the clock's listener will have played all that has been sent."""
        return self._end

    def played_by(self, now: float, pending: float = 0.0) -> float:
        """When the real listener will have played all that has been sent, by what is known now: at
        most `PATIENCE` after `end`. `pending` as in `heard`.
        """
        patience = self._end + PATIENCE
        end = max(self._end + self._heard.lag, now + pending)
        return patience if end <= now and self._heard.waits else min(end, patience)

    def passes(self, duration: float, now: float) -> bool:
        """Whether a piece may leave at once; if so it counts as sent."""
        if self.queue:
            return False
        end = self._end
        if end <= now:
            if self._heard.lag:
                self._heard.paused(self._given, end - now)
            self._end = now + duration
        elif end + duration - now <= self._lead + _SLACK:
            self._end = end + duration
        else:
            return False
        self._given += duration
        return True

    def push(self, kind: Kind, payload: bytes, duration: float) -> None:
        """Queue a piece, or with duration 0 a message that must keep its place among them."""
        if not self.queue:
            self._queued = 0.0  # the rounding of earlier sums must not stay
        self.queue.append((kind, payload, duration))
        self._queued += duration

    def due(self, now: float) -> list[tuple[Kind, bytes]]:
        """Take what may leave by now."""
        leaving: list[tuple[Kind, bytes]] = []
        queue = self.queue
        while queue:
            kind, payload, duration = queue[0]
            start = max(self._end, now)
            ahead = start + duration - now
            if duration and self._end > now and ahead > self._lead + _SLACK:
                break
            if duration:
                if self._end < now:
                    self._heard.paused(self._given, self._end - now)
                self._end = start + duration
                self._given += duration
                self._queued = max(0.0, self._queued - duration)
            queue.popleft()
            leaving.append((kind, payload))
        return leaving

    def deadline(self) -> float:
        """When the first piece of the queue may leave; inf when nothing is queued."""
        if not self.queue:
            return float("inf")
        duration = self.queue[0][2]
        return min(self._end, self._end + duration - self._lead)

    @property
    def given(self) -> float:
        """Seconds of sound sent or queued so far."""
        return self._given + self._queued if self.queue else self._given

    def heard(self, now: float, pending: float = 0.0) -> float:
        """Seconds of sound that the listener has heard by now, when `pending` of what was sent is
        known not to have left this end.
        """
        return self._heard.seconds(self._given, self._end - now, pending)

    def mark(self, now: float) -> str | None:
        """Set a mark behind all sound given so far; its name, or None while too many wait."""
        return self._heard.mark(self.given, self._end + (self.given - self._given), now)

    def reached(self, name: str, now: float) -> None:
        """A mark was answered."""
        self._heard.answer(name, self._given, self._end - now, now)

    def clear(self) -> None:
        """Forget the queue: nothing more is sent."""
        self.queue.clear()
        self._queued = 0.0

    def drop(
        self, now: float, pending: float = 0.0
    ) -> tuple[Interruption, list[tuple[Kind, bytes]]]:
        """Interrupt: forget the queued sound. Returns what was cut off, and the control
        messages that were queued among it, which must still be sent.
        """
        heard = self.heard(now, pending)
        dropped = self._given - heard + self._queued
        kept = [(kind, payload) for kind, payload, duration in self.queue if not duration]
        self.clear()
        self._given = heard
        self._end = min(self._end, now)
        self._heard.cut()
        return Interruption(heard=heard, dropped=max(0.0, dropped)), kept
