"""Streams served for WebRTC, and what they hold: peer connections, tasks, sockets."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import anyio
import httpx
import pytest
from aiortc import RTCPeerConnection

from antiphon import Handler, Stream
from tests.transports.serving import WatchedDirectory, client_for, serving

__all__ = ("Holdings", "Scene", "failed", "held", "on_webrtc")

PATIENCE = 5.0  # seconds

_made: WeakSet[RTCPeerConnection] = WeakSet()
_make = RTCPeerConnection.__init__


def _noted(self: RTCPeerConnection, *args: Any, **options: Any) -> None:
    """Peer connections are noted as they are made: to search all objects for them takes 0.4 s."""
    _made.add(self)
    _make(self, *args, **options)


RTCPeerConnection.__init__ = _noted  # type: ignore[method-assign]


class Scene:
    """A stream that is served, a client of its routes, and its slots."""

    def __init__(
        self, stream: Stream, port: int, client: httpx.AsyncClient, slots: WatchedDirectory
    ) -> None:
        self.stream = stream
        self.client = client
        self.slots = slots
        self.url = f"http://127.0.0.1:{port}"
        self.webrtc = f"webrtc+{self.url}/webrtc/offer"

    async def post(self, body: Any) -> httpx.Response:
        """Ask `/webrtc/offer`."""
        return await self.client.post("/webrtc/offer", json=body)

    async def free(self) -> None:
        """Wait until no call is left."""
        with anyio.fail_after(PATIENCE):
            await self.slots.until(0)


@asynccontextmanager
async def on_webrtc(handler: Handler, **options: Any) -> AsyncGenerator[Scene]:
    """Serve a stream with these options."""
    slots = WatchedDirectory()
    stream = Stream(handler, directory=slots, **options)
    async with serving(stream) as port, client_for(port) as client:
        yield Scene(stream, port, client, slots)


class Holdings:
    """What this process holds at one moment."""

    def __init__(self) -> None:
        self.peers = sum(each.connectionState != "closed" for each in list(_made))
        self.tasks = len(asyncio.all_tasks())
        self.datagrams = sum(_is_datagram(path) for path in Path("/proc/self/fd").iterdir())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Holdings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is compared, never looked up

    def __repr__(self) -> str:
        return str(vars(self))


def _is_datagram(path: Path) -> bool:
    try:
        if not path.readlink().name.startswith("socket:"):
            return False
        with socket.socket(fileno=int(path.name)) as found:
            try:
                return found.type is socket.SOCK_DGRAM
            finally:
                found.detach()
    except OSError:  # closed between the listing and the look
        return False


async def held(expected: Holdings) -> None:
    """Wait until no more is held than this."""
    now = Holdings()
    try:
        with anyio.fail_after(PATIENCE):
            while (now := Holdings()) != expected:  # noqa: ASYNC110 - nothing tells of all these
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{now} is held instead of {expected}")


def failed(response: httpx.Response) -> tuple[int, str]:
    """Status and name of a refusal."""
    body = response.json()
    assert body["status"] == "failed"
    return response.status_code, body["meta"]["error"]
