"""A bounded stream of items with positions, from which a reader may resume."""

from collections import deque
from itertools import islice
from typing import Generic, TypeVar

import msgspec

__all__ = ("Position", "Ring", "parse_position")

T = TypeVar("T")


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a ring: the ring's epoch, and how many items came before."""

    epoch: int
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"


def parse_position(text: str) -> Position:
    """`<epoch>-<offset>` as a position. Raises ValueError when it is anything else."""
    epoch, dash, offset = text.partition("-")
    if not (dash and epoch.isascii() and offset.isascii() and epoch.isdigit() and offset.isdigit()):
        raise ValueError(f"a position reads <epoch>-<offset>, two numbers, not {text[:40]!r}")
    if len(text) > 40:
        raise ValueError("a position has at most 40 characters")
    return Position(int(epoch), int(offset))


class Ring(Generic[T]):
    """The newest items of one stream, by position. When it is full the oldest item goes, and a
    reader that wanted it is told of the gap.

    Bounded by count and by the sum of sizes, whichever comes first; the newest item always stays.
    """

    __slots__ = ("_items", "_max_items", "_max_size", "_next", "_size", "epoch")

    def __init__(self, epoch: int, max_items: int, max_size: int = 1 << 62) -> None:
        self.epoch = epoch
        self._items: deque[tuple[T, int]] = deque()
        self._next = 0
        self._size = 0
        self._max_items = max_items
        self._max_size = max_size

    @property
    def end(self) -> Position:
        """The position that the next item will have."""
        return Position(self.epoch, self._next)

    @property
    def start(self) -> Position:
        """The position of the oldest item that is still here."""
        return Position(self.epoch, self._next - len(self._items))

    def append(self, item: T, size: int = 0) -> Position:
        """Add an item; returns its position."""
        position = self.end
        self._items.append((item, size))
        self._size += size
        self._next += 1
        while len(self._items) > self._max_items or (
            self._size > self._max_size and len(self._items) > 1
        ):
            self._size -= self._items.popleft()[1]
        return position

    def resume(self, after: Position | None) -> tuple[Position, bool]:
        """Where a reader goes on that has seen everything up to and including `after`.

        Returns the next position to read, and whether something was missed. None reads all that is
        here. A position of another epoch, or of the future, restarts at the oldest item.
        """
        oldest = self.start
        if after is None:
            return oldest, oldest.offset > 0
        wanted = after.offset + 1
        if after.epoch != self.epoch or not oldest.offset <= wanted <= self._next:
            return oldest, True
        return Position(self.epoch, wanted), False

    def since(self, position: Position) -> list[tuple[Position, T]]:
        """The items from `position` on, oldest first, each with its position: as they are now,
        whatever is added while the list is read.
        """
        first = max(position.offset, self.start.offset)
        items = islice(self._items, first - self.start.offset, None)
        return [
            (Position(self.epoch, offset), item) for offset, (item, _) in enumerate(items, first)
        ]

    @property
    def newest(self) -> T | None:
        """The last item, None while there is none."""
        return self._items[-1][0] if self._items else None
