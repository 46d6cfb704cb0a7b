"""The link of a WebSocket behind an ASGI server, where the server is slow, silent or gone."""

import json
import logging
from typing import Any

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from antiphon import Call
from antiphon.transports import asgi_websocket
from antiphon.transports.asgi_websocket import MAX_OUTBOUND, OUTBOUND
from tests.transports.asgi_calls import Forever, telephone


class Slow:
    """ASGI's two callables of a server whose client does not read until it is let."""

    def __init__(self) -> None:
        self.reading = anyio.Event()
        self.sent: list[Any] = []
        self.to_app, self._from_client = anyio.create_memory_object_stream[Any](1000)

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await self.reading.wait()
        self.sent.append(message)

    async def receive(self) -> Any:
        return await self._from_client.receive()

    def say(self, text: str) -> None:
        self.to_app.send_nowait({"type": "websocket.receive", "text": text})

    def __enter__(self) -> "Slow":
        self.to_app.send_nowait({"type": "websocket.connect"})
        return self

    def __exit__(self, *_: object) -> None:
        self.to_app.close()
        self._from_client.close()


SCOPE = {"type": "websocket", "path": "/websocket/offer"}


async def test_a_handler_waits_for_a_client_that_does_not_read_and_its_order_is_kept() -> None:
    said = 0

    async def handler(call: Call) -> None:
        nonlocal said
        for said in range(3 * OUTBOUND):
            await call.send(said)

    with Slow() as client:
        client.say('{"event": "start", "websocket_id": "slow"}')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(telephone(handler).asgi, dict(SCOPE), client.receive, client.send)
            await wait_all_tasks_blocked()
            assert said == OUTBOUND + 1
            client.reading.set()

            await wait_all_tasks_blocked()
            client.to_app.send_nowait({"type": "websocket.disconnect", "code": 1000})
    accepted, *messages, ended, closed = client.sent
    assert accepted["type"] == "websocket.accept"
    assert [json.loads(m["text"])["data"] for m in messages] == list(range(3 * OUTBOUND))
    assert json.loads(ended["text"])["type"] == "end_stream"
    assert (closed["type"], closed["code"]) == ("websocket.close", 1000)


async def test_a_server_that_never_tells_of_the_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi_websocket, "CLOSE_TIMEOUT", 0.01)
    with Slow() as client:
        client.reading.set()
        client.say('{"event": "stop"}')
        await telephone().asgi(dict(SCOPE), client.receive, client.send)
    assert [message["type"] for message in client.sent] == ["websocket.accept", "websocket.close"]


@pytest.mark.parametrize("error", [OSError, RuntimeError])
async def test_a_server_that_takes_no_more_says_itself_how_the_call_ended(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "antiphon")

    async def send(message: Any) -> None:
        if message["type"] != "websocket.accept":
            raise error("gone")

    handler = Forever()
    with Slow() as client:
        client.say('{"event": "start", "websocket_id": "alice"}')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(telephone(handler).asgi, dict(SCOPE), client.receive, send)
            await handler.begun.wait()
            client.say('{"event": "ping"}')
            await wait_all_tasks_blocked()
            client.to_app.send_nowait({"type": "websocket.disconnect", "code": 1011})
            await handler.ended.wait()
        await wait_all_tasks_blocked()
    assert ": 1011, 0 frames dropped" in caplog.text


async def test_a_client_that_leaves_before_the_handshake_is_not_answered() -> None:
    client = Slow()
    with client.to_app:
        client.to_app.send_nowait({"type": "websocket.disconnect", "code": 1006})
        await telephone().asgi(dict(SCOPE), client.receive, client.send)
    client.__exit__()
    assert client.sent == []


async def test_a_client_that_asks_without_reading_is_hung_up_on() -> None:
    handler = Forever()
    with Slow() as client:
        client.say('{"event": "start", "websocket_id": "slow"}')
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(telephone(handler).asgi, dict(SCOPE), client.receive, client.send)
            for _ in range(MAX_OUTBOUND + 2):  # one answer is in the server's hands
                client.say('{"event": "ping"}')
                await anyio.lowlevel.checkpoint()
            await handler.ended.wait()
    assert [message["type"] for message in client.sent] == ["websocket.accept"]
