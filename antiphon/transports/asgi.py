"""ASGI: the same routes and calls behind any ASGI server, alone or mounted in a framework.

Specification: asgi.readthedocs.io, HTTP and WebSocket 2.5, Lifespan 2.0.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import anyio
import msgspec

from ..core.signaling import Refusal
from .asgi_scope import Receive, Scope, Send, encode_headers, request_of
from .asgi_websocket import deny, serve_websocket
from .requests import BODY_TIMEOUT, Denied, Request, Response, no_body, refusal_response
from .routes import Routes

__all__ = ("AsgiApp", "respond")

log = logging.getLogger("antiphon")


class AsgiApp:
    """The ASGI application of one stream.

    Its host runs within the server's lifespan; at shutdown calls get `grace` seconds to end. But
    servers tell of shutdown when all connections are closed: uvicorn closes WebSockets with 1012
    and waits for event streams as long as its `--timeout-graceful-shutdown` says, hypercorn waits
    for the clients. `Stream.serve` shuts down gracefully.

    Where no lifespan comes (a server with it off, an application that mounts this one by itself)
    the host runs from the first request to the end of the event loop.
    """

    def __init__(self, routes: Routes, *, grace: float = 5.0) -> None:
        self.routes = routes
        self._grace = grace
        self._host = routes.host
        session = self._host.settings.session
        timing = msgspec.structs.replace(session.timing, ping_interval=float("inf"))
        self._config = msgspec.structs.replace(session, timing=timing)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = anyio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"no {scope['type']!r} is served here")
        if not self._host.running:
            await self._ensure_running()
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def handle_offer(
        self, body: Mapping[str, Any], address: str, principal: Any
    ) -> dict[str, Any]:
        """As `Routes.handle_offer`; where nothing serves the stream, it runs from here on."""
        if not self._host.running:
            await self._ensure_running()
        return await self.routes.handle_offer(body, address, principal)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Take calls inside this context; within another one of the same event loop it does
        nothing. Raises RuntimeError when the stream is served otherwise already.
        """
        loop = asyncio.get_running_loop()
        if self._loop is loop and self._host.running:
            yield
            return
        async with self._host.run(self._grace):
            self._loop = loop
            self._started = anyio.Event()
            self._started.set()
            yield

    async def _ensure_running(self) -> None:
        """Run the host for this event loop, unless that has begun already, or is over."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._started = anyio.Event()
            # The one task of this package without a task group: there is no scope that could hold
            # it, since no request may own what outlives it. It ends as its event loop does, by
            # cancellation (asyncio.run cancels what is left).
            self._keeper = loop.create_task(self._keep(self._started))
        await self._started.wait()

    async def _keep(self, started: anyio.Event) -> None:
        try:
            async with self._host.run(grace=0):
                started.set()
                await anyio.sleep_forever()
        finally:
            started.set()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        stage = "startup"
        await receive()
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
        except Exception as error:
            log.exception("the %s of the stream failed", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = request_of(scope, no_body())
        except ValueError as error:
            await receive()
            refusal = _unreadable(error)
            await deny(refusal_response(refusal), refusal, scope, send)
            return
        await serve_websocket(self.routes, request, self._config, scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        try:
            request = request_of(scope, _body(receive))
        except ValueError as error:
            response = refusal_response(_unreadable(error))
        else:
            response = _to_directory(request, scope) or await self.routes.respond(request)
        try:
            await respond(response, receive, send, head_only=method == "HEAD")
        except OSError as error:
            log.debug("the client of %s %s is gone: %r", method, scope["path"], error)


def _to_directory(request: Request, scope: Scope) -> Response | None:
    """The redirect from the mount path to the page below it, whose links are relative."""
    if request.path or not request.root_path:
        return None
    query = scope.get("query_string", b"").decode("latin-1")
    location = f"{quote(request.root_path)}/" + (f"?{query}" if query else "")
    return Response(status=307, headers=(("location", location),))


def _unreadable(error: ValueError) -> Refusal:
    return Refusal(error="invalid_body", detail=f"the request cannot be read: {error}")


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        try:
            with anyio.fail_after(BODY_TIMEOUT):
                message = await receive()
        except TimeoutError as error:
            refusal = Refusal(error="request_timeout", detail="the body did not arrive")
            raise Denied(refusal) from error
        if message["type"] == "http.disconnect":
            # Not an end: what came last of an upload may be half a line.
            raise Denied(Refusal(error="invalid_body", detail="the body broke off"))
        if chunk := message.get("body", b""):
            yield chunk
        more = message.get("more_body", False)


async def respond(response: Response, receive: Receive, send: Send, *, head_only: bool) -> None:
    """Send a response. Raises OSError when the client is gone and the server says so."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": encode_headers(response),
        }
    )
    body = response.body
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if head_only else body})
        return
    async with aclosing(cast("AsyncGenerator[bytes]", body)) as chunks:
        if head_only or await _stream(chunks, receive, send):
            await send({"type": "http.response.body", "body": b""})


async def _stream(chunks: AsyncIterator[bytes], receive: Receive, send: Send) -> bool:
    """Send what comes as it comes; False when the client was gone before its end."""
    whole = False
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, receive, tasks.cancel_scope)
        # Servers may keep the head until a body follows; a listener waits for it.
        listening = await _sent(b"", send)
        while listening:
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                whole = True
                break
            listening = await _sent(chunk, send)
        tasks.cancel_scope.cancel()
    return whole


async def _sent(chunk: bytes, send: Send) -> bool:
    """Send a part of a body; False when the server says that the client is gone."""
    try:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except OSError:
        return False
    return True


async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
    """Stop a response whose client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass  # the rest of a body that the route did not ask for
    scope.cancel()
