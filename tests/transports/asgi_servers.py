"""ASGI servers that we did not write, run in the event loop of the test."""

import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, cast

import anyio
import hypercorn.asyncio
import uvicorn
from hypercorn.config import Config as HypercornConfig

__all__ = ("Served", "Serving", "on_hypercorn", "on_uvicorn")


class Served:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.http = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"
        self.stopping = anyio.Event()
        self.stopped = anyio.Event()


Serving = Callable[[Any], AbstractAsyncContextManager[Served]]


class _Uvicorn(uvicorn.Server):
    """Tells when it listens, and stops when it is told to.

    Its own main loop looks every 100 ms whether it shall stop. `wait_all_tasks_blocked` looks as
    often whether everybody waits: in step with each other, each finds the other awake for ever.
    """

    def __init__(self, config: uvicorn.Config, stopping: anyio.Event) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield  # an interrupt is for who runs the tests

    async def main_loop(self) -> None:
        await self.on_tick(0)  # makes the headers that each response has
        await self._stopping.wait()


def _listening_socket() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def on_uvicorn(app: Any, **options: Any) -> AsyncGenerator[Served]:
    """uvicorn with its default engines; `options` are its own."""
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, **options)
    listener = _listening_socket()
    served = Served(listener.getsockname()[1])
    server = _Uvicorn(config, served.stopping)

    async def run() -> None:
        await server.serve(sockets=[listener])
        served.stopped.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await server.listening.wait()
        try:
            yield served
        finally:
            served.stopping.set()


@asynccontextmanager
async def on_hypercorn(app: Any) -> AsyncGenerator[Served]:
    """hypercorn, which queues connections in the socket's backlog until it listens."""
    listener = _listening_socket()
    served = Served(listener.getsockname()[1])
    config = HypercornConfig()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    config.graceful_timeout = 0.2

    async def run() -> None:
        # Its types leave the parts of a WSGI application unknown.
        serve = cast("Any", hypercorn.asyncio.serve)  # pyright: ignore[reportUnknownMemberType]
        await serve(app, config, shutdown_trigger=served.stopping.wait)
        served.stopped.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        try:
            yield served
        finally:
            served.stopping.set()
