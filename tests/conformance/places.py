"""Where a stream is served."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio.abc import TaskStatus

from antiphon import Stream
from antiphon.transports.asgi import AsgiApp
from tests.transports.asgi_servers import on_uvicorn

__all__ = ("Place", "asgi_server", "own_server", "this_process")

GRACE = 0.05  # seconds that calls get at shutdown


class Place:
    """A stream that is served: at `url`, or only in this process."""

    def __init__(self, stream: Stream, url: str) -> None:
        self.stream = stream
        self.url = url
        self._stop = anyio.Event()
        self._stopped = anyio.Event()

    async def shut_down(self) -> None:
        """Stop serving, as told from outside, and wait until that is done."""
        self._stop.set()
        await self._stopped.wait()

    async def until_told(self) -> None:
        """Wait for `shut_down`."""
        await self._stop.wait()

    def stopped(self) -> None:
        """Nothing is served any more."""
        self._stopped.set()


@asynccontextmanager
async def this_process(stream: Stream) -> AsyncGenerator[Place]:
    """Reachable in memory."""

    async def run(*, task_status: TaskStatus[Place]) -> None:
        place = Place(stream, "")
        async with stream.running(grace=GRACE):
            task_status.started(place)
            await place.until_told()
        place.stopped()

    async with anyio.create_task_group() as tasks:
        place = await tasks.start(run)
        yield place
        await place.shut_down()


@asynccontextmanager
async def own_server(stream: Stream) -> AsyncGenerator[Place]:
    """By our own HTTP server, on a free port of the loopback interface."""

    async def run(*, task_status: TaskStatus[Place]) -> None:
        places: list[Place] = []

        def ready(port: int) -> None:
            places.append(Place(stream, f"http://127.0.0.1:{port}"))
            task_status.started(places[0])
            serving.start_soon(stop)

        async def stop() -> None:
            await places[0].until_told()
            serving.cancel_scope.cancel()

        async with anyio.create_task_group() as serving:
            serving.start_soon(partial(stream.serve, port=0, grace=GRACE, ready=ready))
        places[0].stopped()

    async with anyio.create_task_group() as tasks:
        place = await tasks.start(run)
        yield place
        await place.shut_down()


@asynccontextmanager
async def asgi_server(stream: Stream) -> AsyncGenerator[Place]:
    """By uvicorn, through ASGI. It stops with the context; a script has no say in it."""
    async with on_uvicorn(AsgiApp(stream.asgi.routes, grace=GRACE)) as served:
        yield Place(stream, served.http)
