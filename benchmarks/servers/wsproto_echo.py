"""A bare echo on wsproto's events and nothing else: what the library costs by itself."""

import argparse
import asyncio
import socket
from typing import cast

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError


class Echo(asyncio.Protocol):
    """One connection: the handshake, then every message back as it came."""

    def __init__(self) -> None:
        self._ws = WSConnection(ConnectionType.SERVER)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not derive from it

    def data_received(self, data: bytes) -> None:
        try:
            self._ws.receive_data(data)
        except RemoteProtocolError as error:
            if error.event_hint is not None:
                self._transport.write(self._ws.send(error.event_hint))
            self._transport.close()
            return
        for event in self._ws.events():
            self._answer(event)

    def _answer(self, event: Event) -> None:
        match event:
            case TextMessage(data=text, message_finished=final):
                reply: Event = Message(text, message_finished=final)
            case BytesMessage(data=binary, message_finished=final):
                reply = Message(binary, message_finished=final)
            case Request():
                reply = AcceptConnection()
            case Ping() | CloseConnection():
                reply = event.response()
            case _:
                return
        self._transport.write(self._ws.send(reply))
        if isinstance(event, CloseConnection):
            self._transport.close()


async def listen() -> None:
    """Serve until the process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1024)
    address: tuple[str, int] = server.sockets[0].getsockname()
    assert server.sockets[0].family is socket.AF_INET
    print(f"wsproto echo on http://{address[0]}:{address[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Run on the loop that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    if parser.parse_args().loop == "uvloop":
        import uvloop

        uvloop.run(listen())
    else:
        asyncio.run(listen())


if __name__ == "__main__":
    main()
