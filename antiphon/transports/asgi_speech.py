"""A speech endpoint's wire behind an ASGI server."""

import asyncio
import logging
from collections import deque

import anyio

from ..core.wire import Kind, close_payload
from .asgi_scope import Message, Receive, Send
from .speech_call import SpeechCall

__all__ = ("AsgiSpeechWire", "serve_speech")

log = logging.getLogger("antiphon")

CLOSE_TIMEOUT = 5.0  # seconds for what is left to be sent


class AsgiSpeechWire:
    """A `SpeechWire`. Answers wait in a queue for the one task that calls the server's `send`, so
    that a client that does not read keeps nobody from hearing it.
    """

    def __init__(self, receive: Receive, send: Send, max_message: int) -> None:
        self._pull = receive
        self._push = send
        self._max_message = max_message
        self._queue: deque[Message] = deque([{"type": "websocket.accept"}])
        self._unread = 0
        self._over = False
        self.closed = False
        """Whether this side has closed."""
        self._more: asyncio.Future[None] | None = None

    async def receive(self) -> tuple[Kind, bytes] | None:
        if self._over:
            return None
        message = await self._pull()
        if message["type"] == "websocket.disconnect":
            self._over = True
            return None
        text = message.get("text")
        kind = Kind.BINARY if text is None else Kind.TEXT
        payload: bytes = message["bytes"] if text is None else text.encode("utf-8", "surrogatepass")
        if len(payload) > self._max_message:
            self.close(1009, f"a message has at most {self._max_message} bytes")
            return None
        return kind, payload

    def send_text(self, payload: bytes) -> None:
        self._unread += len(payload)
        self._put({"type": "websocket.send", "text": payload.decode()})

    @property
    def unread(self) -> int:
        return self._unread

    @property
    def over(self) -> bool:
        return self._over

    def close(self, code: int, reason: str) -> None:
        if not self._over:
            fitting = close_payload(code, reason)[2:].decode()
            self._put({"type": "websocket.close", "code": code, "reason": fitting})
            self._over = self.closed = True

    def _put(self, message: Message) -> None:
        self._queue.append(message)
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def write(self) -> None:
        """Send what waits, in order, up to a close."""
        kind = ""
        try:
            while kind != "websocket.close":
                if not self._queue:
                    self._more = asyncio.get_running_loop().create_future()
                    await self._more
                message = self._queue.popleft()
                kind = message["type"]
                await self._push(message)
                self._unread -= len(message.get("text") or "")
        except (OSError, RuntimeError) as error:
            # RuntimeError: uvicorn's, for sending behind a close that it has sent by itself.
            log.debug("a client takes no more: %r", error)
            self._over = True


async def serve_speech(call: SpeechCall, receive: Receive, send: Send, max_message: int) -> None:
    """One WebSocket whose handshake is to be accepted, to its end."""
    wire = AsgiSpeechWire(receive, send, max_message)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wire.write)
        await call.run(wire)
        await call.release()  # others need not wait until this client has read
        if wire.closed:
            tasks.cancel_scope.deadline = anyio.current_time() + CLOSE_TIMEOUT
        else:
            tasks.cancel_scope.cancel()
