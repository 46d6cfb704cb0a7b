"""Streams with speech endpoints on real sockets, and clients of them that we did not write."""

import importlib.util
import json
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
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
    "VERIFY",
    "Server",
    "Site",
    "ask",
    "asked",
    "backend_of",
    "chunks",
    "pcm",
    "pipeline",
    "place_of",
    "said_and_closed",
    "server",
    "speech_stream",
    "summary_of",
    "wav",
)

ENDPOINT, SUMMARY = "/speech_endpoint_detector", "/speech_summary_stream"
VERIFY = "/voice_verify_stream"


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


def chunks(sound: bytes, size: int) -> list[bytes]:
    """Of so many bytes, and the rest."""
    return [sound[at : at + size] for at in range(0, len(sound), size)]


async def ask(client: ClientConnection, *messages: str | bytes) -> list[str]:
    """Each answered before the next is sent."""
    answers: list[str] = []
    for message in messages:
        await client.send(message)
        answers.append(str(await client.recv()))
    return answers


async def pipeline(client: ClientConnection, *messages: str | bytes) -> list[str]:
    """All sent before any answer is read."""
    for message in messages:
        await client.send(message)
    return [str(await client.recv()) for _ in messages]


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


def wav(*channels: Samples, rate: int = 16_000) -> bytes:
    """A file of 16-bit PCM."""
    data = np.stack(channels, axis=1).astype("<i2").tobytes()
    width = 2 * len(channels)
    form = struct.pack("<HHIIHH", 1, len(channels), rate, rate * width, width, 16)
    head = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", len(head) + len(data)) + head + data


async def asked(
    server: Server, stream: Stream, method: str, path: str, **options: Any
) -> httpx.Response:
    """One HTTP call on a server of its own; it holds no slot behind its answer."""
    async with (
        server(stream) as site,
        httpx.AsyncClient(base_url=site.http, trust_env=False) as client,
    ):
        response = await client.request(method, path, **options)
        assert stream.calls == []
        return response
