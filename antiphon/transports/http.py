"""Our own HTTP/1.1 server: h11 on an `asyncio.Protocol`, which a WebSocket takes over.

A protocol rather than anyio streams because the upgrade hands the transport to `WebSocketLink`,
whose read path must be bare (see there). One task a connection until then, none after.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import cast

import anyio
import h11
from anyio.abc import TaskGroup

from ..core.signaling import Refusal
from ..core.wire import Role
from .engines import make_engine
from .handshake import HandshakeError, check_request, wants_websocket
from .reception import Reception
from .requests import BODY_TIMEOUT, Denied, Request, Response, refusal_response, split_target
from .routes import Routes
from .speech_call import MAX_UNREAD
from .speech_routes import SpeechRoutes
from .speech_socket import SocketWire, keep_alive
from .tasks import background
from .websocket import WebSocketLink

__all__ = ("listen", "server_context")

log = logging.getLogger("antiphon")

MAX_HEADERS = 16 * 1024  # bytes; docs/protocol.md, Limits
READ_AHEAD = 64 * 1024  # bytes read and not yet asked for, then reading pauses
HEAD_TIMEOUT = 10.0  # seconds for a request's head, docs/protocol.md, Limits
KEEP_ALIVE = 60.0  # seconds between two requests
WRITE_TIMEOUT = 60.0  # seconds that a client may leave what is sent to it unread
DISCARD = 4 * 1024 * 1024  # bytes of a refused body read so that the client can read the refusal
LINGER = 2.0  # seconds for the client to read the last answer and close
MAX_UNSENT = 2 * MAX_UNREAD  # bytes; a speech call closes before, this is for pings it is sent
CLOSE_TIMEOUT = 6.0  # seconds at shutdown for closing handshakes; longer than a link's own


class _Gone(Exception):
    """The client is gone, or says nothing any more."""


class _Phase(Enum):
    """What a connection is about."""

    WAITING = "waits for a request"
    ANSWERING = "answers a request"
    STREAMING = "sends an answer that goes on until its reader leaves"
    LINGERING = "has said all, and reads on so that the client can read it"


class _Connection(asyncio.Protocol):
    """One connection of a client, up to its upgrade."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS)
        self._transport: asyncio.Transport
        self._peer = ""
        self._more = anyio.Event()
        self._ahead = 0
        self._discarded = 0
        self._tls = False
        self._eof = False
        self._lost = anyio.Event()
        self._writable = anyio.Event()
        self._writable.set()
        self._scope = anyio.CancelScope()
        self._served = False
        self._phase = _Phase.WAITING

    @property
    def idle(self) -> bool:
        """Whether it waits for a request."""
        return self._phase is _Phase.WAITING

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "local"
        self._tls = transport.get_extra_info("ssl_object") is not None
        self._server.connections.add(self)
        self._server.tasks.start_soon(self._run)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.LINGERING:
            self._discarded += len(data)
            if self._discarded > DISCARD:
                self._transport.abort()
            return
        self._http.receive_data(data)
        self._ahead += len(data)
        if self._ahead > READ_AHEAD:
            self._transport.pause_reading()
        self._more.set()

    def eof_received(self) -> bool:
        self._eof = True
        if self._phase is _Phase.LINGERING:
            return False
        self._http.receive_data(b"")
        self._more.set()
        if self._phase is _Phase.STREAMING:
            self._scope.cancel()  # an event stream without a reader
        # Half-closed: the answer may still be read. TLS knows no such state.
        return not self._tls

    def pause_writing(self) -> None:
        self._writable = anyio.Event()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._server.gone(self)
        self._scope.cancel()

    def close(self) -> None:
        """Shutdown: end the connection now."""
        self._scope.cancel()

    def abort(self) -> None:
        """Shutdown: it has had its time."""
        self._transport.abort()

    async def _run(self) -> None:
        linger = False
        with self._scope:
            linger = await self._serve()
        if self._http.our_state is not h11.SWITCHED_PROTOCOL:
            await self._hang_up(linger)

    async def _serve(self) -> bool:
        """All requests; whether the client may have an answer left to read."""
        try:
            while await self._serve_one():
                pass
        except _Gone:
            return False
        except h11.RemoteProtocolError as error:
            self._refuse_unreadable(error)
        except Exception:
            log.exception("serving %s failed", self._peer)
            return False
        return not self._eof

    async def _serve_one(self) -> bool:
        """One request and its response; whether another may follow."""
        head = await self._head()
        self._phase = _Phase.ANSWERING
        async with aclosing(self._body()) as body:
            request = self._request(head, body)
            if wants_websocket(request.headers):
                await self._upgrade(request)
                return False
            response = await self._server.routes.respond(request)
            await self._send(response, head_only=request.method == "HEAD")
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._phase = _Phase.WAITING
        return not self._server.closing

    async def _hang_up(self, linger: bool) -> None:
        """Close. Closing with bytes unread would reset the connection, and the client would lose
        the answer with it (RFC 9112 section 9.6): `linger` reads on for a moment.
        """
        self._phase = _Phase.LINGERING
        if not linger:
            self._transport.close()
        elif not self._lost.is_set():
            self._transport.resume_reading()
            if self._transport.can_write_eof():
                self._transport.write_eof()
        try:
            with anyio.move_on_after(LINGER):
                await self._lost.wait()
        finally:
            # What TLS has left to flush is bounded by its own time-out.
            if not self._tls:
                self._transport.abort()
            else:
                self._transport.close()

    async def _head(self) -> h11.Request:
        with anyio.move_on_after(KEEP_ALIVE if self._served else HEAD_TIMEOUT):
            event = await self._event()
            self._served = True
            if isinstance(event, h11.Request):
                return event
        raise _Gone

    def _request(self, head: h11.Request, body: AsyncIterator[bytes]) -> Request:
        # h11 bounds only heads that come in pieces.
        if sum(len(name) + len(value) for name, value in head.headers) > MAX_HEADERS:
            raise h11.RemoteProtocolError(
                f"headers have at most {MAX_HEADERS} bytes", error_status_hint=431
            )
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
            body=body,
        )

    async def _body(self) -> AsyncGenerator[bytes]:
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
            raise Denied(
                Refusal(error="invalid_body", detail=f"the body cannot be read: {error}")
            ) from error
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
        await self._taken()

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
        self._phase = _Phase.STREAMING
        async for chunk in chunks:
            self._write(h11.Data(data=chunk))
            await self._taken()
        self._phase = _Phase.ANSWERING

    async def _taken(self) -> None:
        """Wait until the client has read enough to be sent more. Raises _Gone if it does not."""
        with anyio.move_on_after(WRITE_TIMEOUT):
            await self._writable.wait()
            return
        self._transport.abort()
        raise _Gone

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data and not self._lost.is_set():
            self._transport.write(data)

    def _refuse_unreadable(self, error: h11.RemoteProtocolError) -> None:
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

    async def _upgrade(self, request: Request) -> None:
        routes = self._server.routes
        speech = routes.speech(request.path)
        try:
            if speech is not None:
                await self._upgrade_speech(request, speech)
                return
            principal = await routes.admit_websocket(request)
            accept = _accepted(request)
        except Denied as denied:
            await self._send(routes.refused(request, denied))
            return
        trailing = self._switch(accept)
        host = routes.host
        engine = make_engine(self._server.engine, Role.SERVER, host.settings.max_message)
        link = WebSocketLink(self._transport, engine, self._peer, lambda: self._server.gone(self))
        reception = Reception(host, link, transport="websocket", principal=principal)
        link.attach(reception.driver, trailing)
        self._transport.resume_reading()

    async def _upgrade_speech(self, request: Request, speech: SpeechRoutes) -> None:
        """One connection to a speech endpoint, to its end. Raises Denied."""
        accept = _accepted(request)
        call = await speech.admit(request)
        try:
            trailing = self._switch(accept)
            engine = make_engine(self._server.engine, Role.SERVER, speech.max_message)
            gone = partial(self._server.gone, self)
            link = WebSocketLink(self._transport, engine, self._peer, gone, max_outbound=MAX_UNSENT)
            wire = SocketWire(link)
            keep_alive(self._transport)
            link.attach(wire, trailing)
            self._transport.resume_reading()
            await call.run(wire)
        finally:
            await call.release()

    def _switch(self, accept: str) -> bytes:
        """Answer 101; what came behind the request. Raises _Gone when there is nobody to answer."""
        if self._eof or self._lost.is_set():
            raise _Gone
        headers = [("upgrade", "websocket"), ("connection", "Upgrade")]
        headers.append(("sec-websocket-accept", accept))
        # Until the link takes over nothing may be read past h11's view of the stream.
        self._transport.pause_reading()
        self._write(h11.InformationalResponse(status_code=101, headers=headers))
        trailing, _ = self._http.trailing_data
        return trailing


def _accepted(request: Request) -> str:
    """The value of Sec-WebSocket-Accept. Raises Denied."""
    try:
        return check_request(request.method, request.headers)
    except HandshakeError as error:
        refusal = Refusal(error="upgrade_required", detail=str(error))
        raise Denied(refusal, ("sec-websocket-version", "13")) from error


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
            for connection in list(self.connections):
                connection.abort()


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
    async with background() as tasks:
        server = _Server(routes, tasks, engine)
        listener = await loop.create_server(
            lambda: _Connection(server),
            host,
            port,
            ssl=tls,
            backlog=1024,
            ssl_handshake_timeout=HEAD_TIMEOUT if tls is not None else None,
            ssl_shutdown_timeout=CLOSE_TIMEOUT if tls is not None else None,
        )
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            with anyio.CancelScope(shield=True):
                listener.close()
                await server.close()


def server_context(cert: str, key: str | None) -> ssl.SSLContext:
    """TLS for a server: certificate chain and key as PEM files; HTTP/1.1 by ALPN.

    OSError for files that do not serve, ValueError for a key with a password.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key, _no_password)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    # OpenSSL would ask whoever sits at the terminal, and wait.
    raise ValueError("the private key has a password; `openssl pkey` writes it without")
