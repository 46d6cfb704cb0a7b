"""The growing buffer of one turn."""

import numpy as np

from .frames import Samples

__all__ = ("TurnBuffer",)

_FIRST_CAPACITY = 4096  # samples, 8 KiB: a quarter of a second at 16 kHz


class TurnBuffer:
    """The samples of one turn, int16, at most `max_samples` of them.

    An empty buffer holds no memory; a filling one doubles, so that a sample is moved about once.
    ValueError for a `max_samples` below 1.
    """

    def __init__(self, max_samples: int) -> None:
        if max_samples < 1:
            raise ValueError(f"max_samples is {max_samples}; it must be at least 1")
        self._max_samples = max_samples
        self._data: Samples = np.empty(0, np.int16)
        self._start = 0
        self._end = 0

    def __len__(self) -> int:
        """The number of samples held."""
        return self._end - self._start

    def append(self, samples: Samples) -> int:
        """Copy int16 samples of shape (n,) to the end.

        What would exceed `max_samples` is not taken; returns how many samples that were.
        TypeError for another dtype, ValueError for another shape.
        """
        if samples.dtype != np.int16:
            raise TypeError(f"samples are {samples.dtype}; a turn holds int16")
        if samples.ndim != 1:
            raise ValueError(f"samples have shape {samples.shape}; a turn holds (n,)")
        taken = min(len(samples), self._max_samples - len(self))
        self._make_room(taken)
        self._data[self._end : self._end + taken] = samples[:taken]
        self._end += taken
        return len(samples) - taken

    def tail(self, n: int) -> Samples:
        """A read-only view of the newest n samples, of all if there are fewer.

        Good until the next `append`. ValueError for a negative n.
        """
        view = self._data[self._end - self._at_most(n) : self._end]
        view.flags.writeable = False
        return view

    def keep_last(self, n: int) -> None:
        """Drop all but the newest n samples. ValueError for a negative n."""
        self._start = self._end - self._at_most(n)

    def take(self) -> Samples:
        """Hand over the samples, shape (n,), without a copy, and start anew.

        The array is the caller's from then on; the buffer never touches it again.
        """
        turn = self._data[self._start : self._end]
        self._data = np.empty(0, np.int16)
        self._start = self._end = 0
        return turn

    def _at_most(self, n: int) -> int:
        if n < 0:
            raise ValueError(f"n is {n}; it must not be negative")
        return min(n, len(self))

    def _make_room(self, count: int) -> None:
        if self._end + count <= len(self._data):
            return
        held = len(self)
        needed = held + count
        # Moving within less than half of the array leaves as much room as was moved: what
        # `keep_last` costs stays in proportion to what is appended.
        data = self._data if 2 * needed <= len(self._data) else self._grown(needed)
        data[:held] = self._data[self._start : self._end]
        self._data, self._start, self._end = data, 0, held

    def _grown(self, needed: int) -> Samples:
        capacity = max(2 * len(self._data), _FIRST_CAPACITY)
        while capacity < needed:
            capacity *= 2
        return np.empty(capacity, np.int16)
