"""Raw WebSockets: a link over any frame engine, on an `asyncio.BufferedProtocol`.

The read path is bare asyncio because it pays: anyio's socket streams cost as much as all the rest
of a frame's way together (107 against 39 µs at 200 sessions; benchmarks/websocket_sessions.py).
Buffered, because asyncio otherwise takes 256 KiB from the allocator for every read of 260 bytes.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..core.errors import LocalProtocolError, RemoteProtocolError
from ..core.wire import Kind, parse_close
from .frame_engine import EngineState, FrameEngine, FrameError
from .per_loop import per_loop

__all__ = ("Receiver", "WebSocketLink")

MAX_OUTBOUND = 1024 * 1024  # bytes that may wait for a client that does not read
CLOSE_TIMEOUT = 5.0  # seconds for the peer's half of the closing handshake
READ = 64 * 1024  # bytes of one read at most

_TEXT, _BINARY = Kind.TEXT, Kind.BINARY

# One for all connections of a loop: each takes what was read before the next can read.
_read_buffer = per_loop(lambda: memoryview(bytearray(READ)))


class Receiver(Protocol):
    """What a link hands its messages to: the driver of a call, or what stands in for one."""

    def feed(self, kind: Kind, payload: bytes, now: float) -> None:
        """One whole message or control frame."""
        ...

    def broken(self, error: RemoteProtocolError) -> None:
        """The peer broke the framing; the link is about to close."""
        ...

    def resumed(self) -> None:
        """The link may be written to again."""
        ...

    def lost(self, reason: str) -> None:
        """The link is gone."""
        ...


class WebSocketLink(asyncio.BufferedProtocol):
    """One WebSocket after its handshake; implements `antiphon.core.ports.Link`.

    `gone` is called once, when the socket is closed. A client that leaves more than `max_outbound`
    bytes unread is hung up on.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        engine: FrameEngine,
        peer: str,
        gone: Callable[[], None] = lambda: None,
        max_outbound: int = MAX_OUTBOUND,
    ) -> None:
        self._transport = transport
        self._write = transport.write
        self._engine = engine
        self._receive = engine.receive
        self._peer = peer
        self._gone = gone
        self._max_outbound = max_outbound
        self._driver: Receiver | None = None
        self._time = asyncio.get_running_loop().time
        self._buffer = _read_buffer()
        self._paused = False
        self._broken = False
        self._close_timer: asyncio.TimerHandle | None = None

    def attach(self, driver: Receiver, trailing: bytes = b"") -> None:
        """Start: messages go to this driver. `trailing` came behind the handshake."""
        self._driver = driver
        self._transport.set_protocol(self)
        if trailing:
            self._take_data(trailing)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._take_data(bytes(self._buffer[:nbytes]))

    def _take_data(self, data: bytes) -> None:
        driver = self._driver
        if driver is None:
            return
        now = self._time()
        try:
            messages = self._receive(data)
        except FrameError as error:
            for kind, payload in error.received:
                self._take(driver, kind, payload, now)
            self._fail(driver, error)
            return
        for kind, payload in messages:
            if kind is _TEXT or kind is _BINARY:
                driver.feed(kind, payload, now)
            else:
                self._take(driver, kind, payload, now)

    def _take(self, driver: Receiver, kind: Kind, payload: bytes, now: float) -> None:
        if kind is Kind.PING and self._engine.state is EngineState.OPEN:
            self._put(self._engine.pong(payload))
        elif kind is Kind.CLOSE and self._engine.state is EngineState.CLOSING:
            # RFC 6455 section 5.5.1: the answer typically echoes the code.
            code, _ = parse_close(payload)
            self._transport.write(self._engine.close(1000 if code == 1005 else code))
        driver.feed(kind, payload, now)
        if kind is Kind.CLOSE:
            self._finish()

    def _fail(self, driver: Receiver, error: FrameError) -> None:
        self._broken = True
        driver.broken(error)
        self.close(error.code, error.reason)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._driver is not None:
            self._driver.resumed()

    def eof_received(self) -> None:
        # Who has left may never read the rest; TLS tells the end after the connection's own, too.
        if self._driver is not None:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._driver is not None:
            driver, self._driver = self._driver, None
            driver.lost(
                "the connection was lost" if exc is None else f"the connection failed: {exc}"
            )
        self._gone()

    @property
    def peer(self) -> str:
        return self._peer

    @property
    def writable(self) -> bool:
        return not self._paused

    @property
    def gone(self) -> bool:
        """Whether nothing can be written any more; uvloop raises where asyncio passes it over."""
        return self._transport.is_closing()

    @property
    def unread(self) -> int:
        """Bytes that wait for the client to read."""
        return 0 if self.gone else self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Leave what the client sends where it is."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def send_text(self, payload: bytes) -> None:
        try:
            data = self._engine.text(payload)
        except LocalProtocolError:
            return  # the peer's goodbye came in the same read as what this answers
        self._put(data)

    def send_binary(self, payload: bytes) -> None:
        try:
            data = self._engine.binary(payload)
        except LocalProtocolError:
            return  # as above
        self._put(data)

    def ping(self) -> None:
        if self._engine.state is EngineState.OPEN:
            self._put(self._engine.ping())

    def close(self, code: int, reason: str) -> None:
        if self._driver is None:
            return  # the connection is lost already
        if self._engine.state is EngineState.OPEN:
            # 1005 and 1006 only describe, they are never sent (RFC 6455 section 7.4.1).
            self._transport.write(
                self._engine.close(1000 if code in (1005, 1006) else code, reason)
            )
        if self._engine.state is EngineState.CLOSED:
            self._finish()
        else:
            self._watch()

    def _finish(self) -> None:
        """Both halves of the closing handshake are done, or the peer cannot be talked to."""
        if self._paused:
            self._transport.abort()
            return
        if self._broken and self._transport.can_write_eof():
            # Closing with bytes unread would reset the connection, and the peer would lose what it
            # is told (RFC 6455 section 7.1.1): the deaf engine reads on until the peer closes.
            self._transport.write_eof()
        else:
            self._transport.close()
        self._watch()

    def _watch(self) -> None:
        """Bound what is left to the peer: its half of the closing handshake, reading the rest."""
        if self._close_timer is None:
            loop = asyncio.get_running_loop()
            self._close_timer = loop.call_later(CLOSE_TIMEOUT, self._transport.abort)

    def _put(self, data: bytes) -> None:
        self._write(data)
        if self._paused and self._transport.get_write_buffer_size() > self._max_outbound:
            # A client that asks without reading: nothing can be told to it any more.
            self._transport.abort()
