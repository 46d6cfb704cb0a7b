"""What the HTTP routes answer, through our own server, to a client that we did not write."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest

from antiphon import Call, Stream, echo
from antiphon.transports import http_call
from antiphon.transports.http import listen
from antiphon.transports.pages import PAGES
from antiphon.transports.routes import Routes
from tests.transports.serving import (
    PCM,
    Offered,
    WatchedDirectory,
    cancelled_on_exit,
    client_for,
    errors_in,
    listener,
    offer,
    raw,
    serving,
    start,
)

ASSETS = Path(http_call.__file__).with_name("assets")


def refusal(response: httpx.Response) -> str:
    return str(response.json()["meta"]["error"])


async def say(client: httpx.AsyncClient, call: Offered, **message: Any) -> httpx.Response:
    return await client.post(call.links["send"], json=message, headers=call.proof)


async def parrot(call: Call) -> None:
    """Returns messages."""
    async for message in call.messages:
        await call.send(message.data)


class Listening:
    """An event stream as its lines, read one event at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, str]:
        """The next event or comment. Raises StopAsyncIteration."""
        fields: dict[str, str] = {}
        while (line := await anext(self._lines)) or not fields:
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        return fields

    async def data(self) -> Any:
        """The `data` of the next message of the handler."""
        while True:
            event = await self.event()
            message = json.loads(event.get("data", "{}"))
            if message.get("type") == "message":
                return message["data"]


def events(client: httpx.AsyncClient, call: Offered, after: str = "") -> Any:
    headers = dict(call.proof) | ({"last-event-id": after} if after else {})
    return client.stream("GET", call.links["events"], headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/none", 404, None),
        ("POST", "/health", 405, "GET"),
        ("GET", "/http/offer", 405, "POST"),
        ("GET", "/http/a", 405, "DELETE"),
        ("GET", "/http/a/send", 405, "POST, DELETE"),
        ("POST", "/http/a/events", 405, "GET, DELETE"),
        ("HEAD", "/input_hook", 405, "POST"),
        ("GET", "/websocket/offer", 426, None),
        ("DELETE", "/http/a", 404, None),
        ("GET", "/outputs?webrtc_id=a", 404, None),
        ("GET", "/outputs", 422, None),
    ],
)
async def test_what_is_not_served_is_told(
    method: str, path: str, status: int, allow: str | None
) -> None:
    async with serving(Stream(echo)) as port, client_for(port) as client:
        response = await client.request(method, path)
        assert (response.status_code, response.headers.get("allow")) == (status, allow)


@pytest.mark.parametrize("modality", ["video", "audio-video"])
async def test_a_modality_that_http_does_not_carry_is_refused(modality: Any) -> None:
    async with serving(Stream(echo, modality=modality)) as port, client_for(port) as client:
        response = await client.post("/http/offer", content=start())
        assert (response.status_code, refusal(response)) == (415, "unsupported_modality")


@pytest.mark.parametrize("call_id", ["a/b", "a b", "%41", "?#&=+", "send", "x/events", "\\..//"])
async def test_an_id_may_hold_any_printable_character(call_id: str) -> None:
    async with serving(Stream(parrot)) as port, client_for(port) as client:
        call = await offer(client, call_id)
        assert call.session_id == call_id
        assert call.links["end"] == f"/http/{quote(call_id, safe='')}"
        assert (await say(client, call, event="message", data=1)).status_code == 204
        async with events(client, call) as response:
            assert await Listening(response).data() == 1
        gone = await client.delete(call.links["end"], headers=call.proof)
        assert gone.status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "invalid_body"),
        (b"[]", 422, "invalid_field"),
        (b'{"event":"start"}', 400, "invalid_body"),
        (b'{"event":"start","websocket_id":""}', 422, "policy_violation"),
        (b'{"event":"start","websocket_id":[]}', 422, "invalid_field"),
        (b'{"event":"media","media":{"payload":""}}', 409, "invalid_order"),
        (b'{"event":"ping"}', 409, "invalid_order"),
        (b'{"event":"later"}', 409, "invalid_order"),
        (b'{"event":"stop"}', 409, "invalid_order"),
    ],
)
async def test_an_offer_that_is_no_start_is_refused(body: bytes, status: int, error: str) -> None:
    stream = Stream(echo, connecting_limit=1)
    async with serving(stream) as port, client_for(port) as client:
        for _ in range(2):  # what was refused holds no place among those that connect
            response = await client.post("/http/offer", content=body)
            assert (response.status_code, refusal(response)) == (status, error)
        await offer(client)


async def test_limits_and_ids_are_shared_with_all_transports() -> None:
    async with serving(Stream(listener, concurrency_limit=2)) as port, client_for(port) as client:
        await offer(client, "a")
        again = await client.post("/http/offer", content=start("a"))
        assert (again.status_code, refusal(again)) == (409, "connection_already_exists")
        await offer(client, "b")
        more = await client.post("/http/offer", content=start("c"))
        assert (more.status_code, more.headers["retry-after"]) == (429, "1")
        assert more.json()["meta"] == {"error": "concurrency_limit_reached", "limit": 2}


def nobody(_: Any) -> None:
    return None


def refuse(_: Any) -> bool:
    return False


async def async_none(_: Any) -> None:
    return None


def raise_permission(_: Any) -> None:
    raise PermissionError("no badge")


async def raise_permission_later(_: Any) -> None:
    raise PermissionError("no badge")


@pytest.mark.parametrize(
    "authorize",
    [nobody, refuse, async_none, raise_permission, raise_permission_later],
)
async def test_whom_the_application_does_not_know_is_refused(authorize: Any) -> None:
    async with serving(Stream(echo, authorize=authorize)) as port, client_for(port) as client:
        response = await client.post("/http/offer", content=start())
        assert (response.status_code, refusal(response)) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"


async def test_an_authorize_that_fails_is_an_error_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def authorize(_: Any) -> None:
        raise ZeroDivisionError("secret")

    async with serving(Stream(echo, authorize=authorize)) as port, client_for(port) as client:
        response = await client.post("/http/offer", content=start())
        assert (response.status_code, refusal(response)) == (500, "internal_error")
        assert "secret" not in response.text
    assert errors_in(caplog) == ["POST /http/offer failed"]


async def test_the_principal_reaches_the_handler() -> None:
    async def tell(call: Call) -> None:
        await call.send([call.principal, call.transport, dict(call.metadata)])
        await anyio.sleep_forever()

    async def authorize(request: Any) -> str:
        return f"{request.query['who']} at {request.path}"

    async with serving(Stream(tell, authorize=authorize)) as port, client_for(port) as client:
        answer = await client.post("/http/offer?who=me", content=start(metadata={"x": 1}))
        call = Offered(**answer.json())
        async with events(client, call) as response:
            told = await Listening(response).data()
    assert told == ["me at /http/offer", "http", {"x": 1}]


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://here", "here", True),
        ("http://HERE:80", "here:80", True),
        ("https://named", "here", True),
        ("https://elsewhere", "here", False),
        ("null", "here", False),
        ("https://here.evil", "here", False),
        ("http://[", "here", False),
        ("https://named:444", "here", False),
    ],
)
async def test_origins_are_checked_when_present(origin: str, host: str, allowed: bool) -> None:
    stream = Stream(echo, origins=["https://named"])
    headers = {"origin": origin, "host": host}
    async with serving(stream) as port, client_for(port) as client:
        response = await client.get("/health", headers=headers)
        assert response.status_code == (200 if allowed else 403)
        named = response.headers.get("access-control-allow-origin")
        assert named == ("https://named" if origin == "https://named" else None)
        assert response.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in response.headers


async def test_a_preflight_is_answered_for_named_origins() -> None:
    stream = Stream(echo, origins=["*"])
    async with serving(stream) as port, client_for(port, origin="https://x") as client:
        response = await client.options("/http/offer")
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == "*"
        assert "DELETE" in response.headers["access-control-allow-methods"]
        assert "authorization" in response.headers["access-control-allow-headers"]


async def test_a_call_obeys_only_its_token() -> None:
    async with serving(Stream(listener)) as port, client_for(port) as client:
        call, other = await offer(client, "a"), await offer(client, "b")
        send, right = call.links["send"], call.token
        for headers, query, status in (
            ({}, "", 401),
            ({"authorization": "Bearer x"}, "", 401),
            ({"authorization": f"Basic {right}"}, "", 401),
            (dict(other.proof), f"?token={right}", 401),
            ({}, "?token=%ff", 401),
            ({}, f"?token={right}", 204),
            (dict(call.proof), "", 204),
        ):
            response = await client.post(send + query, content=b'{"event":"ping"}', headers=headers)
            assert response.status_code == status
        for method, link in (("GET", "events"), ("DELETE", "end")):
            assert (await client.request(method, call.links[link])).status_code == 401
        assert (await client.delete("/http/none", headers=call.proof)).status_code == 404


async def test_inputs_and_outputs_need_the_token_when_it_is_required() -> None:
    stream = Stream(listener, require_token=True)
    async with serving(stream) as port, client_for(port) as client:
        call = await offer(client)
        body = {"webrtc_id": "a", "inputs": [1]}
        assert (await client.post("/input_hook", json=body)).status_code == 401
        assert (await client.get("/outputs?webrtc_id=a")).status_code == 401
        done = await client.post("/input_hook", json=body, headers=call.proof)
        assert done.json() == {"status": "ok"}


class Heard:
    """A handler that keeps all sound."""

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.pieces = 0

    async def __call__(self, call: Call) -> None:
        async for frame in call.audio:
            self.pcm += frame.pcm
            self.pieces += 1
            await call.send(self.pieces)


async def test_raw_samples_may_be_cut_anywhere() -> None:
    heard = Heard()
    sound = bytes(range(256)) * 4

    async def odd() -> AsyncIterator[bytes]:
        at = 0
        for size in (1, 1, 2, 3, 100, 7, 300, 1, 608, 1):
            yield sound[at : at + size]
            at += size
        assert at == len(sound)

    async with serving(Stream(heard)) as port, client_for(port) as client:
        call = await offer(client, media_format=PCM)
        sent = await client.post(
            call.links["send"],
            content=odd(),
            headers={**call.proof, "content-type": "application/octet-stream"},
        )
        assert sent.status_code == 204
        async with events(client, call) as response:
            listening = Listening(response)
            while len(heard.pcm) < len(sound):
                await listening.data()
    assert heard.pcm == sound


async def test_half_a_sample_at_the_end_is_refused() -> None:
    async with serving(Stream(listener)) as port, client_for(port) as client:
        call = await offer(client, media_format=PCM)
        sent = await client.post(
            call.links["send"],
            content=b"123",
            headers={**call.proof, "content-type": "application/octet-stream"},
        )
        assert (sent.status_code, refusal(sent)) == (400, "invalid_body")


LINES = b'{"event":"message","data":"\xc3\xa9"}\n\r\n{"event":"ping"}\n{"event":"message","data":2}'


@pytest.mark.parametrize("size", [1, 2, 7, 26, 30, 1000])
async def test_lines_may_be_cut_anywhere(size: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(LINES), size):
            yield LINES[at : at + size]

    async with serving(Stream(parrot)) as port, client_for(port) as client:
        call = await offer(client)
        sent = await client.post(
            call.links["send"],
            content=pieces(),
            headers={**call.proof, "content-type": "application/x-ndjson; charset=utf-8"},
        )
        assert sent.status_code == 204
        async with events(client, call) as response:
            listening = Listening(response)
            assert [await listening.data(), await listening.data()] == ["é", 2]


@pytest.mark.parametrize(
    ("lines", "status", "error", "where"),
    [
        (b'{"event":"ping"}\n\n{"event":\n{"event":"ping"}', 400, "invalid_body", "line 3: "),
        (b'{"event":"ping"}\n{"event":"media"}\n', 422, "invalid_field", "line 2: "),
        (b'{"event":"start","websocket_id":"b"}', 409, "invalid_order", "line 1: "),
        (b'{"event":"stop"}\n{"event":"ping"}\n', 410, "connection_closed", "line 2 "),
        (b"\n" + b" " * 1025 + b"\n", 413, "body_too_large", "line 2: "),
        (b"\n\n" + b"x" * 1025, 413, "body_too_large", "line 3: "),
    ],
)
async def test_the_line_that_fails_is_named(
    lines: bytes, status: int, error: str, where: str
) -> None:
    async with serving(Stream(listener, max_message=1024)) as port, client_for(port) as client:
        call = await offer(client)
        sent = await client.post(
            call.links["send"],
            content=lines,
            headers={**call.proof, "content-type": "application/x-ndjson"},
        )
        assert (sent.status_code, refusal(sent)) == (status, error)
        assert sent.json()["meta"]["detail"].startswith(where)


def upload(call: Offered, line: bytes) -> bytes:
    """The beginning of an upload that does not end."""
    head = (
        f"POST {call.links['send']} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {call.token}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode() + b"%x\r\n%b\r\n" % (len(line), line)


@pytest.mark.parametrize(("who", "status"), [("server", 410), ("client", 204), ("upload", 204)])
async def test_the_end_of_a_call_ends_its_upload(who: str, status: int) -> None:
    stream = Stream(parrot)
    async with serving(stream) as port, client_for(port) as client, raw(port) as sender:
        call = await offer(client)
        await sender.send(upload(call, b'{"event":"message","data":1}\n'))
        async with events(client, call) as response:
            assert await Listening(response).data() == 1
        match who:
            case "server":
                stream.hang_up("a", "enough")
            case "client":
                await client.delete(call.links["end"], headers=call.proof)
            case _:
                await sender.send(b'11\r\n{"event":"stop"}\n\r\n')
        answered, headers, body = await sender.response()
        assert (answered, headers["connection"]) == (status, "close")
        assert (b"enough" in body) is (who == "server")


async def test_what_is_sent_after_the_end_is_told_so() -> None:
    async with serving(Stream(listener)) as port, client_for(port) as client:
        call = await offer(client)
        assert (await client.delete(call.links["end"], headers=call.proof)).status_code == 204
        assert (await say(client, call, event="ping")).status_code == 410
        assert (await client.delete(call.links["end"], headers=call.proof)).status_code == 410


async def test_a_listener_resumes_where_it_was() -> None:
    async with serving(Stream(parrot)) as port, client_for(port) as client:
        call = await offer(client)
        await say(client, call, event="message", data=1)
        async with events(client, call) as response:
            first = await Listening(response).event()
        await say(client, call, event="message", data=2)
        for link in (call.links["events"], f"{call.links['events']}?last_event_id={first['id']}"):
            after = {} if "?" in link else {"last-event-id": first["id"]}
            async with client.stream("GET", link, headers={**call.proof, **after}) as response:
                second = await Listening(response).event()
            assert json.loads(second["data"])["data"] == 2
            assert second["id"] == first["id"].replace("-0", "-1")


@pytest.mark.parametrize("after", ["{epoch}-0", "{epoch}-99999", "1-0"])
async def test_a_gap_is_told(after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "EVENTS", 2)
    async with serving(Stream(parrot)) as port, client_for(port) as client:
        call = await offer(client)
        for number in range(5):
            await say(client, call, event="message", data=number)
        async with events(client, call) as response:
            event = await Listening(response).event()
        epoch, offset = event["id"].split("-")
        assert offset == "3"
        async with events(client, call, after.format(epoch=epoch)) as response:
            listening = Listening(response)
            gap = await listening.event()
            assert gap["event"] == "gap"
            assert json.loads(gap["data"]) == {"resumed_at": f"{epoch}-3"}
            assert [await listening.data(), await listening.data()] == [3, 4]


@pytest.mark.parametrize("after", ["x", "1", "1-", "-1", "1-2-3", "1" * 50 + "-1"])
async def test_a_position_that_is_none_is_refused(after: str) -> None:
    async with serving(Stream(parrot)) as port, client_for(port) as client:
        call = await offer(client)
        async with events(client, call, after) as response:
            assert response.status_code == 422


async def test_a_second_listener_replaces_the_first() -> None:
    async with (
        serving(Stream(parrot)) as port,
        client_for(port) as client,
        client_for(port) as other,
    ):
        call = await offer(client)
        async with events(client, call) as first, events(other, call) as second:
            with pytest.raises(StopAsyncIteration):
                await Listening(first).event()
            await say(client, call, event="message", data=1)
            assert await Listening(second).data() == 1


async def test_a_silent_stream_says_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "COMMENT_INTERVAL", 0.02)
    async with serving(Stream(listener)) as port, client_for(port) as client:
        call = await offer(client)
        async with events(client, call) as response:
            assert response.headers["content-type"] == "text/event-stream"
            assert response.headers["cache-control"] == "no-store"
            listening = Listening(response)
            for _ in range(3):
                assert await listening.event() == {"": "still here"}


async def test_the_end_is_told_to_who_listens_and_to_who_comes_late() -> None:
    stream = Stream(listener)
    async with serving(stream) as port, client_for(port) as client:
        call = await offer(client)
        async with events(client, call) as response:
            listening = Listening(response)
            stream.hang_up("a", "enough")
            told = [await listening.event(), await listening.event()]
            with pytest.raises(StopAsyncIteration):
                await listening.event()
        assert json.loads(told[0]["data"]) == {"type": "end_stream", "data": "enough"}
        assert told[1] == {"event": "end", "data": '{"code":1000,"reason":"enough"}'}
        async with events(client, call) as response:
            listening = Listening(response)
            assert [await listening.event(), await listening.event()] == told


async def test_a_call_that_is_over_is_forgotten_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_call, "LINGER", 0.0)
    stream = Stream(listener)
    async with serving(stream) as port, client_for(port) as client:
        call = await offer(client)
        stream.hang_up("a")
        status = 410
        while status == 410:
            status = (await say(client, call, event="ping")).status_code
        assert status == 404


@pytest.mark.parametrize("handler", [listener, cancelled_on_exit])
async def test_a_call_that_nobody_listens_to_ends(handler: Any) -> None:
    directory = WatchedDirectory()
    stream = Stream(handler, idle_timeout=0.05, directory=directory)
    async with serving(stream) as port, client_for(port) as client:
        await offer(client)
        with anyio.fail_after(5):
            await directory.until(0)
    assert directory.released == directory.claimed == {"a": 1}


async def test_a_client_that_leaves_during_its_offer_leaves_no_call_behind() -> None:
    directory = WatchedDirectory()
    stream = Stream(listener, idle_timeout=0.05, directory=directory)
    body = start()
    head = f"POST /http/offer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    async with serving(stream) as port:
        for _ in range(20):
            async with raw(port) as client:
                await client.send(head.encode() + body)
        with anyio.fail_after(5):
            await directory.until(0)
    assert directory.released == directory.claimed


async def publisher(call: Call) -> None:
    values = await call.wait_for_inputs()
    await call.output(*values)
    await call.output(object())


@pytest.mark.parametrize(("path", "name"), [("/outputs", "output"), ("/updates", None)])
async def test_outputs_are_followed_to_the_end(path: str, name: str | None) -> None:
    async with serving(Stream(publisher)) as port, client_for(port) as client:
        await offer(client)
        async with client.stream("GET", f"{path}?webrtc_id=a") as response:
            body = {"webrtc_id": "a", "inputs": [1, "two"]}
            assert (await client.post("/input_hook", json=body)).status_code == 200
            listening = Listening(response)
            first = await listening.event()
            assert (first["data"], first.get("event")) == ('[1,"two"]', name)
            broken = await listening.event()
            assert broken["event"] == "error"
            assert "object" in broken["data"]
            assert await listening.event() == {"event": "end", "data": "{}"}


async def test_inputs_for_nobody_are_refused() -> None:
    async with serving(Stream(echo)) as port, client_for(port) as client:
        for body, status in (
            (b'{"webrtc_id":"none","inputs":[]}', 404),
            (b'{"webrtc_id":"none"}', 422),
            (b"{", 400),
        ):
            assert (await client.post("/input_hook", content=body)).status_code == status


async def test_pages_are_served_with_their_type() -> None:
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    async with serving(Stream(echo)) as port, client_for(port) as client:
        for path, file in PAGES.items():
            page = await client.get(path)
            assert page.headers["content-type"] == f"{kinds[file.split('.')[-1]]}; charset=utf-8"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.content


def test_every_file_that_pages_may_load_is_served() -> None:
    there = ASSETS.rglob("*")
    files = {str(each.relative_to(ASSETS)) for each in there if each.suffix in (".js", ".css")}
    assert files <= set(PAGES.values())


async def test_pages_are_packed_for_those_who_take_that() -> None:
    async with serving(Stream(echo)) as port, client_for(port) as client:
        plain = await client.get("/client.js", headers={"accept-encoding": "identity"})
        packed = await client.get("/client.js", headers={"accept-encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"]
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


async def test_a_host_that_does_not_run_takes_no_calls() -> None:
    stream = Stream(echo)
    async with listen(Routes(stream.host), "127.0.0.1", 0) as port, client_for(port) as client:
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "shutting_down")
        refused = await client.post("/http/offer", content=start())
        assert (refused.status_code, refusal(refused)) == (503, "shutting_down")
        assert refused.headers["retry-after"] == "5"
