"""Our own HTTP/1.1 server: h11 on an `asyncio.Protocol`, which a WebSocket takes over.

A protocol rather than anyio streams because the upgrade hands the transport to `WebSocketLink`,
whose read path must be bare (see there). One task a connection until then, none after.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import cast

import anyio
import h11
from anyio.abc import TaskGroup

from ..core.signaling import Refusal
from .engines import make_engine
from .frame_engine import Role
from .handshake import HandshakeError, check_request, wants_websocket
from .requests import BODY_TIMEOUT, Request, Response, refusal_response, split_target
from .routes import Denied, Routes
from .websocket import WebSocketLink

__all__ = ("listen", "server_context")

log = logging.getLogger("antiphon")

MAX_HEADERS = 16 * 1024  # bytes; docs/protocol.md section 7
READ_AHEAD = 64 * 1024  # bytes read and not yet asked for, then reading pauses
HEAD_TIMEOUT = 10.0  # seconds for a request's head, docs/protocol.md section 7
KEEP_ALIVE = 60.0  # seconds between two requests
DISCARD = 4 * 1024 * 1024  # bytes of a refused body read so that the client can read the refusal
DISCARD_TIMEOUT = 2.0
CLOSE_TIMEOUT = 6.0  # seconds at shutdown for closing handshakes; longer than a link's own


class _Gone(Exception):
    """The client is gone, or says nothing any more."""


class _Connection(asyncio.Protocol):
    """One connection of a client, up to its upgrade."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS)
        self._transport: asyncio.Transport
        self._peer = ""
        self._more = anyio.Event()
        self._ahead = 0
        self._lost = False
        self._writable = anyio.Event()
        self._writable.set()
        self._scope = anyio.CancelScope()
        self._served = False
        self._streaming = False
        self.idle = True
        """Whether it waits for a request."""

    # -- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local"
        self._server.connections.add(self)
        self._server.tasks.start_soon(self._run)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._ahead += len(data)
        if self._ahead > READ_AHEAD:
            self._transport.pause_reading()
        self._more.set()

    def eof_received(self) -> bool:
        self._http.receive_data(b"")
        self._more.set()
        if self._streaming:
            self._scope.cancel()  # an event stream without a reader
        return True  # half-closed: the answer may still be read

    def pause_writing(self) -> None:
        self._writable = anyio.Event()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._server.gone(self)
        self._scope.cancel()

    def close(self) -> None:
        """Shutdown: end the connection now."""
        self._scope.cancel()

    # -- requests --------------------------------------------------------------------------------

    async def _run(self) -> None:
        with self._scope:
            try:
                while await self._serve_one():
                    pass
            except _Gone:
                pass
            except h11.RemoteProtocolError as error:
                await self._refuse_unreadable(error)
            except Exception:
                log.exception("serving %s failed", self._peer)
            if self._http.our_state is h11.SWITCHED_PROTOCOL:
                return
        if self._http.our_state is not h11.SWITCHED_PROTOCOL and not self._lost:
            self._transport.close()

    async def _serve_one(self) -> bool:
        """One request and its response; whether another may follow."""
        head = await self._head()
        if head is None:
            return False
        self.idle = False
        request = self._request(head)
        if wants_websocket(request.headers):
            return await self._upgrade(request)
        response = await self._server.routes.respond(request)
        await self._send(response, head_only=request.method == "HEAD")
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            await self._discard()
            return False
        self._http.start_next_cycle()
        self.idle = True
        return not self._server.closing

    async def _head(self) -> h11.Request | None:
        with anyio.move_on_after(KEEP_ALIVE if self._served else HEAD_TIMEOUT):
            event = await self._event()
            self._served = True
            if isinstance(event, h11.Request):
                return event
        return None

    def _request(self, head: h11.Request) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        try:
            path, query = split_target(head.target.decode("ascii"))
        except ValueError as error:
            raise h11.RemoteProtocolError(str(error)) from error
        return Request(
            method=head.method.decode("ascii"),
            path=path,
            query=query,
            headers=headers,
            peer=self._peer,
            body=self._body(),
        )

    async def _body(self) -> AsyncIterator[bytes]:
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))
        while (part := await self._body_part()) is not None:
            yield part

    async def _body_part(self) -> bytes | None:
        """The next piece of a body, None at its end. Here, not in the generator: a route may leave
        that at any `yield`, and no cancel scope may stay open then.
        """
        try:
            with anyio.fail_after(BODY_TIMEOUT):
                event = await self._event()
        except TimeoutError as error:
            refusal = Refusal(error="request_timeout", detail="the body did not arrive")
            raise Denied(refusal) from error
        except h11.RemoteProtocolError as error:
            raise Denied(Refusal(error="invalid_body", detail=f"the body: {error}")) from error
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def _event(self) -> h11.Event:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._more = anyio.Event()
                if self._ahead > READ_AHEAD:
                    self._transport.resume_reading()
                self._ahead = 0
                await self._more.wait()
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise _Gone
            else:
                return cast("h11.Event", event)

    # -- responses -------------------------------------------------------------------------------

    async def _send(self, response: Response, *, head_only: bool = False) -> None:
        self._skip_body()
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        body = response.body
        if isinstance(body, bytes) and response.status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        if self._server.closing or self._http.their_state is not h11.DONE:
            headers.append((b"connection", b"close"))
        self._write(_head_of(response.status, headers))
        if isinstance(body, bytes):
            if body and not head_only:
                self._write(h11.Data(data=body))
        else:
            async with aclosing(cast("AsyncGenerator[bytes]", body)) as chunks:
                if not head_only:
                    await self._stream(chunks)
        self._write(h11.EndOfMessage())
        await self._writable.wait()

    def _skip_body(self) -> None:
        """Take what has come of a body that the route did not ask for, so that the next request on
        this connection can follow.
        """
        while self._http.their_state is h11.SEND_BODY:
            if self._http.they_are_waiting_for_100_continue:
                return
            if not isinstance(self._http.next_event(), h11.Data):
                return

    async def _stream(self, chunks: AsyncIterator[bytes]) -> None:
        self._streaming = True
        async for chunk in chunks:
            self._write(h11.Data(data=chunk))
            await self._writable.wait()
        self._streaming = False

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data and not self._lost:
            self._transport.write(data)

    async def _refuse_unreadable(self, error: h11.RemoteProtocolError) -> None:
        """Answer what h11 could not read, if an answer is still possible."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        refusal = Refusal(error="invalid_body", detail=f"the request cannot be read: {error}")
        response = refusal_response(refusal)
        status = error.error_status_hint if error.error_status_hint != 400 else response.status
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        assert isinstance(response.body, bytes)
        headers += [
            (b"content-length", str(len(response.body)).encode()),
            (b"connection", b"close"),
        ]
        self._write(_head_of(status, headers))
        self._write(h11.Data(data=response.body))
        self._write(h11.EndOfMessage())

    async def _discard(self) -> None:
        """Read on for a moment: closing with bytes unread would reset the connection, and the
        client would lose the answer with it (RFC 9112 section 9.6).
        """
        left = DISCARD
        with anyio.move_on_after(DISCARD_TIMEOUT):
            while left > 0 and self._http.their_state is h11.SEND_BODY:
                event = await self._event()
                left -= len(event.data) if isinstance(event, h11.Data) else 0

    # -- upgrade ---------------------------------------------------------------------------------

    async def _upgrade(self, request: Request) -> bool:
        routes = self._server.routes
        try:
            principal = await routes.admit_websocket(request)
            accept = check_request(request.method, request.headers)
        except Denied as denied:
            await self._send(routes.refused(request, denied.refusal))
            return False
        except HandshakeError as error:
            refusal = Refusal(error="upgrade_required", detail=str(error))
            await self._send(routes.refused(request, refusal, ("sec-websocket-version", "13")))
            return False
        headers = [("upgrade", "websocket"), ("connection", "Upgrade")]
        headers.append(("sec-websocket-accept", accept))
        # Until the link takes over nothing may be read past h11's view of the stream.
        self._transport.pause_reading()
        self._write(h11.InformationalResponse(status_code=101, headers=headers))
        trailing, _ = self._http.trailing_data
        host = routes.host
        engine = make_engine(self._server.engine, Role.SERVER, host.settings.max_message)
        link = WebSocketLink(self._transport, engine, self._peer, lambda: self._server.gone(self))
        reception = host.receive(link, transport="websocket", principal=principal)
        link.attach(reception.driver, trailing)
        self._transport.resume_reading()
        return False


def _head_of(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    return h11.Response(
        status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode()
    )


class _Server:
    """The open connections of one listener."""

    def __init__(self, routes: Routes, tasks: TaskGroup, engine: str) -> None:
        self.routes = routes
        self.tasks = tasks
        self.engine = engine
        self.connections: set[_Connection] = set()
        self.closing = False
        self._empty: anyio.Event | None = None

    def gone(self, connection: _Connection) -> None:
        self.connections.discard(connection)
        if not self.connections and self._empty is not None:
            self._empty.set()

    async def close(self) -> None:
        """Close what is idle, wait for the rest, bounded."""
        self.closing = True
        for connection in list(self.connections):
            if connection.idle:
                connection.close()
        if self.connections:
            self._empty = anyio.Event()
            with anyio.move_on_after(CLOSE_TIMEOUT):
                await self._empty.wait()


@asynccontextmanager
async def listen(
    routes: Routes,
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    engine: str = "wsproto",
) -> AsyncGenerator[int]:
    """Serve inside this context; gives the port, a free one for 0. Raises OSError when taken."""
    loop = asyncio.get_running_loop()
    async with anyio.create_task_group() as tasks:
        server = _Server(routes, tasks, engine)
        listener = await loop.create_server(
            lambda: _Connection(server), host, port, ssl=tls, backlog=1024
        )
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            with anyio.CancelScope(shield=True):
                listener.close()
                await server.close()
            tasks.cancel_scope.cancel()


def server_context(cert: str, key: str | None) -> ssl.SSLContext:
    """TLS for a server: certificate chain and key as PEM files; HTTP/1.1 by ALPN."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["http/1.1"])
    return context
