"""One HTTP/1.1 connection as a client: h11 over an anyio stream."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import SplitResult

import anyio
import anyio.abc
import h11

__all__ = ("Exchange", "address", "headers_of", "opened")

MAX_RESPONSE = 1024 * 1024  # bytes of a body that is read whole
READ = 64 * 1024

Headers = tuple[tuple[str, str], ...]


def address(url: SplitResult) -> tuple[str, int]:
    """Host and port of a URL. Raises ValueError for a port that is none."""
    assert url.hostname is not None
    return url.hostname, url.port or (443 if url.scheme in ("https", "wss") else 80)


class Exchange:
    """One request and its response on a connection of its own."""

    def __init__(self, url: SplitResult, stream: anyio.abc.ByteStream) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
        self._stream = stream
        self._host = url.netloc.rpartition("@")[2]

    async def request(self, method: str, target: str, headers: Headers) -> None:
        """Send the head. Follow it with `body` calls if it has a body, and `end`."""
        lines = [("host", self._host), ("user-agent", "antiphon"), *headers]
        await self._send(h11.Request(method=method, target=target, headers=lines))

    async def body(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._send(h11.Data(data=data))

    async def end(self) -> None:
        """The request is complete."""
        await self._send(h11.EndOfMessage())

    async def response(self) -> h11.Response | h11.InformationalResponse:
        """The head of the response; of those with status 1xx only 101 is given."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
                return event

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of the response as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def whole(self) -> bytes:
        """The body of the response. Raises ValueError when it is larger than 1 MiB."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > MAX_RESPONSE:
                raise ValueError(f"the server's answer is larger than {MAX_RESPONSE} bytes")
        return bytes(body)

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            await self._stream.send(data)

    async def _next(self) -> h11.Event:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                try:
                    data = await self._stream.receive(READ)
                except anyio.EndOfStream:
                    data = b""
                self._http.receive_data(data)
            elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise anyio.EndOfStream
            else:
                return cast(h11.Event, event)


@asynccontextmanager
async def opened(url: SplitResult, tls: ssl.SSLContext | None) -> AsyncGenerator[Exchange]:
    """A connection for one exchange. Raises OSError."""
    host, port = address(url)
    stream: anyio.abc.ByteStream
    if tls is None:
        stream = await anyio.connect_tcp(host, port)
    else:
        stream = await anyio.connect_tcp(
            host, port, tls=True, ssl_context=tls, tls_hostname=host, tls_standard_compatible=False
        )
    async with stream:
        yield Exchange(url, stream)


def headers_of(response: h11.Response | h11.InformationalResponse) -> Mapping[str, str]:
    """Header names in lower case to their values."""
    return {name.decode("ascii"): value.decode("latin-1") for name, value in response.headers}
