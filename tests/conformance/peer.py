"""The client's place in a script: it says what it is told to, right or wrong, and hears."""

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import anyio
import pytest

from tests.conformance.trace import Closed, Item, Sound, pong

__all__ = ("Inbox", "Mailbox", "Peer", "Wire")

PATIENCE = 5.0  # seconds until a script that hears nothing fails


T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue without a bound, for one reader. An async iterator over what is put until it ends."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._ended = False
        self._changed = anyio.Event()

    def put(self, item: T) -> None:
        """Add an item."""
        self._items.append(item)
        self._changed.set()

    def end(self) -> None:
        """Nothing more is put."""
        self._ended = True
        self._changed.set()

    async def take(self) -> T:
        """The next item. Raises anyio.EndOfStream after the last."""
        while not self._items:
            if self._ended:
                raise anyio.EndOfStream
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._items.popleft()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            try:
                yield await self.take()
            except anyio.EndOfStream:
                return


Inbox = Mailbox[Item]
"""What was heard and not yet looked at."""


class Wire(Protocol):
    """How a transport carries what a peer says."""

    async def text(self, payload: bytes) -> None:
        """Say one message as text, well-formed or not."""
        ...

    async def samples(self, payload: bytes) -> None:
        """Say one message of raw samples."""
        ...

    async def vanish(self) -> None:
        """Be gone without a word."""
        ...


class Peer:
    """A wire and what came over it."""

    def __init__(self, wire: Wire, inbox: Inbox, *, codes: bool = True) -> None:
        self._wire = wire
        self._inbox = inbox
        self._codes = codes
        self.text = wire.text
        self.samples = wire.samples
        self.vanish = wire.vanish

    async def say(self, *messages: Mapping[str, Any]) -> None:
        """Say messages, one after the other."""
        for message in messages:
            await self._wire.text(json.dumps(message).encode())

    async def hear(self, *expected: Item) -> None:
        """Exactly these items come next."""
        for item in expected:
            try:
                actual = await self.next()
            except (TimeoutError, anyio.EndOfStream) as nothing:
                raise AssertionError(f"{type(nothing).__name__} instead of {item}") from nothing
            if actual != item:
                raise AssertionError(f"{actual} instead of {item}")

    async def hear_sound(self, payload: bytes, *, binary: bool = False) -> None:
        """Exactly this sound comes next, in whatever pieces."""
        came = b""
        while len(came) < len(payload):
            item = await self.next()
            assert isinstance(item, Sound), f"{item} instead of sound"
            assert item.binary == binary
            came += item.payload
        assert came == payload

    async def next(self) -> Item:
        """Whatever comes next. Raises TimeoutError, and anyio.EndOfStream after the last."""
        with anyio.fail_after(PATIENCE):
            return await self._inbox.take()

    async def ended(self, code: int) -> None:
        """The link is closed, with this code where it has codes, and nothing came between."""
        await self.hear(Closed(code if self._codes else None))
        with pytest.raises(anyio.EndOfStream):
            await self.next()

    async def answers(self) -> None:
        """The call lives, and nothing was heard that was not looked at."""
        await self.say({"event": "ping"})
        await self.hear(pong)
