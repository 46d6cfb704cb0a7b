"""A client's virtual listener: it plays what is received without a pause, and answers marks when
it comes to them.
"""

from math import inf

__all__ = ("MAX_MARKS", "Listener")

MAX_MARKS = 64  # a server that sets more without sound between them gets them answered at once


class Listener:
    """How far received sound reaches, and which marks stand in it. Bounded by `MAX_MARKS`."""

    __slots__ = ("_end", "_marks")

    def __init__(self) -> None:
        self._end = 0.0  # when all that was received will have been played
        self._marks: list[tuple[float, str]] = []

    def play(self, duration: float, now: float) -> None:
        """Sound was received: so many seconds."""
        self._end = max(self._end, now) + duration

    def mark(self, name: str, now: float) -> list[str]:
        """A mark was received. Returns the marks to answer now."""
        self._marks.append((self._end, name))
        return self.reached(inf if len(self._marks) > MAX_MARKS else now)

    def clear(self, now: float) -> list[str]:
        """Drop what was not played. Returns the marks to answer now: all of them."""
        self._end = now
        return self.reached(inf)

    def reached(self, now: float) -> list[str]:
        """Take the marks that have been played by now, oldest first."""
        count = 0
        while count < len(self._marks) and self._marks[count][0] <= now:
            count += 1
        reached, self._marks = self._marks[:count], self._marks[count:]
        return [name for _, name in reached]

    def deadline(self) -> float:
        """When the next mark is reached; inf when none waits."""
        return self._marks[0][0] if self._marks else inf
