"""Servers that answer with fixed bytes, for the client's end."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.abc

from tests.transports.serving import RawClient

__all__ = ("answering", "silent")


async def silent(client: RawClient) -> None:
    """Reads and never answers."""
    await client.rest()


@asynccontextmanager
async def answering(serve: Callable[[RawClient], Awaitable[None]]) -> AsyncGenerator[int]:
    """A TCP server that runs `serve` for each connection and then closes it."""

    async def handle(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await serve(RawClient(stream))

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
