"""A call over a real socket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio

from antiphon import Call, Stream, connect
from tests.handlers.conversing import RATE

__all__ = ("live",)


@asynccontextmanager
async def live(handler: Any) -> AsyncGenerator[tuple[Stream, Call]]:
    """A call over a real socket: paced, as interruptions need it."""
    stream = Stream(handler)
    port: list[int] = []
    ready = anyio.Event()

    def listening(number: int) -> None:
        port.append(number)
        ready.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(stream.serve, port=0, ready=listening, grace=0))
        await ready.wait()
        url = f"ws://127.0.0.1:{port[0]}/websocket/offer"
        async with connect(url, encoding="audio/pcm", sample_rate=RATE) as call:
            yield stream, call
        tasks.cancel_scope.cancel()
