"""The table of transports, client's role: servers that are not ours, and follow a script."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from antiphon import Call, connect
from antiphon.core.messages import MediaFormat, Start
from antiphon.transports.caller import Caller
from antiphon.transports.memory import MemoryLink
from tests.conformance.http_script import HttpScript, HttpServer
from tests.conformance.memory_wire import End
from tests.conformance.peer import Inbox, Mailbox
from tests.conformance.script import ScriptedLink
from tests.conformance.trace import Closed, Sound, Told, heard
from tests.conformance.webrtc_script import RtcScript, webrtc_server
from tests.transports.asgi_servers import on_uvicorn

__all__ = ("CLIENTS", "ClientTransport", "Scripted")

PCM = {"encoding": "audio/pcm", "sample_rate": 8000}


class Scripted(NamedTuple):
    """A scripted server and the way to it."""

    links: Mailbox[ScriptedLink]
    connect: Callable[[], AbstractAsyncContextManager[Call]]


class ClientTransport(NamedTuple):
    """One way from a client of ours to a server that is not."""

    name: str
    serving: Callable[[], AbstractAsyncContextManager[Scripted]]
    features: frozenset[str]
    """`binary` (raw samples can be sent to the client), `codes` (a link is closed with a code),
    `connected` (that the server is gone shows at once), `messages` (sound travels in messages).
    """
    opening: Told
    """What the client says first."""

    @property
    def binary(self) -> bool:
        """Whether raw samples can be sent to the client."""
        return "binary" in self.features


class _MemoryScript:
    def __init__(self, link: MemoryLink) -> None:
        self._link = link

    async def text(self, payload: bytes) -> None:
        self._link.send_text(payload)

    async def samples(self, payload: bytes) -> None:
        self._link.send_binary(payload)

    async def close(self, code: int, reason: str) -> None:
        self._link.close(code, reason)

    async def vanish(self) -> None:
        self._link.other.driver.lost("the server vanished")
        self._link.other.gone.set()


@asynccontextmanager
async def _in_memory() -> AsyncGenerator[Scripted]:
    links: Mailbox[ScriptedLink] = Mailbox()

    @asynccontextmanager
    async def call() -> AsyncGenerator[Call]:
        here, there = MemoryLink(), MemoryLink()
        start = Start(websocket_id="one", media_format=MediaFormat("audio/pcm", 8000))
        caller = Caller(here, start, "memory", inf)
        caller.gone = here.gone
        inbox = Inbox()
        here.attach(caller.driver, there)
        there.attach(End(inbox), here)
        links.put(ScriptedLink(_MemoryScript(there), inbox))
        caller.begin()
        async with caller.calling(5) as called:
            yield called

    yield Scripted(links, call)


class _WebSocketScript:
    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def text(self, payload: bytes) -> None:
        await self._socket.send(payload, text=True)

    async def samples(self, payload: bytes) -> None:
        await self._socket.send(payload)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)

    async def vanish(self) -> None:
        self._socket.transport.abort()


@asynccontextmanager
async def _on_websocket() -> AsyncGenerator[Scripted]:
    links: Mailbox[ScriptedLink] = Mailbox()

    async def follow(socket: ServerConnection) -> None:
        inbox = Inbox()
        links.put(ScriptedLink(_WebSocketScript(socket), inbox))
        try:
            while True:
                message = await socket.recv()
                if isinstance(message, bytes):
                    inbox.put(Sound(message, binary=True))
                else:
                    inbox.put(heard(message))
        except ConnectionClosed:
            inbox.put(Closed(socket.close_code or 1006))
            inbox.end()

    async with serve(follow, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        (socket,) = server.sockets
        url = f"ws://127.0.0.1:{socket.getsockname()[1]}/websocket/offer"
        yield Scripted(links, lambda: _connect(url))


@asynccontextmanager
async def _on_http() -> AsyncGenerator[Scripted]:
    links: Mailbox[ScriptedLink] = Mailbox()

    def offered(script: HttpScript, inbox: Inbox) -> None:
        links.put(ScriptedLink(script, inbox))

    async with on_uvicorn(HttpServer(offered), lifespan="off") as served:
        yield Scripted(links, lambda: _connect(served.http + "/http/offer"))


def _connect(url: str) -> AbstractAsyncContextManager[Call]:
    return connect(url, call_id="one", encoding="audio/pcm", sample_rate=8000, timeout=5)


@asynccontextmanager
async def _on_webrtc() -> AsyncGenerator[Scripted]:
    links: Mailbox[ScriptedLink] = Mailbox()
    scripts: list[RtcScript] = []

    def offered(script: RtcScript, inbox: Inbox) -> None:
        scripts.append(script)
        links.put(ScriptedLink(script, inbox))

    async with on_uvicorn(webrtc_server(offered), lifespan="off") as served:
        yield Scripted(links, lambda: _connect(f"webrtc+{served.http}/webrtc/offer"))
        for script in scripts:
            await script.connection.close()


_MESSAGES = frozenset({"codes", "connected", "messages"})
_START = Told({"event": "start", "websocket_id": "one", "media_format": PCM, "metadata": {}})
_OFFER = Told({"type": "offer", "webrtc_id": "one", "metadata": {}, "inputs": None})

CLIENTS = (
    ClientTransport("memory", _in_memory, _MESSAGES | {"binary"}, _START),
    ClientTransport("websocket", _on_websocket, _MESSAGES | {"binary"}, _START),
    ClientTransport("http", _on_http, _MESSAGES, _START),
    ClientTransport("webrtc", _on_webrtc, frozenset(), _OFFER),
)
