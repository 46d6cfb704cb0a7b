"""Inputs and outputs of live calls, by the application and HTTP: docs/protocol.md section 4."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

import anyio
import httpx
import msgspec
import pytest
from anyio.abc import TaskStatus
from pydantic import BaseModel

from antiphon import Call, Output, Stream, UnknownCall
from antiphon.core.ports import positional
from tests.conformance.handlers import wait
from tests.conformance.http_wire import server_sent
from tests.conformance.peer import Peer
from tests.conformance.trace import Told, matching, refusal, start, told
from tests.conformance.transports import SERVERS, Site, Transport

WEBSOCKET = next(line for line in SERVERS if line.name == "websocket")
FETCH = Told({"type": "fetch_output", "data": []})


class AsStruct(msgspec.Struct):
    threshold: float
    prompt: str = "none"


@dataclass
class AsDataclass:
    threshold: float
    prompt: str = "none"


class AsTypedDict(TypedDict):
    threshold: float
    prompt: str


class AsModel(BaseModel):
    webrtc_id: str
    threshold: float
    prompt: str = "none"


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


async def publish(at: Served, *values: Any) -> None:
    """Let the handler publish."""
    for value in values:
        await at.peer.say({"event": "message", "data": value})
        await at.peer.hear(FETCH)


@pytest.mark.parametrize(
    ("inputs", "seen"), [([1, "two"], [1, "two"]), ({"a": 1}, [{"a": 1}]), (None, [None])]
)
async def test_inputs_without_a_type_are_positional_by_a_list(inputs: Any, seen: Any) -> None:
    async with served(show_inputs) as at:
        await asked(at.peer)
        response = await at.post({"webrtc_id": "one", "inputs": inputs})
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        await at.peer.hear(told(seen))


@pytest.mark.parametrize("inputs", [AsStruct, AsDataclass, AsTypedDict, AsModel])
async def test_typed_inputs_are_the_fields_in_declared_order(inputs: Any) -> None:
    async with served(show_inputs, inputs=inputs) as at:
        await asked(at.peer)
        response = await at.post({"prompt": "p", "threshold": 0.5, "webrtc_id": "one"})
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
        await at.peer.hear(told([0.5, "p"]))


@pytest.mark.parametrize("inputs", [AsStruct, AsDataclass, AsTypedDict, AsModel])
async def test_inputs_that_break_their_type_are_refused_with_the_path(inputs: Any) -> None:
    async with served(show_inputs, inputs=inputs) as at:
        await asked(at.peer)
        response = await at.post({"webrtc_id": "one", "threshold": "high", "prompt": "p"})
        assert response.status_code == 422
        assert refusal(response.json()).error == "invalid_field"
        assert "$.threshold" in response.json()["meta"]["detail"]
        await at.peer.answers()


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


async def test_a_required_token_is_asked_for_by_inputs_and_outputs() -> None:
    async with served(show_inputs, require_token=True) as at:
        await asked(at.peer)
        token = at.stream.calls[0].token
        body = {"webrtc_id": "one", "inputs": ["x"]}
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": token}):
            assert (await at.post(body, **headers)).status_code == 401
        for path in ("/outputs", "/updates"):
            response = await at.http.get(path, params={"webrtc_id": "one", "token": "wrong"})
            assert response.status_code == 401
        assert token not in response.text
        assert (await at.post(body, authorization=f"Bearer {token}")).status_code == 200
        await at.peer.hear(told(["x"]))
        params = {"webrtc_id": "one", "token": token}
        async with at.http.stream("GET", "/outputs", params=params) as stream:
            assert stream.status_code == 200


async def test_set_input_reaches_a_call_on_every_transport(over: Transport) -> None:
    async with over.serving(show_inputs) as site, site.peer() as peer:
        await peer.say(start())
        await asked(peer)
        site.stream.set_input("one", 0.5, {"k": "v"})
        await peer.hear(told([0.5, {"k": "v"}]))


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


async def listen(
    at: Served, path: str, seen: list[dict[str, str]], *, task_status: TaskStatus[None]
) -> None:
    """Gather all events of an output stream, to its end; started when the server has answered."""
    async with at.http.stream("GET", path, params={"webrtc_id": "one"}) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"] == "text/event-stream"
        task_status.started()
        seen += [event async for event in server_sent(stream)]


async def test_output_streams_give_all_from_the_ring_and_then_the_end() -> None:
    async with served(put_out) as at:
        await publish(at, "a", [1, 2])
        outputs: list[dict[str, str]] = []
        updates: list[dict[str, str]] = []
        listeners = [at.stream.output_stream("one") for _ in range(2)]
        async with anyio.create_task_group() as tasks:
            await tasks.start(listen, at, "/outputs", outputs)
            await tasks.start(listen, at, "/updates", updates)
            await publish(at, {"late": True})
            # Published and ended in one go: what was put out last must still arrive.
            await at.peer.say({"event": "message", "data": "last"}, {"event": "message", "data": 5})
            await at.peer.hear(FETCH, FETCH)
            at.stream.hang_up("one")
        data = ['"a"', "[1,2]", '{"late":true}', '"last"', "5"]
        assert [event["data"] for event in outputs[:-1]] == data
        assert [event["data"] for event in updates[:-1]] == data
        assert {event.get("event") for event in outputs[:-1]} == {"output"}
        assert {event.get("event") for event in updates[:-1]} == {None}
        assert outputs[-1]["event"] == updates[-1]["event"] == "end"
        for listener in listeners:
            values = [output.value async for output in listener]
            assert values == ["a", [1, 2], {"late": True}, "last", 5]


async def test_an_output_stream_resumes_behind_the_last_event_seen() -> None:
    async with served(put_out) as at:
        await publish(at, "a", "b", "c")
        params = {"webrtc_id": "one"}
        async with at.http.stream("GET", "/outputs", params=params) as stream:
            first = await anext(server_sent(stream))
        for headers, query in (
            ({"last-event-id": first["id"]}, {}),
            ({}, {"last_event_id": first["id"]}),
        ):
            async with at.http.stream(
                "GET", "/outputs", params={**params, **query}, headers=headers
            ) as stream:
                assert (await anext(server_sent(stream)))["data"] == '"b"'


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


async def test_an_output_that_is_no_json_is_told_and_the_next_one_follows() -> None:
    async def odd(call: Call) -> None:
        await call.output(object())
        await call.output("fine")
        async for _ in call.messages:
            return

    async with served(odd) as at:
        await at.peer.hear(FETCH, FETCH)
        params = {"webrtc_id": "one"}
        async with at.http.stream("GET", "/outputs", params=params) as stream:
            listener = server_sent(stream)
            error, output = await anext(listener), await anext(listener)
        assert error["event"] == "error"
        assert "object" in error["data"]
        assert (output["event"], output["data"]) == ("output", '"fine"')


async def test_only_the_newest_256_outputs_are_kept() -> None:
    async def many(call: Call) -> None:
        for number in range(300):
            await call.output(number)
        await call.send("done")
        await wait(call)

    async with served(many) as at:
        await at.peer.hear(*[FETCH] * 300, told("done"))
        listener = at.stream.output_stream("one")
        assert (await anext(listener)).value == 300 - 256
        assert (await at.stream.fetch_latest_output("one")).value == 299


async def test_the_latest_output_is_the_newest_and_the_first_is_waited_for() -> None:
    async with served(put_out) as at:
        await at.peer.answers()
        came: list[Output] = []

        async def fetch() -> None:
            came.append(await at.stream.fetch_latest_output("one", timeout=5))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fetch)
            await anyio.wait_all_tasks_blocked()
            await publish(at, "first")
        await publish(at, "second", "third")
        came.append(await at.stream.fetch_latest_output("one"))
        assert [output.args for output in came] == [("first",), ("third",)]


async def test_waiting_for_a_first_output_has_a_limit_and_ends_with_the_call() -> None:
    async with served(put_out) as at:
        await at.peer.answers()
        with pytest.raises(TimeoutError):
            await at.stream.fetch_latest_output("one", timeout=0.05)

        async def fetch() -> None:
            with pytest.raises(UnknownCall):
                await at.stream.fetch_latest_output("one", timeout=5)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fetch)
            await anyio.wait_all_tasks_blocked()
            at.stream.hang_up("one")
