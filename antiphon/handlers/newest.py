"""A place that holds one thing: the newest."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import anyio

__all__ = ("Newest",)

T = TypeVar("T")


class Newest(Generic[T]):
    """The newest item of a stream, for one reader; those that it did not take in time are
    forgotten. An async iterator without an end: end it with what fills it.
    """

    def __init__(self) -> None:
        self._item: deque[T] = deque(maxlen=1)
        self._came = anyio.Event()

    async def fill(self, source: AsyncIterator[T]) -> None:
        """Take all items of `source` as they come."""
        async for item in source:
            self._item.append(item)
            self._came.set()

    def __aiter__(self) -> "Newest[T]":
        return self

    async def __anext__(self) -> T:
        while not self._item:
            self._came = anyio.Event()
            await self._came.wait()
        return self._item.popleft()
