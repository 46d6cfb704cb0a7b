"""Classic handlers that hear and say nothing, at 8 kHz both ways."""

import asyncio
from typing import Any

from antiphon import Stream
from antiphon.handlers.stream_handler import AsyncStreamHandler, StreamHandler
from antiphon.handlers.waiting import wait_for_item

RATE = 8000


class Idle(StreamHandler):
    """Methods that block; `emit` has nothing each time it is asked."""

    def copy(self) -> "Idle":
        return Idle()

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> None: ...


class AsyncIdle(AsyncStreamHandler):
    """Coroutines; `emit` waits for an item as FastRTC's documents have it."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def copy(self) -> "AsyncIdle":
        return AsyncIdle()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        return await wait_for_item(self._queue)


_RATES: Any = {"input_sample_rate": RATE, "output_sample_rate": RATE}

sync = Stream(Idle(), concurrency_limit=None, **_RATES)
later = Stream(AsyncIdle(), concurrency_limit=None, **_RATES)
