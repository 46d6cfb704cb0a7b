"""WebSockets behind an ASGI server: a reader that pulls, and one sender."""

import asyncio
import logging
from collections import deque
from typing import Any

import anyio

from ..core.errors import RemoteProtocolError
from ..core.session import SessionConfig
from ..core.signaling import Refusal
from ..core.wire import Kind, close_payload
from .asgi_scope import Message, Receive, Scope, Send, encode_headers
from .asgi_speech import serve_speech
from .driver import Driver
from .reception import Reception
from .requests import Denied, Request, Response
from .routes import Routes
from .speech_routes import SpeechRoutes

__all__ = ("MAX_OUTBOUND", "OUTBOUND", "AsgiLink", "serve_websocket")

log = logging.getLogger("antiphon")

OUTBOUND = 64  # messages that may wait for a client that reads slowly, then handlers wait
MAX_OUTBOUND = 1024  # of pongs, errors and sound that was given before; then it is hung up on
CLOSE_TIMEOUT = 5.0  # seconds for the server to tell that the socket is closed


class AsgiLink:
    """One WebSocket behind an ASGI server; implements `antiphon.core.ports.Link`.

    What it is given waits in a queue for the one task that calls the server's `send`.
    """

    def __init__(self, peer: str, send: Send) -> None:
        self._peer = peer
        self._send = send
        self._queue: deque[Message] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._over = False
        self._scope: anyio.CancelScope
        self._driver: Driver

    async def run(self, driver: Driver, receive: Receive, max_message: int) -> None:
        """Accept, then carry messages until the socket is closed. `driver` is told the end."""
        self._driver = driver
        self._queue.appendleft({"type": "websocket.accept"})
        end = (1006, "the connection was lost")
        try:
            async with anyio.create_task_group() as tasks:
                self._scope = tasks.cancel_scope
                tasks.start_soon(self._write)
                end = await self._read(receive, max_message)
                tasks.cancel_scope.cancel()
        finally:
            self._over = True
            code, reason = end
            if code == 1006:
                driver.lost(reason)
            else:
                payload = b"" if code == 1005 else close_payload(code, reason)
                driver.feed(Kind.CLOSE, payload, anyio.current_time())

    async def _read(self, receive: Receive, max_message: int) -> tuple[int, str]:
        """Hand on what comes; returns the code and reason of the end."""
        driver, time = self._driver, asyncio.get_running_loop().time
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code") or 1005, message.get("reason") or ""
            text = message.get("text")
            kind, payload = Kind.TEXT, b""
            if text is None:
                kind, payload = Kind.BINARY, message["bytes"]
            else:
                # A lone surrogate is not UTF-8: for the session to find.
                payload = text.encode("utf-8", "surrogatepass")
            if len(payload) > max_message:
                text = f"a message has at most {max_message} bytes"
                driver.broken(RemoteProtocolError(text, 1009))
            else:
                driver.feed(kind, payload, time())

    async def _write(self) -> None:
        """Send what waits, in order, up to a close."""
        queue, send = self._queue, self._send
        closing = False
        try:
            while not closing:
                if not queue:
                    await self._wait()
                message = queue.popleft()
                closing = message["type"] == "websocket.close"
                await send(message)
                if self._paused and len(queue) <= OUTBOUND // 2:
                    self._paused = False
                    self._driver.resumed()
        except (OSError, RuntimeError) as error:
            # RuntimeError: uvicorn's, for sending behind a close that it has sent by itself.
            log.debug("%s takes no more: %r", self._peer, error)
        # The disconnect that says how it ended is still to be received.
        self._over = True
        self._scope.deadline = anyio.current_time() + CLOSE_TIMEOUT

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _put(self, message: Message) -> None:
        if self._over:
            return
        self._queue.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        waiting = len(self._queue)
        if waiting > OUTBOUND:
            self._paused = True
            if waiting > MAX_OUTBOUND:
                # A client that asks without reading: nothing can be told to it any more.
                self._over = True
                self._scope.cancel()

    @property
    def peer(self) -> str:
        return self._peer

    @property
    def writable(self) -> bool:
        return not self._paused

    def send_text(self, payload: bytes) -> None:
        self._put({"type": "websocket.send", "text": payload.decode()})

    def send_binary(self, payload: bytes) -> None:
        self._put({"type": "websocket.send", "bytes": payload})

    def ping(self) -> None:
        """Nothing to do: ASGI servers ping by themselves."""

    def close(self, code: int, reason: str) -> None:
        # 1005 and 1006 only describe, they are never sent (RFC 6455 section 7.4.1); servers raise
        # for a reason that is too long for a frame.
        code = 1000 if code in (1005, 1006) else code
        fitting = close_payload(code, reason)[2:].decode()
        self._put({"type": "websocket.close", "code": code, "reason": fitting})


async def serve_websocket(
    routes: Routes,
    request: Request,
    config: SessionConfig,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """One WebSocket, from its handshake to its end."""
    if (await receive())["type"] != "websocket.connect":
        return
    if (speech := routes.speech(request.path)) is not None:
        await _serve_speech(speech, routes, request, scope, receive, send)
        return
    try:
        principal = await routes.admit_websocket(request)
    except Denied as denied:
        await deny(routes.refused(request, denied), denied.refusal, scope, send)
        return
    host = routes.host
    link = AsgiLink(request.peer, send)
    # Before anything is awaited, so that the limit of connecting calls holds.
    reception = Reception(host, link, transport="websocket", principal=principal, config=config)
    await link.run(reception.driver, receive, host.settings.max_message)


async def _serve_speech(
    speech: SpeechRoutes,
    routes: Routes,
    request: Request,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    try:
        call = await speech.admit(request)
    except Denied as denied:
        await deny(routes.refused(request, denied), denied.refusal, scope, send)
        return
    try:
        await serve_speech(call, receive, send, speech.max_message)
    finally:
        await call.release()


async def deny(response: Response, refusal: Refusal, scope: Scope, send: Send) -> None:
    """Refuse a handshake: with status and body where the server can, else it sends 403."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    if "websocket.http.response" not in extensions:
        await send({"type": "websocket.close", "code": refusal.kind.code, "reason": refusal.error})
        return
    await send(
        {
            "type": "websocket.http.response.start",
            "status": response.status,
            "headers": encode_headers(response),
        }
    )
    await send({"type": "websocket.http.response.body", "body": response.body})
