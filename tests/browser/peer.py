"""A server that says what a test tells it to, for what no well-behaved server shows at will."""

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from antiphon.core.audio.g711 import mulaw_encode

__all__ = ("FRAMES_PER_SECOND", "Peer", "peer")

FRAMES_PER_SECOND = 50
FORMAT = {"encoding": "audio/x-mulaw", "sample_rate": 24000}


class Peer:
    """One accepted call."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def say(self, **message: Any) -> None:
        """Send one message."""
        await self._socket.send(json.dumps(message))

    async def hear(self, event: str) -> dict[str, Any]:
        """Wait for a message of this name; answers pings, passes over the rest."""
        async for text in self._socket:
            message: dict[str, Any] = json.loads(text)
            if message["event"] == event:
                return message
            if message["event"] == "ping":
                await self.say(event="pong")
        raise AssertionError(f"the client left before it said {event!r}")

    async def accept(self) -> dict[str, Any]:
        """Wait for `start` and answer it."""
        start = await self.hear("start")
        await self.admit()
        return start

    async def ping(self) -> None:
        """Wait for the first ping, and leave it unanswered."""
        async for text in self._socket:
            if json.loads(text) == {"event": "ping"}:
                return
        raise AssertionError("the client left before it asked for an answer")

    async def admit(self) -> None:
        """Answer a `start`."""
        await self.say(event="started", media_format=FORMAT, token="a token")

    async def play(self, seconds: int) -> None:
        """Send a tone all at once."""
        times = np.arange(480) / 24000
        tone = (10000 * np.sin(2 * np.pi * 500 * times)).astype("<i2").tobytes()
        payload = base64.b64encode(mulaw_encode(tone)).decode()
        for _ in range(seconds * FRAMES_PER_SECOND):
            await self.say(event="media", media={"payload": payload})

    async def mark(self, name: str) -> None:
        """Ask to be told when all that was sent before has been played."""
        await self.say(event="mark", mark={"name": name})

    async def left(self) -> None:
        """Wait until the call is over, whoever ends it."""
        await self._socket.wait_closed()

    async def close(self, code: int) -> None:
        """Close with this code."""
        await self._socket.close(code)


@asynccontextmanager
async def peer(script: Callable[[Peer], Awaitable[None]]) -> AsyncGenerator[str, None]:
    """A WebSocket server that runs `script` for each call; gives the base of its routes."""

    async def run(socket: ServerConnection) -> None:
        await script(Peer(socket))

    async with serve(run, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
