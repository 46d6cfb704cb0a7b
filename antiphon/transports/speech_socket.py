"""A speech endpoint's wire on our own server: what a `WebSocketLink` pushes, to be pulled."""

import asyncio
import socket
from collections import deque

from ..core.errors import RemoteProtocolError
from ..core.wire import Kind
from .websocket import WebSocketLink

__all__ = ("SocketWire", "keep_alive")

MAX_UNHEARD = 1024 * 1024  # bytes received and not yet heard, then reading pauses
_OVERHEAD = 64  # bytes that the smallest message takes in memory


class SocketWire:
    """A `SpeechWire`, and the `Receiver` of its link.

    Reading pauses while the server is behind with its own work, never because answers wait: who
    sends all before reading any would wait for ever.
    """

    def __init__(self, link: WebSocketLink) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._messages: deque[tuple[Kind, bytes]] = deque()
        self._size = 0
        self._paused = False
        self._over = False
        self._waiter: asyncio.Future[None] | None = None

    async def receive(self) -> tuple[Kind, bytes] | None:
        while not self._messages and not self._over:
            self._waiter = self._loop.create_future()
            await self._waiter
        if self._over:
            return None
        message = self._messages.popleft()
        self._size -= len(message[1]) + _OVERHEAD
        if self._paused and self._size <= MAX_UNHEARD // 2:
            self._paused = False
            self._link.resume_reading()
        return message

    def send_text(self, payload: bytes) -> None:
        if not self._over and not self._link.gone:  # it may have left while it was heard
            self._link.send_text(payload)

    @property
    def unread(self) -> int:
        return self._link.unread

    @property
    def over(self) -> bool:
        return self._over

    def close(self, code: int, reason: str) -> None:
        if self._over:
            return
        self._finish()
        if not self._link.gone:
            self._link.close(code, reason)

    def feed(self, kind: Kind, payload: bytes, now: float) -> None:
        if self._over:
            return
        if kind is Kind.CLOSE:
            # Nobody reads what is still to be answered.
            self._finish()
        elif kind is Kind.TEXT or kind is Kind.BINARY:
            self._messages.append((kind, payload))
            self._size += len(payload) + _OVERHEAD
            if self._size > MAX_UNHEARD and not self._paused:
                self._paused = True
                self._link.pause_reading()
            self._wake()

    def broken(self, error: RemoteProtocolError) -> None:
        self._finish()

    def resumed(self) -> None:
        """Nothing waits for this: what may be unread is bounded by the call."""

    def lost(self, reason: str) -> None:
        self._finish()

    def _finish(self) -> None:
        """There is nobody to answer to any more; what still comes is thrown away."""
        self._over = True
        self._messages.clear()
        if self._paused:
            self._paused = False
            self._link.resume_reading()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def keep_alive(transport: asyncio.Transport) -> None:
    """Let the system find out that a silent client is gone. Pings would end clients that are well:
    those that send all their sound before they read do not answer any meanwhile.
    """
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
