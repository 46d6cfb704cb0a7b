"""Calls over WebSocket behind ASGI servers that we did not write."""

import base64
import json
import logging
from collections.abc import MutableMapping
from typing import Any

import anyio
import httpx
import pytest
from anyio import wait_all_tasks_blocked
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close

from antiphon import Call
from antiphon.transports.asgi import AsgiApp
from antiphon.transports.requests import Request
from tests.transports.asgi_calls import Forever, telephone
from tests.transports.asgi_servers import Served, Serving, on_uvicorn

# All mu-law codes but minus zero, which is coded again as plus zero (ITU-T G.711).
SOUND = bytes(code for code in range(256) if code != 0x7F) * 4


def calling(served: Served, path: str = "/websocket/offer", **options: Any) -> connect:
    return connect(f"{served.ws}{path}", compression=None, **options)


async def start(client: ClientConnection, call_id: str = "alice") -> None:
    await client.send(json.dumps({"event": "start", "websocket_id": call_id}))


async def heard(client: ClientConnection, length: int) -> bytes:
    """That many bytes of sound, of text or binary messages."""
    sound = b""
    while len(sound) < length:
        message = await client.recv()
        if isinstance(message, bytes):
            sound += message
        else:
            sound += base64.b64decode(json.loads(message)["media"]["payload"])
    return sound


async def rest(client: ClientConnection) -> tuple[list[Any], int, str]:
    """What is still told, and how the connection is closed by the server."""
    told: list[Any] = []
    close = None
    while close is None:
        try:
            told.append(json.loads(await client.recv()))
        except ConnectionClosed as error:
            close = error.rcvd or Close(1006, "")
    return told, close.code, close.reason


async def test_sound_in_json_comes_back_as_it_went(serving: Serving) -> None:
    async with serving(telephone().asgi) as served, calling(served) as client:
        await start(client)
        for at in range(0, len(SOUND), 160):
            payload = base64.b64encode(SOUND[at : at + 160]).decode()
            await client.send(json.dumps({"event": "media", "media": {"payload": payload}}))
        assert await heard(client, len(SOUND)) == SOUND


async def test_binary_sound_comes_back_as_binary(serving: Serving) -> None:
    async with serving(telephone().asgi) as served, calling(served) as client:
        await start(client)
        for at in range(0, len(SOUND), 160):
            await client.send(SOUND[at : at + 160])
        assert await heard(client, len(SOUND)) == SOUND


async def test_a_stop_closes_with_1000(serving: Serving) -> None:
    async with serving(telephone().asgi) as served, calling(served) as client:
        await start(client)
        await client.send('{"event": "stop"}')
        assert (await rest(client))[1:] == (1000, "")


def nobody(_: Request) -> None:
    """An `authorize` that knows nobody."""


OFFER = "/websocket/offer"
REFUSED: list[tuple[str, dict[str, Any], dict[str, str], int, str]] = [
    ("/elsewhere", {}, {}, 404, "not_found"),
    (OFFER, {"authorize": nobody}, {}, 401, "unauthorized"),
    (OFFER, {}, {"origin": "https://evil.test"}, 403, "forbidden_origin"),
    (OFFER, {"modality": "video"}, {}, 415, "unsupported_modality"),
    (OFFER + "?" + "a&" * 65, {}, {}, 400, "invalid_body"),
]


@pytest.mark.parametrize(("path", "options", "headers", "status", "error"), REFUSED)
async def test_a_refusal_before_the_upgrade_has_status_and_body(
    serving: Serving,
    path: str,
    options: dict[str, Any],
    headers: dict[str, str],
    status: int,
    error: str,
) -> None:
    async with serving(telephone(**options).asgi) as served:
        with pytest.raises(InvalidStatus) as refused:
            await calling(served, path, additional_headers=headers)
    response = refused.value.response
    assert response.status_code == status
    body = json.loads(response.body or b"")
    assert (body["status"], body["meta"]["error"]) == ("failed", error)


async def test_an_authorize_that_fails_refuses_with_500(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    def authorize(_: Any) -> None:
        raise LookupError("the database is away")

    async with serving(telephone(authorize=authorize).asgi) as served:
        with pytest.raises(InvalidStatus) as refused:
            await calling(served)
    assert refused.value.response.status_code == 500
    assert "the database is away" not in (refused.value.response.body or b"").decode()
    assert "the database is away" in caplog.text


async def test_the_limit_of_connecting_calls_holds_before_the_upgrade(serving: Serving) -> None:
    async with serving(telephone(connecting_limit=1).asgi) as served, calling(served) as first:
        with pytest.raises(InvalidStatus) as refused:
            await calling(served)
        await first.close()
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["retry-after"] == "1"


async def test_a_server_without_denial_responses_sends_403(serving: Serving) -> None:
    inner = telephone().asgi

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope.pop("extensions", None)
        await inner(scope, receive, send)

    async with serving(app) as served:
        with pytest.raises(InvalidStatus) as refused:
            await calling(served, "/elsewhere")
    assert refused.value.response.status_code == 403


async def test_a_call_over_the_limit_is_told_so_and_closed_with_1013(serving: Serving) -> None:
    handler = Forever()
    stream = telephone(handler, concurrency_limit=1)
    async with serving(stream.asgi) as served, calling(served) as first, calling(served) as second:
        await start(first)
        await handler.begun.wait()
        await start(second, "bob")
        meta = {"error": "concurrency_limit_reached", "limit": 1}
        assert await rest(second) == (
            [{"status": "failed", "meta": meta}],
            1013,
            "concurrency_limit_reached",
        )


@pytest.mark.parametrize("begun", [False, True], ids=["before start", "after start"])
async def test_malformed_json_is_told_and_closed_with_1007(serving: Serving, begun: bool) -> None:
    async with serving(telephone().asgi) as served, calling(served) as client:
        if begun:
            await start(client)
        await client.send("{nonsense")
        told, code, _ = await rest(client)
    assert [message["type"] for message in told] == ["error"]
    assert code == 1007


@pytest.mark.parametrize("payload", ["x" * 1025, b"x" * 1025, "é" * 513], ids=type)
async def test_a_message_longer_than_max_message_is_closed_with_1009(
    serving: Serving, payload: str | bytes
) -> None:
    stream = telephone(max_message=1024)
    async with serving(stream.asgi) as served, calling(served) as client:
        await start(client)
        await client.send(payload)
        told, code, _ = await rest(client)
    assert [message["data"] for message in told] == ["a message has at most 1024 bytes"]
    assert code == 1009


async def test_the_clients_close_ends_its_call_with_code_and_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # hypercorn tells neither, it says 1006 for every end.
    caplog.set_level(logging.INFO, "antiphon")
    handler = Forever()
    async with on_uvicorn(telephone(handler).asgi) as served:
        async with calling(served) as client:
            await start(client)
            await handler.begun.wait()
            await client.close(4001, "bye")
        await handler.ended.wait()
        await wait_all_tasks_blocked()
    assert ": 4001 bye, 0 frames dropped" in caplog.text


async def test_a_connection_that_breaks_ends_its_call(serving: Serving) -> None:
    handler = Forever()
    stream = telephone(handler)
    async with serving(stream.asgi) as served, calling(served) as client:
        await start(client)
        await handler.begun.wait()
        client.transport.abort()
        await handler.ended.wait()
        await wait_all_tasks_blocked()
        assert stream.calls == []


async def test_a_server_that_stops_ends_its_calls() -> None:
    # hypercorn stops when its last client has left by itself, since Python 3.12.
    handler = Forever()
    async with on_uvicorn(telephone(handler).asgi) as served, calling(served) as client:
        await start(client)
        await handler.begun.wait()
        served.stopping.set()
        await handler.ended.wait()
        assert (await rest(client))[1] == 1012
        await served.stopped.wait()


async def test_a_lifespan_that_ends_tells_its_clients_and_closes_with_1001() -> None:
    """By a server that tells of shutdown while its connections are open."""
    handler = Forever()
    asgi = AsgiApp(telephone(handler).asgi.routes, grace=0.01)
    to_app, from_server = anyio.create_memory_object_stream[dict[str, Any]](2)
    to_server, from_app = anyio.create_memory_object_stream[Any](2)
    with to_app, from_server, to_server, from_app:
        async with on_uvicorn(asgi, lifespan="off") as served, anyio.create_task_group() as tasks:
            tasks.start_soon(asgi, {"type": "lifespan"}, from_server.receive, to_server.send)
            await to_app.send({"type": "lifespan.startup"})
            assert await from_app.receive() == {"type": "lifespan.startup.complete"}
            async with calling(served) as client, httpx.AsyncClient(base_url=served.http) as http:
                await start(client)
                await handler.begun.wait()
                await to_app.send({"type": "lifespan.shutdown"})
                told, code, reason = await rest(client)
                assert [message["type"] for message in told] == ["warning", "end_stream"]
                assert (code, reason) == (1001, "the server is shutting down")
                assert handler.ended.is_set()
                assert await from_app.receive() == {"type": "lifespan.shutdown.complete"}
                assert (await http.get("/health")).status_code == 503


async def test_backpressure_reaches_the_handler_through_a_server(serving: Serving) -> None:
    said, count, text = 0, 600, "x" * 65536
    begun = anyio.Event()

    async def handler(call: Call) -> None:
        nonlocal said
        begun.set()
        for said in range(count):
            await call.send(f"{said} {text}")

    stream = telephone(handler)
    async with serving(stream.asgi) as served, calling(served) as client:
        await start(client)
        await begun.wait()
        await wait_all_tasks_blocked()
        assert said < count - 1
        told, code, _ = await rest(client)
    *messages, ended = told
    assert [int(message["data"].split()[0]) for message in messages] == list(range(count))
    assert (ended["type"], code) == ("end_stream", 1000)


async def test_an_authorize_may_read_the_body_that_a_handshake_does_not_have(
    serving: Serving,
) -> None:
    async def authorize(request: Request) -> bool:
        return [part async for part in request.body] == []

    async with serving(telephone(authorize=authorize).asgi) as served, calling(served) as client:
        await client.send('{"event": "ping"}')
        assert json.loads(await client.recv()) == {"event": "pong"}
