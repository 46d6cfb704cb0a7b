"""Calls over HTTP: requests in, server-sent events out."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio
import msgspec

from ..core.dialects.event_stream import COMMENT, COMMENT_INTERVAL, frame, gap
from ..core.ring import Position, Ring
from ..core.wire import Kind
from .driver import Driver
from .scheduler import scheduler

__all__ = ("HttpCalls", "HttpLink")

EVENTS = 512  # about ten seconds of audio
EVENT_BYTES = 1024 * 1024
LINGER = 10.0  # seconds for a listener to hear the end of a call that is over
MAX_LINGERING = 64


class HttpLink:
    """What a call over HTTP says waits in a ring for whoever listens; implements
    `antiphon.core.ports.Link`.
    """

    def __init__(self, epoch: int, peer: str) -> None:
        self._peer = peer
        self._ring: Ring[bytes] = Ring(epoch, EVENTS, EVENT_BYTES)
        self._changed: anyio.Event | None = None
        self._listener = 0
        self._ended: tuple[int, str] | None = None
        self.driver: Driver
        self.over: Callable[[], None] = lambda: None
        """Called once, when the call is over."""

    @property
    def peer(self) -> str:
        return self._peer

    @property
    def writable(self) -> bool:
        return True

    def send_text(self, payload: bytes) -> None:
        self._ring.append(payload, len(payload))
        self._tell()

    def send_binary(self, payload: bytes) -> None:
        raise AssertionError("a session over HTTP is set up without binary messages")

    def ping(self) -> None:
        """Nothing to do: an event stream that nobody reads shows itself by being closed."""

    def close(self, code: int, reason: str) -> None:
        self._ended = (code, reason)
        self._tell()
        self.over()

    def _tell(self) -> None:
        if self._changed is not None:
            changed, self._changed = self._changed, None
            changed.set()

    async def listen(self, after: Position | None) -> AsyncGenerator[bytes]:
        """The event stream from a position on. A later listener ends the one before it."""
        self._listener += 1
        listener = self._listener
        self._tell()
        self.driver.session.present(anyio.current_time())
        try:
            async with aclosing(self._events(listener, after)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            if self._listener == listener:
                self._listener += 1
                self.driver.absent()

    async def _events(self, listener: int, after: Position | None) -> AsyncGenerator[bytes]:
        position, missed = self._ring.resume(after)
        if missed and after is not None:
            yield gap(position)
        while True:
            ended = self._ended
            if position < self._ring.start:
                position = self._ring.start
                yield gap(position)
            items = self._ring.since(position)
            if items:
                position = Position(self._ring.epoch, items[-1][0].offset + 1)
                yield b"".join(frame(item, position=at) for at, item in items)
            elif ended is not None:
                code, reason = ended
                yield frame(msgspec.json.encode({"code": code, "reason": reason}), event="end")
                return
            elif self._listener != listener:
                return
            elif not await self._wait():
                yield COMMENT

    async def _wait(self) -> bool:
        """Wait for something to say; False when it is time for a comment."""
        if self._changed is None:
            self._changed = anyio.Event()
        changed = self._changed
        with anyio.move_on_after(COMMENT_INTERVAL):
            await changed.wait()
        return changed.is_set()


class HttpCall:
    """One call over HTTP, as the routes find it."""

    def __init__(self, calls: "HttpCalls", call_id: str, token: str, link: HttpLink) -> None:
        self._calls = calls
        self.id = call_id
        self.token = token
        self.link = link
        self.uploads: set[anyio.CancelScope] = set()
        """The requests that feed it now; the end of the call ends them."""
        self.expiry = 0

    def feed(self, kind: Kind, payload: bytes) -> None:
        """Hand one message of a request's body to the session."""
        self.link.driver.feed(kind, payload, anyio.current_time())

    def wake(self, now: float) -> None:
        """The linger time after the end is over."""
        self._calls.remove(self)


class HttpCalls:
    """The calls over HTTP by id, and for a short time those that are over, so that a listener
    hears how. Bounded: the oldest of more than 64 that are over goes.
    """

    def __init__(self) -> None:
        self._calls: dict[str, HttpCall] = {}
        self._over: dict[str, HttpCall] = {}

    def add(self, call_id: str, token: str, link: HttpLink) -> HttpCall:
        """A call has been admitted."""
        self._over.pop(call_id, None)
        call = self._calls[call_id] = HttpCall(self, call_id, token, link)
        link.over = lambda: self._ended(call)
        return call

    def _ended(self, call: HttpCall) -> None:
        """A call is over; its events stay for a moment."""
        del self._calls[call.id]
        self._over[call.id] = call
        for scope in call.uploads:
            scope.cancel()
        call.expiry = scheduler().at(anyio.current_time() + LINGER, call)
        if len(self._over) > MAX_LINGERING:
            oldest = self._over.pop(next(iter(self._over)))
            scheduler().cancel(oldest.expiry, oldest)

    def remove(self, call: HttpCall) -> None:
        """Forget a call that is over."""
        if self._over.get(call.id) is call:
            del self._over[call.id]

    def look_up(self, call_id: str) -> HttpCall | None:
        """The call with this id, live or just over."""
        return self._calls.get(call_id) or self._over.get(call_id)
