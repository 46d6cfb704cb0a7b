"""A STUN server on loopback, of what a binding request needs (RFC 8489)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from aioice import stun

__all__ = ("stun_server",)


class _Stun(asyncio.DatagramProtocol):
    def __init__(self, mapped: tuple[str, int] | None) -> None:
        self._mapped = mapped
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        request = stun.parse_message(data)
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self._mapped or (addr[0], addr[1])
        self._transport.sendto(bytes(response), addr)


@asynccontextmanager
async def stun_server(mapped: tuple[str, int] | None = None) -> AsyncGenerator[int]:
    """Its port. `mapped`: what it says it sees; without it, what it sees."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Stun(mapped), local_addr=("0.0.0.0", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
