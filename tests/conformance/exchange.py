"""The HTTP side of a stream that is served, and handlers that show inputs and publish outputs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx

from antiphon import Call
from antiphon.core.ports import positional
from tests.conformance.http_wire import server_sent
from tests.conformance.peer import Peer
from tests.conformance.trace import Told, told
from tests.conformance.transports import Site, Transport

__all__ = ("ASKED", "FETCH", "Exchange", "answer", "exchanging", "put_out")

ASKED = Told({"type": "send_input", "data": []})
FETCH = Told({"type": "fetch_output", "data": []})


async def answer(call: Call) -> None:
    """Tell the inputs of each call; a message is a call."""
    await call.send("ready")
    async for _ in call.messages:
        await call.send(list(call.inputs))


async def put_out(call: Call) -> None:
    """Publish each message, a list as several values; end at the word `end`."""
    await call.send("ready")
    async for message in call.messages:
        if message.data == "end":
            return
        await call.output(*positional(message.data))


class Exchange:
    """One call with the id `one`, and requests about it."""

    def __init__(self, site: Site, peer: Peer, http: httpx.AsyncClient) -> None:
        self.stream = site.stream
        self.directory = site.directory
        self.peer = peer
        self.http = http

    @property
    def proof(self) -> dict[str, str]:
        """The header that proves to speak for the call."""
        return {"authorization": f"Bearer {self.stream.calls[0].token}"}

    async def post(self, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        """To `/input_hook`."""
        body = {"webrtc_id": "one", **fields}
        return await self.http.post("/input_hook", json=body, headers=headers)

    async def calls(self, *inputs: Any) -> None:
        """The handler's next call sees these inputs."""
        await self.peer.say({"event": "message", "data": "a call"})
        await self.peer.hear(told(list(inputs)))

    async def publish(self, *values: Any) -> None:
        """Let the handler publish."""
        for value in values:
            await self.peer.say({"event": "message", "data": value})
            await self.peer.hear(FETCH)

    async def end(self) -> None:
        """Let the handler end."""
        await self.peer.say({"event": "message", "data": "end"})

    async def listen(
        self, path: str, into: list[dict[str, str]], after: str = "", **query: str
    ) -> None:
        """Gather all events of an output stream, to its end; `after` is the last one seen."""
        params = {"webrtc_id": "one", **query}
        headers = {"last-event-id": after} if after else {}
        async with self.http.stream("GET", path, params=params, headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream"
            into += [event async for event in server_sent(response)]

    async def heard(self, after: str = "", last: Any = None) -> list[dict[str, str]]:
        """The events of `/outputs` behind the last one seen; `last` is published when they flow,
        then the call ends.
        """
        events: list[dict[str, str]] = []
        read = self.directory.read["one"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.listen, "/outputs", events, after)
            await self.directory.reads("one", read + 1)
            if last is not None:
                await self.publish(last)
            await self.end()
        return events


@asynccontextmanager
async def exchanging(over: Transport, handler: Any, **options: Any) -> AsyncGenerator[Exchange]:
    """A call whose handler has said that it is ready. A stream in memory is asked through ASGI."""
    async with over.serving(handler, **options) as site, site.peer() as peer:
        served = (
            httpx.AsyncClient(base_url=site.place.url, trust_env=False, timeout=10)
            if site.place.url
            else httpx.AsyncClient(
                base_url="http://memory", transport=httpx.ASGITransport(site.stream.asgi)
            )
        )
        async with served as http:
            await peer.say({"event": "start", "websocket_id": "one"})
            await peer.hear(told("ready"))
            yield Exchange(site, peer, http)
