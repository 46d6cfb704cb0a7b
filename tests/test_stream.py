"""Inputs and outputs of live calls, by the application and HTTP: docs/protocol.md."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from antiphon import Call, Stream, UnknownCall
from antiphon.core.ports import positional
from tests.conformance.handlers import wait
from tests.conformance.peer import Peer
from tests.conformance.trace import Told, matching, refusal, start, told
from tests.conformance.transports import SERVERS, Site, Transport

WEBSOCKET = next(line for line in SERVERS if line.name == "websocket")
FETCH = Told({"type": "fetch_output", "data": []})


class Served:
    """A stream over a WebSocket, its HTTP side, and one call."""

    def __init__(self, site: Site, http: httpx.AsyncClient, peer: Peer) -> None:
        self.site = site
        self.stream = site.stream
        self.http = http
        self.peer = peer

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        """To `/input_hook`."""
        return await self.http.post(
            "/input_hook", content=msgspec.json.encode(body), headers=headers
        )


@asynccontextmanager
async def served(handler: Any, **options: Any) -> AsyncGenerator[Served]:
    """With a call of the id `one`."""
    async with (
        WEBSOCKET.serving(handler, **options) as site,
        httpx.AsyncClient(base_url=site.place.url, trust_env=False) as http,
        site.peer() as peer,
    ):
        await peer.say(start())
        yield Served(site, http, peer)


async def show_inputs(call: Call) -> None:
    """Tell each set of inputs."""
    while True:
        await call.send(list(await call.wait_for_inputs()))


async def put_out(call: Call) -> None:
    """Publish what the client sends; a list as several values."""
    async for message in call.messages:
        await call.output(*positional(message.data))


async def asked(peer: Peer) -> None:
    """The handler waits for inputs."""
    await peer.hear(Told({"type": "send_input", "data": []}))


@pytest.mark.parametrize(
    ("inputs", "seen"), [([1, "two"], [1, "two"]), ({"a": 1}, [{"a": 1}]), (None, [None])]
)
async def test_inputs_without_a_type_are_positional_by_a_list(inputs: Any, seen: Any) -> None:
    async with served(show_inputs) as at:
        await asked(at.peer)
        response = await at.post({"webrtc_id": "one", "inputs": inputs})
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        await at.peer.hear(told(seen))


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"no json", 400, "invalid_body"),
        (b'{"webrtc_id": "one", "inputs": ' + b"[" * 100_000, 400, "invalid_body"),
        (b"\xff", 400, "invalid_body"),
        (b"[]", 422, "invalid_field"),
        (b'{"inputs": [1]}', 422, "invalid_field"),
        (b'{"webrtc_id": [], "inputs": [1]}', 422, "invalid_field"),
        (b'{"webrtc_id": "one"}', 422, "invalid_field"),
        (b'{"webrtc_id": "", "inputs": [1]}', 422, "invalid_field"),
        (b'{"webrtc_id": "nobody", "inputs": [1]}', 404, "unknown_connection"),
        (b'{"webrtc_id": "one", "inputs": "%s"}' % (b"x" * 1024 * 1024), 413, "body_too_large"),
    ],
)
async def test_inputs_that_cannot_be_taken_change_nothing(
    body: bytes, status: int, error: str
) -> None:
    async with served(show_inputs) as at:
        await asked(at.peer)
        response = await at.http.post("/input_hook", content=body)
        assert (response.status_code, refusal(response.json()).error) == (status, error)
        await at.peer.answers()


async def test_a_number_is_an_id_as_its_text_in_the_hook_too() -> None:
    async with served(show_inputs) as at, at.site.peer() as other:
        await other.say(start(7))
        await asked(other)
        assert (await at.post({"webrtc_id": 7, "inputs": ["x"]})).status_code == 200
        await other.hear(told(["x"]))


async def test_commands_for_an_unknown_call_raise() -> None:
    stream = Stream(wait)
    with pytest.raises(UnknownCall, match="'nobody'"):
        stream.set_input("nobody", 1)
    with pytest.raises(UnknownCall):
        stream.hang_up("nobody")
    with pytest.raises(UnknownCall):
        stream.output_stream("nobody")
    with pytest.raises(UnknownCall):
        await stream.fetch_latest_output("nobody")


async def test_calls_lists_the_live_ones_oldest_first(over: Transport) -> None:
    async with over.serving(wait) as site, AsyncExitStack() as stack:
        assert site.calls == []
        for name in ("b", "a"):
            peer = await stack.enter_async_context(site.peer())
            await peer.say(start(name, metadata={"name": name}))
            await peer.answers()
        assert [(c.id, c.transport, c.metadata) for c in site.calls] == [
            ("b", over.kind, {"name": "b"}),
            ("a", over.kind, {"name": "a"}),
        ]
        assert all(call.token == matching(r"[\w-]{22,}") for call in site.calls)
        assert len({call.token for call in site.calls}) == 2


async def test_an_output_stream_is_not_read_from_what_is_no_position() -> None:
    async with served(wait) as at:
        await at.peer.answers()
        with pytest.raises(ValueError, match="<epoch>-<offset>"):
            at.stream.output_stream("one", after="somewhere")


@pytest.mark.parametrize("position", ["x", "1", "1-", "-1", "1-x", "1" * 50 + "-1"])
async def test_a_position_that_is_none_is_refused(position: str) -> None:
    async with served(put_out) as at:
        response = await at.http.get(
            "/outputs", params={"webrtc_id": "one"}, headers={"last-event-id": position}
        )
        assert (response.status_code, refusal(response.json()).error) == (422, "invalid_field")


@pytest.mark.parametrize("path", ["/outputs", "/updates"])
async def test_outputs_of_an_unknown_call_are_refused_and_nothing_is_made(path: str) -> None:
    async with served(put_out) as at:
        for _ in range(2):
            response = await at.http.get(path, params={"webrtc_id": "nobody"})
            assert (response.status_code, refusal(response.json()).error) == (
                404,
                "unknown_connection",
            )
        assert (await at.http.get(path)).status_code == 422
        await at.peer.answers()
        assert [call.id for call in at.stream.calls] == ["one"]
