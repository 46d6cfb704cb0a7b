"""Waiting for a queue, but not for long."""

import asyncio
from typing import TypeVar

import anyio

__all__ = ("wait_for_item",)

T = TypeVar("T")


async def wait_for_item(queue: asyncio.Queue[T], timeout: float = 0.1) -> T | None:
    """The next item of a queue, or None when there is none within `timeout` seconds. An item that
    comes with the time-out stays in the queue.
    """
    # Not asyncio.wait_for: in Python 3.11 it may take the item and raise TimeoutError all the same.
    with anyio.move_on_after(timeout):
        return queue.get_nowait() if not queue.empty() else await queue.get()
    return None
