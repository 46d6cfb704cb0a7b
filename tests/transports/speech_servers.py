"""Streams with speech endpoints on real sockets, and clients of them that we did not write."""

import importlib.util
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from antiphon import Speech, Stream, echo
from antiphon.core.audio.frames import Samples
from antiphon.transports.asgi import AsgiApp
from tests.core.loudness import Loudness
from tests.transports.asgi_servers import on_uvicorn
from tests.transports.serving import serving

__all__ = (
    "ENDPOINT",
    "SUMMARY",
    "Server",
    "Site",
    "backend_of",
    "pcm",
    "place_of",
    "said_and_closed",
    "server",
    "speech_stream",
    "summary_of",
)

ENDPOINT, SUMMARY = "/speech_endpoint_detector", "/speech_summary_stream"


class Site:
    """Where a stream is served, and by what."""

    def __init__(self, address: str) -> None:
        self.http = f"http://{address}"
        self._ws = f"ws://{address}"

    def client(self, path: str, **options: Any) -> connect:
        """A client; it reads ahead no more than a message unless told."""
        options = {"max_queue": 1, "max_size": None, "compression": None, **options}
        return connect(f"{self._ws}{path}", **options)


def speech_stream(speech: Speech | None = None, **options: Any) -> Stream:
    """With a detector that takes what is loud for speech."""
    return Stream(echo, speech=speech or Speech(voice_activity=Loudness()), **options)


class Server:
    """Our own server, or uvicorn."""

    def __init__(self, own: bool) -> None:
        self.own = own

    @asynccontextmanager
    async def __call__(self, stream: Stream, grace: float = 0.0) -> AsyncGenerator[Site]:
        if self.own:
            async with serving(stream, grace=grace) as port:
                yield Site(f"127.0.0.1:{port}")
        else:
            async with on_uvicorn(AsgiApp(stream.asgi.routes, grace=grace)) as served:
                yield Site(served.http.removeprefix("http://"))


_BACKENDS = [
    pytest.param((True, {"use_uvloop": False}), id="own"),
    pytest.param(
        (True, {"use_uvloop": True}),
        id="own-uvloop",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
        ),
    ),
    pytest.param((False, {"use_uvloop": False}), id="uvicorn"),
]


@pytest.fixture(name="place", params=_BACKENDS)
def place_of(request: pytest.FixtureRequest) -> Any:
    """Which server, on which event loop."""
    return request.param


@pytest.fixture(name="anyio_backend")
def backend_of(place: Any) -> Any:
    """The event loop."""
    return ("asyncio", place[1])


@pytest.fixture(name="server")
def server(place: Any) -> Server:
    """What serves a stream."""
    return Server(place[0])


async def said_and_closed(client: ClientConnection) -> tuple[list[str], int, str]:
    """What is still answered, and how the server closes."""
    said: list[str] = []
    while True:
        try:
            said.append(str(await client.recv()))
        except ConnectionClosed as error:
            close = error.rcvd or Close(1006, "")
            return said, close.code, close.reason


def summary_of(text: str | bytes) -> dict[str, Any]:
    """An answer of the summary stream."""
    value: dict[str, Any] = json.loads(text)
    return value


def pcm(*sounds: Samples) -> bytes:
    """As on the wire."""
    return b"".join(sound.astype("<i2").tobytes() for sound in sounds)
