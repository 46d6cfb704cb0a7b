"""A peer on a WebSocket: the `websockets` package as the client."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import anyio
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from tests.conformance.peer import Inbox
from tests.conformance.places import Place
from tests.conformance.trace import REFUSALS, Closed, Refused, Sound, heard, refusal

__all__ = ("dial_websocket",)


class _WebSocketWire:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def text(self, payload: bytes) -> None:
        await self._socket.send(payload, text=True)

    async def samples(self, payload: bytes) -> None:
        await self._socket.send(payload)

    async def vanish(self) -> None:
        self._socket.transport.abort()


class _RefusedWire:
    """The handshake was refused: nothing can be said."""

    async def text(self, payload: bytes) -> None:
        raise AssertionError("the handshake was refused")

    samples = text

    async def vanish(self) -> None:
        """It is gone already."""


async def _listen(socket: ClientConnection, inbox: Inbox) -> None:
    last: Refused | None = None
    try:
        while True:
            message = await socket.recv()
            item = heard(message) if isinstance(message, str) else Sound(message, binary=True)
            last = item if isinstance(item, Refused) else last
            inbox.put(item)
    except ConnectionClosed:
        code = socket.close_code
    assert code is not None
    if last is not None:
        assert code == REFUSALS[last.error][1]
    inbox.put(Closed(code))
    inbox.end()


def _tell_refusal(response: Response, inbox: Inbox) -> None:
    failed = refusal(msgspec.json.decode(response.body or b""))
    assert response.status_code == REFUSALS[failed.error][0]
    assert (response.status_code == 429) == ("retry-after" in response.headers)
    inbox.put(failed)
    inbox.put(Closed(REFUSALS[failed.error][1]))
    inbox.end()


@asynccontextmanager
async def dial_websocket(
    place: Place, headers: Mapping[str, str], inbox: Inbox
) -> AsyncGenerator[_WebSocketWire | _RefusedWire]:
    """Connect to `/websocket/offer`."""
    url = place.url.replace("http", "ws", 1) + "/websocket/offer"
    try:
        socket = await connect(
            url, additional_headers=headers, compression=None, ping_interval=None, proxy=None
        )
    except InvalidStatus as error:
        _tell_refusal(error.response, inbox)
        yield _RefusedWire()
        return
    async with anyio.create_task_group() as tasks, socket:
        tasks.start_soon(_listen, socket, inbox)
        yield _WebSocketWire(socket)
        await socket.close()
        tasks.cancel_scope.cancel()
