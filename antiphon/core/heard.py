"""What a listener has heard: reckoned by a clock, and made true by marks.

The clock is that of `playout.py`: a listener who plays everything without a delay. A real one is
behind it, by the network, by its own buffer, and for as long as it pauses. Marks tell by how much:

- An answered mark proves that the sound before it was heard. Between marks the listener is as far
  behind the clock as the two newest answers say that are later than it, the smaller of the two: one
  answer that was held up on its way says nothing, a listener that has fallen behind says it twice.
- A client that has answered once answers all: before the oldest mark that is unanswered it has not
  heard more. So a listener that pauses stops the reckoning, for however long.
- Nobody is ahead of the clock: an answer that comes early proves no more than the clock says.
- What was told once is not taken back: the reckoning stands still until the listener has caught up.

The time that an answer takes on its way counts as if the listener were that much later: what is
told is rather too little than too much.
"""

from collections import deque
from math import inf

import msgspec

__all__ = ("MAX_UNANSWERED", "PATIENCE", "Heard", "is_ours")

MAX_UNANSWERED = 64  # marks; a client that answers none costs no more than this
PATIENCE = 2.0  # seconds behind the clock that anybody waits for a listener

_PREFIX = "antiphon-"


def is_ours(name: str) -> bool:
    """Whether a mark's name is kept for this package."""
    return name.startswith(_PREFIX)


class _Mark(msgspec.Struct, gc=False):
    name: str
    position: float
    """Seconds of sound before it."""
    due: float
    """When the clock comes to it; inf for a mark that was set behind it: its answer tells that the
    sound was heard, but not when.
    """


class Heard:
    """Of one listener. `sent` is the seconds of sound that have left, `left` the seconds until the
    clock has played them, negative when that is past.
    """

    __slots__ = ("_answered", "_floor", "_marks", "_newest", "_set", "lag")

    def __init__(self) -> None:
        self.lag = 0.0
        """Seconds that the listener is behind the clock."""
        self._floor = 0.0  # what was proved, or told
        self._marks: deque[_Mark] = deque()  # unanswered, oldest first
        self._set = 0
        self._newest = inf  # the lag by the newest answer alone
        self._answered = False

    @property
    def waits(self) -> bool:
        """Whether a client that does answer marks has not answered all."""
        return self._answered and bool(self._marks)

    def seconds(self, sent: float, left: float, pending: float = 0.0) -> float:
        """Seconds of sound heard. `pending` of what is sent is known not to have left this end."""
        heard = sent - max(0.0, left + self.lag, pending)
        if self._answered and self._marks:
            heard = min(heard, self._marks[0].position)
        if heard > self._floor:
            self._floor = heard
        return self._floor

    def mark(self, position: float, due: float, now: float) -> str | None:
        """Set a mark; its name, or None while too many are unanswered."""
        if len(self._marks) == MAX_UNANSWERED:
            return None
        self._set += 1
        name = f"{_PREFIX}{self._set}"
        self._marks.append(_Mark(name, position, due if due > now else inf))
        return name

    def answer(self, name: str, sent: float, left: float, now: float) -> None:
        """A mark was answered. Names that nobody waits for are ignored."""
        at = next((n for n, mark in enumerate(self._marks) if mark.name == name), None)
        if at is None:
            return
        mark = self._marks[at]
        for _ in range(at + 1):
            self._marks.popleft()
        self._answered = True
        self._floor = max(self._floor, min(mark.position, sent - max(0.0, left)))
        if mark.due < inf:
            lag = max(0.0, now - mark.due)
            self.lag = min(lag, self._newest)
            self._newest = lag

    def paused(self, sent: float, left: float) -> None:
        """New sound leaves after the clock has run out: what follows `sent` is played that much
        later than was reckoned.
        """
        if self.lag:
            self.seconds(sent, left)
        for mark in self._marks:
            if mark.position > sent:
                mark.due -= left

    def cut(self) -> None:
        """The listener was told to drop what it has: answers say no longer that it has played."""
        self._marks.clear()
