"""Calls over a raw WebSocket from the client's end."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import SplitResult

import anyio
import h11

from ..core.errors import SessionClosed
from ..core.messages import Start
from ..core.signaling import Refusal, refusal_from_answer
from ..core.wire import Role
from .call import LiveCall
from .caller import Caller, refused
from .engines import make_engine
from .frame_engine import MAX_MESSAGE
from .handshake import HandshakeError, check_response, request_headers
from .http_exchange import Headers, address, headers_of
from .websocket import WebSocketLink

__all__ = ("call_websocket",)

_MAX_REFUSAL = 64 * 1024


class _Handshake(asyncio.Protocol):
    """The connection until the server has switched to WebSocket."""

    def __init__(self) -> None:
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
        self.transport: asyncio.Transport
        self._more = anyio.Event()
        self.lost = False
        """Whether the connection is gone."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.http.receive_data(data)
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.http.receive_data(b"")
        self._more.set()

    async def next_event(self) -> h11.Event:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self._more = anyio.Event()
            await self._more.wait()
        if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            raise SessionClosed(1006, "the server closed the connection during the handshake")
        return cast(h11.Event, event)


async def _switch(protocol: _Handshake, url: SplitResult, headers: Headers) -> bytes:
    """Ask for a WebSocket; gives what came behind the answer."""
    key = secrets.token_bytes(16)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        ("host", url.netloc.rpartition("@")[2]),
        ("user-agent", "antiphon"),
        *request_headers(key),
        *headers,
    ]
    http = protocol.http
    request = http.send(h11.Request(method="GET", target=target, headers=lines))
    protocol.transport.write((request or b"") + (http.send(h11.EndOfMessage()) or b""))
    while True:
        response = await protocol.next_event()
        if isinstance(response, h11.Response):
            raise refused(await _refusal(protocol, response))
        if isinstance(response, h11.InformationalResponse) and response.status_code == 101:
            break
    try:
        check_response(key, headers_of(response))
    except HandshakeError as error:
        raise SessionClosed(1002, str(error)) from error
    # Nothing may be read past h11's view of the stream until the link takes over.
    protocol.transport.pause_reading()
    return http.trailing_data[0]


async def _refusal(protocol: _Handshake, response: h11.Response) -> Refusal:
    body = bytearray()
    while isinstance(event := await protocol.next_event(), h11.Data):
        body += event.data
        if len(body) > _MAX_REFUSAL:
            break
    return refusal_from_answer(response.status_code, bytes(body))


@asynccontextmanager
async def call_websocket(
    url: SplitResult,
    start: Start,
    headers: Headers,
    tls: ssl.SSLContext | None,
    lead: float,
    timeout: float,
    engine: str,
) -> AsyncGenerator[LiveCall]:
    """Call `ws(s)://.../websocket/offer`. Raises as `Caller.calling`, and OSError."""
    host, port = address(url)
    frames = make_engine(engine, Role.CLIENT, MAX_MESSAGE)
    with anyio.fail_after(timeout):
        transport, protocol = await asyncio.get_running_loop().create_connection(
            _Handshake, host, port, ssl=tls, server_hostname=host if tls else None
        )
        try:
            trailing = await _switch(protocol, url, headers)
            if protocol.lost:
                raise SessionClosed(1006, "the server closed the connection after the handshake")
        except h11.RemoteProtocolError as error:
            transport.abort()
            raise SessionClosed(1006, f"the handshake broke: {error}") from error
        except BaseException:
            transport.abort()
            raise
    gone = anyio.Event()
    link = WebSocketLink(transport, frames, url.netloc, gone.set)
    caller = Caller(link, start, "websocket", lead)
    caller.gone = gone
    link.attach(caller.driver, trailing)
    transport.resume_reading()
    caller.begin()
    try:
        async with caller.calling(timeout) as call:
            yield call
    finally:
        if not gone.is_set():
            transport.abort()
