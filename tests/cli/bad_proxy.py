"""A proxy as people misconfigure them: it passes no upgrade, and keeps events until their end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

__all__ = ("bad_proxy",)

REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nserver: bad-proxy\r\ncontent-length: 0\r\n\r\n"


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()


async def _keep(source: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await source.read(65536):
            pass


@asynccontextmanager
async def bad_proxy(upstream: int) -> AsyncGenerator[int]:
    """Its port, in front of a server on loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"upgrade: websocket" in head.lower():
            writer.write(REFUSED)
            writer.close()
            return
        events = b"/events" in head.partition(b"\r\n")[0]
        server, to_server = await asyncio.open_connection("127.0.0.1", upstream)
        to_server.write(head)
        back = _keep(server) if events else _copy(server, writer)
        try:
            await asyncio.gather(_copy(reader, to_server), back)
        finally:
            to_server.close()
            writer.close()

    async with asyncio.TaskGroup() as tasks:
        connections: list[asyncio.Task[None]] = []

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(tasks.create_task(serve(reader, writer)))

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
            for connection in connections:
                connection.cancel()
