"""HTTP, lifespan and the mount path behind ASGI servers that we did not write."""

import base64
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from anyio import wait_all_tasks_blocked
from hypercorn.utils import LifespanFailureError

from antiphon import Call, Stream
from antiphon.handlers.echo import echo
from antiphon.transports import asgi as asgi_module
from antiphon.transports.asgi import AsgiApp
from antiphon.transports.directory import LocalDirectory
from antiphon.transports.host import Host
from antiphon.transports.routes import Routes
from tests.transports.asgi_calls import telephone
from tests.transports.asgi_servers import Served, Serving, on_hypercorn, on_uvicorn

START = {"event": "start", "websocket_id": "alice"}
SOUND = bytes(range(0x80, 0xFF)) * 2


def brief(stream: Stream) -> AsgiApp:
    """Its application, which does not wait for calls at shutdown."""
    return AsgiApp(stream.asgi.routes, grace=0)


def requesting(served: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=served.http)


def media(sound: bytes) -> bytes:
    payload = base64.b64encode(sound).decode()
    return json.dumps({"event": "media", "media": {"payload": payload}}).encode() + b"\n"


async def offered(client: httpx.AsyncClient) -> tuple[dict[str, str], dict[str, str]]:
    """A new call: its links, and the header that proves that it is ours."""
    response = await client.post("/http/offer", json=START)
    assert response.status_code == 201
    call = response.json()
    return call["links"], {"authorization": f"Bearer {call['token']}"}


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, url: str, headers: dict[str, str]
) -> AsyncGenerator[AsyncIterator[tuple[str, Any]]]:
    """The events of an event stream: name and data."""
    async with client.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name, data = "message", ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data = value
        elif not line and data:
            yield name, json.loads(data)
            name, data = "message", ""


async def heard(events: AsyncIterator[tuple[str, Any]], length: int) -> bytes:
    sound = b""
    while len(sound) < length:
        _, message = await anext(events)
        sound += base64.b64decode(message["media"]["payload"])
    return sound


async def test_a_call_over_http_echoes_an_upload_while_it_is_sent(serving: Serving) -> None:
    echoed = anyio.Event()

    async def upload() -> AsyncIterator[bytes]:
        line = media(SOUND)
        yield line[:50]
        yield line[50:]
        await echoed.wait()
        yield media(SOUND[::-1])

    async with serving(brief(telephone())) as served, requesting(served) as client:
        links, proof = await offered(client)
        kind = {"content-type": "application/x-ndjson"}
        async with (
            listening(client, links["events"], proof) as events,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(
                lambda: client.post(links["send"], content=upload(), headers={**proof, **kind})
            )
            assert await heard(events, len(SOUND)) == SOUND
            echoed.set()
            assert await heard(events, len(SOUND)) == SOUND[::-1]
            assert (await client.delete(links["end"], headers=proof)).status_code == 204
            assert [event async for event in events] == [("end", {"code": 1000, "reason": ""})]
        again = await client.delete(links["end"], headers=proof)
        assert again.status_code == 410


async def test_an_upload_that_breaks_off_leaves_its_call_alone(serving: Serving) -> None:
    sending = anyio.Event()

    async def upload() -> AsyncIterator[bytes]:
        yield media(SOUND) + b'{"event": "me'
        sending.set()
        await anyio.sleep_forever()

    async with serving(brief(telephone())) as served, requesting(served) as client:
        links, proof = await offered(client)
        kind = {"content-type": "application/x-ndjson"}
        async with listening(client, links["events"], proof) as events:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(
                    lambda: client.post(links["send"], content=upload(), headers={**proof, **kind})
                )
                assert await heard(events, len(SOUND)) == SOUND
                await sending.wait()
                tasks.cancel_scope.cancel()
            await wait_all_tasks_blocked()
            after = await client.post(links["send"], content=media(SOUND), headers=proof)
            assert after.status_code == 204
            assert await heard(events, len(SOUND)) == SOUND


async def test_an_event_stream_whose_listener_leaves_is_closed(serving: Serving) -> None:
    """Its call is then absent, and ends when nobody comes back."""
    ended = anyio.Event()

    async def handler(call: Call) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    settings = Stream(echo).host.settings
    timing = msgspec.structs.replace(settings.session.timing, absence_timeout=1.0)
    session = msgspec.structs.replace(settings.session, timing=timing)
    settings = msgspec.structs.replace(settings, session=session)
    asgi = AsgiApp(Routes(Host(handler, settings, LocalDirectory(1))))
    async with serving(asgi) as served, requesting(served) as client:
        links, proof = await offered(client)
        async with listening(client, links["events"], proof):
            pass
        await ended.wait()


async def test_the_head_of_an_event_stream_comes_before_its_first_event(serving: Serving) -> None:
    async with serving(brief(telephone())) as served, requesting(served) as client:
        links, proof = await offered(client)
        async with client.stream("GET", links["events"], headers=proof) as response:
            assert response.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("path", ["/", "/health", "/nothing"])
async def test_head_answers_as_get_without_a_body(serving: Serving, path: str) -> None:
    async with serving(brief(telephone())) as served, requesting(served) as client:
        got, head = await client.get(path), await client.head(path)
    assert head.status_code == got.status_code
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.content == b""


async def test_head_of_an_event_stream_ends_at_once(serving: Serving) -> None:
    async with serving(brief(telephone())) as served, requesting(served) as client:
        links, proof = await offered(client)
        head = await client.head(links["events"], headers=proof)
    assert (head.status_code, head.content) == (200, b"")


async def test_a_query_without_end_is_refused(serving: Serving) -> None:
    async with serving(brief(telephone())) as served, requesting(served) as client:
        refused = await client.get("/outputs?" + "a&" * 65)
    assert refused.status_code == 400
    assert refused.json()["meta"]["error"] == "invalid_body"


async def test_a_preflight_is_answered_without_a_body(serving: Serving) -> None:
    origin = "https://app.test"
    stream = telephone(origins=[origin])
    async with serving(stream.asgi) as served, requesting(served) as client:
        answer = await client.options("/http/offer", headers={"origin": origin})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin


async def silent() -> Any:
    """The `receive` of a server whose client says nothing more."""
    await anyio.sleep_forever()


async def answered(asgi: AsgiApp, method: str, path: str, **scope: Any) -> list[Any]:
    """What the application sends for a request, up to its first wait, when the client leaves."""
    sent: list[Any] = []
    left = anyio.Event()

    async def receive() -> dict[str, str]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with anyio.create_task_group() as tasks:
        whole = {"type": "http", "method": method, "path": path, **scope}
        tasks.start_soon(asgi, whole, receive, send)
        await wait_all_tasks_blocked()
        left.set()
    return sent


async def test_a_server_is_given_a_body_to_send_the_head_with() -> None:
    """It may hold the head back until then (HTTP message format, response start)."""
    asgi = telephone().asgi
    transport = httpx.ASGITransport(asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        links, proof = await offered(client)
    headers = [(name.encode(), value.encode()) for name, value in proof.items()]
    start, *bodies = await answered(asgi, "GET", links["events"], headers=headers)
    assert start["status"] == 200
    assert bodies == [{"type": "http.response.body", "body": b"", "more_body": True}]


@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_a_client_that_is_gone_by_the_servers_word_is_no_error(
    taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Servers raise OSError from `send` then (HTTP message format 2.4)."""
    asgi = telephone().asgi
    transport = httpx.ASGITransport(asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        links, proof = await offered(client)
    headers = [(name.encode(), value.encode()) for name, value in proof.items()]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        if len(sent) == taken:
            raise BrokenPipeError
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": headers}
    scope["path"] = links["events"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asgi, scope, silent, send)
        await wait_all_tasks_blocked()
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            # What is said next is what the server would not take.
            await client.post(links["send"], content=media(SOUND), headers=proof)
    assert len(sent) == taken
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_module, "BODY_TIMEOUT", 0.01)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/http/offer"}
    await telephone().asgi(scope, silent, send)
    assert sent[0]["status"] == 408


async def test_the_application_itself_sends_no_body_for_head() -> None:
    _, body = await answered(telephone().asgi, "HEAD", "/")
    assert body == {"type": "http.response.body", "body": b""}


async def test_the_host_runs_within_the_servers_lifespan(serving: Serving) -> None:
    stream = telephone()
    async with serving(stream.asgi) as served, requesting(served) as client:
        assert (await client.get("/health")).json() == {"status": "ok", "calls": 0}
    assert not stream.host.running
    async with serving(stream.asgi) as served, requesting(served) as client:
        assert (await client.get("/health")).status_code == 200


async def test_a_start_that_fails_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    stream = telephone()
    async with stream.host.run():
        with pytest.raises(ExceptionGroup) as failed:
            async with on_hypercorn(stream.asgi) as served:
                await served.stopped.wait()
    failure = failed.value.exceptions[0]
    assert isinstance(failure, LifespanFailureError)
    assert "this stream already runs" in str(failure)
    assert "the startup of the stream failed" in caplog.text


async def test_without_a_lifespan_the_first_request_starts_the_host() -> None:
    stream = telephone()
    async with on_uvicorn(stream.asgi, lifespan="off") as served, requesting(served) as client:
        assert not stream.host.running
        links, proof = await offered(client)
        assert (await client.delete(links["end"], headers=proof)).status_code == 204


async def test_two_first_requests_at_once_start_one_host() -> None:
    stream = telephone()
    transport = httpx.ASGITransport(stream.asgi)
    answers: list[int] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

        async def ask() -> None:
            answers.append((await client.get("/health")).status_code)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
    assert answers == [200, 200, 200]


def test_a_stream_serves_one_event_loop_after_another_and_ends_with_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "antiphon")
    stream = telephone()

    async def call() -> None:
        transport = httpx.ASGITransport(stream.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await offered(client)

    for _ in range(2):
        anyio.run(call)
        assert not stream.host.running
        assert stream.calls == []
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []


async def test_an_unknown_kind_of_scope_is_an_error() -> None:
    async def unused(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(ValueError, match="no 'telegraph' is served here"):
        await telephone().asgi({"type": "telegraph"}, unused, unused)
