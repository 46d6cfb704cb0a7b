"""How connections share one event loop when they bring more sound than they can speak.

A message may hold minutes of sound, and a client may send one behind the other. Live streams use
up to 1 % of a core and never wait here. What takes more than a quarter of one goes in turns: one
piece of all of those in each round of the loop, so that a round stays short however many they are.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from .per_loop import per_loop

__all__ = ("Share",)

SLICE = 0.004  # seconds of work at once, before turns are taken
RATE = 0.25  # of a core: what a connection may use all the time
AROUND = 0.00003  # seconds beside a piece: a message is taken from the wire, its answer put on it

_turn = per_loop(anyio.Lock)


class Share:
    """What one connection has used of its share."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._used = 0.0
        self._since = self._time()

    @asynccontextmanager
    async def piece(self) -> AsyncGenerator[None]:
        """Around a piece of work that does not wait; entering may, until it is this one's turn."""
        began = self._time()
        self._used = max(0.0, self._used - RATE * (began - self._since))
        if self._used > SLICE:
            async with _turn():
                await anyio.lowlevel.checkpoint()
            began = self._time()
        try:
            yield
        finally:
            self._since = self._time()
            self._used += self._since - began + AROUND
