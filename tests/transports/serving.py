"""Streams served on loopback, and clients that send exactly the bytes they are told."""

import importlib.util
import json
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import httpx
import msgspec
import pytest
import trustme

from antiphon import Call, CallInfo, Stream
from antiphon.core.ports import Command
from antiphon.core.signaling import Refusal
from antiphon.transports.directory import LocalDirectory
from antiphon.transports.http import listen
from antiphon.transports.routes import Routes

__all__ = (
    "RawClient",
    "WatchedDirectory",
    "cancelled_on_exit",
    "client_for",
    "either_loop",
    "errors_in",
    "listener",
    "offer",
    "raw",
    "serving",
    "start",
    "tls_contexts",
)

_LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(
        ("asyncio", {"use_uvloop": True}),
        id="uvloop",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
        ),
    ),
]


@pytest.fixture(name="anyio_backend", params=_LOOPS)
def either_loop(request: pytest.FixtureRequest) -> Any:
    """For modules that talk to sockets: asyncio's own loop, and uvloop."""
    return request.param


class WatchedDirectory(LocalDirectory):
    """Counts what is claimed and given back, and tells when nothing is left."""

    def __init__(self) -> None:
        super().__init__(1)
        self.claimed: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        self._changed = anyio.Event()

    async def claim(
        self, call: CallInfo, limit: int | None, run: Callable[[Command], None]
    ) -> Refusal | None:
        refusal = await super().claim(call, limit, run)
        if refusal is None:
            self.claimed[call.id] += 1
            self._tell()
        return refusal

    async def release(self, call_id: str) -> None:
        await super().release(call_id)
        self.released[call_id] += 1
        self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def until(self, slots: int) -> None:
        """Wait until that many calls are live."""
        while self.slots != slots:
            await self._changed.wait()


@asynccontextmanager
async def serving(
    stream: Stream,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    grace: float = 0.0,
    engine: str = "wsproto",
) -> AsyncGenerator[int]:
    """Serve on a free port inside this context."""
    async with (
        listen(Routes(stream.host), host, 0, tls=tls, engine=engine) as port,
        stream.host.run(grace),
    ):
        yield port


def client_for(port: int, **headers: str) -> httpx.AsyncClient:
    """A client that we did not write."""
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10)


class RawClient:
    """A connection and what came over it."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            await self.stream.send(piece)

    async def until(self, mark: bytes) -> bytes:
        """What comes up to and with `mark`. Raises EndOfStream."""
        while mark not in self._buffer:
            self._buffer += await self.stream.receive()
        end = self._buffer.index(mark) + len(mark)
        return self._cut(end)

    async def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += await self.stream.receive()
        return self._cut(count)

    async def some(self) -> bytes:
        """Whatever comes next. Raises EndOfStream."""
        if not self._buffer:
            self._buffer += await self.stream.receive()
        return self._cut(len(self._buffer))

    async def rest(self) -> bytes:
        """What comes up to the end of the stream."""
        try:
            while True:
                self._buffer += await self.stream.receive()
        except anyio.EndOfStream:
            return self._cut(len(self._buffer))

    async def response(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """One response with a Content-Length: status, headers in lower case, body."""
        first, *lines = (await self.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        length = int(headers.get("content-length", "0")) if body else 0
        return int(first.split()[1]), headers, await self.exactly(length)

    def _cut(self, end: int) -> bytes:
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        return data


@asynccontextmanager
async def raw(port: int, host: str = "127.0.0.1") -> AsyncGenerator[RawClient]:
    """A bare TCP connection."""
    async with await anyio.connect_tcp(host, port) as stream:
        yield RawClient(stream)


def start(call_id: str = "a", **fields: Any) -> bytes:
    """A `start` event."""
    return json.dumps({"event": "start", "websocket_id": call_id, **fields}).encode()


PCM = {"encoding": "audio/pcm", "sample_rate": 24000}


class Offered(msgspec.Struct):
    """What `POST /http/offer` answered."""

    session_id: str
    token: str
    media_format: dict[str, Any]
    links: dict[str, str]

    @property
    def proof(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.token}"}


async def offer(client: httpx.AsyncClient, call_id: str = "a", **fields: Any) -> Offered:
    """Open a call over HTTP."""
    response = await client.post("/http/offer", content=start(call_id, **fields))
    assert response.status_code == 201, response.text
    return msgspec.json.decode(response.content, type=Offered)


async def listener(call: Call) -> None:
    """A handler that takes what comes and says nothing."""
    async for _ in call.audio:
        pass


async def cancelled_on_exit(call: Call) -> None:
    """A handler that waits to be cancelled."""
    await anyio.sleep_forever()


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as a warning or worse, by anyone."""
    return [record.getMessage() for record in caplog.records if record.levelno >= 30]


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context that trust one another, for localhost."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client
