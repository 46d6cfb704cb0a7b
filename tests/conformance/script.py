"""The server's place in a script: it says what it is told to, right or wrong, and hears."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import anyio

from tests.conformance.peer import PATIENCE, Inbox
from tests.conformance.trace import REFUSALS, Item, Told

__all__ = ("TOKEN", "ScriptedLink", "ServerWire")

TOKEN = "a-token-of-128-bits-xx"
FORMAT = {"encoding": "audio/pcm", "sample_rate": 8000}
STOP = Told({"event": "stop"})


class ServerWire(Protocol):
    """How a transport carries what a scripted server says. The first text answers the start."""

    async def text(self, payload: bytes) -> None:
        """Say one message as text."""
        ...

    async def samples(self, payload: bytes) -> None:
        """Say one message of raw samples."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close the link."""
        ...

    async def vanish(self) -> None:
        """Be gone without a word."""
        ...


class ScriptedLink:
    """A link that a client has opened."""

    def __init__(self, wire: ServerWire, inbox: Inbox) -> None:
        self._wire = wire
        self._inbox = inbox
        self.samples = wire.samples
        self.vanish = wire.vanish

    async def say(self, *messages: Mapping[str, Any]) -> None:
        """Say messages, one after the other."""
        for message in messages:
            await self._wire.text(json.dumps(message).encode())

    async def next(self) -> Item:
        """Whatever the client says next."""
        with anyio.fail_after(PATIENCE):
            return await self._inbox.take()

    async def hear(self, *expected: Item) -> None:
        """Exactly this is what the client says next."""
        for item in expected:
            actual = await self.next()
            if actual != item:
                raise AssertionError(f"{actual} instead of {item}")

    async def accept(self) -> None:
        """Hear the start, and say yes."""
        await self.next()
        await self.say({"event": "started", "media_format": FORMAT, "token": TOKEN})

    async def refuse(self, error: str, **meta: Any) -> None:
        """Hear the start, and say no."""
        await self.next()
        await self.say({"status": "failed", "meta": {"error": error, **meta}})
        await self._wire.close(REFUSALS[error][1], error)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the link."""
        await self._wire.close(code, reason)

    async def goodbye(self) -> None:
        """Hear the client's goodbye, and answer it."""
        await self.hear(STOP)
        await self.close(1000)
