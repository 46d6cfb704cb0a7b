"""Calling over HTTP: servers and streams that break."""

from typing import Any

import anyio
import pytest

from antiphon import Call, CallRefused, SessionClosed, Stream, connect
from antiphon.transports import caller, http_client
from antiphon.transports.http_client import HttpClientLink
from tests.transports.calling import answering, silent
from tests.transports.serving import RawClient, either_loop, listener, serving, tls_contexts

anyio_backend = either_loop

OFFER = b'{"token":"t","links":{"send":"/s","events":"/e","end":"/x"}}'
STARTED = (
    b'id: 7-0\ndata: {"event":"started","token":"t",'
    b'"media_format":{"encoding":"audio/pcm","sample_rate":8000}}\n\n'
)


def url(port: int, host: str = "127.0.0.1", scheme: str = "http") -> str:
    return f"{scheme}://{host}:{port}/http/offer"


async def respond(client: RawClient, status: str, body: bytes) -> None:
    await client.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n" % (status.encode(), len(body)))
    await client.send(body)


class Script:
    """A server of one call whose event streams are the given ones, one after the other."""

    def __init__(self, *streams: bytes, upload: str = "", hold: bool = False) -> None:
        self._streams = list(streams)
        self._upload = upload
        self._hold = hold
        self.asked: list[str] = []

    async def __call__(self, client: RawClient) -> None:
        head = (await client.until(b"\r\n\r\n")).decode()
        self.asked.append(head)
        if head.startswith("POST /http/offer"):
            await client.until(b"}")
            await respond(client, "201 Created", OFFER)
        elif head.startswith("POST /s"):
            if self._upload:
                await respond(client, self._upload, b"")
            else:
                await client.rest()
        else:
            await client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            await client.send(self._streams.pop(0))
            if self._hold:
                await client.rest()

    @property
    def resumed(self) -> list[str]:
        """The Last-Event-ID of every event stream."""
        heads = [head for head in self.asked if head.startswith("GET /e")]
        return [head.partition("last-event-id: ")[2].partition("\r\n")[0] for head in heads]


def message(offset: int) -> bytes:
    return b'id: 7-%d\ndata: {"type":"message","data":%d}\n\n' % (offset, offset)


END = b'event: end\ndata: {"code":1000,"reason":"bye"}\n\n'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "RETRY_AFTER", 0.001)
    monkeypatch.setattr(caller, "HANG_UP", 0.2)


async def heard(target: str) -> list[Any]:
    async with connect(target) as call:
        return [item.data async for item in call.messages]


async def test_a_lost_event_stream_is_taken_up_where_it_was() -> None:
    script = Script(STARTED + message(1), message(2) + message(3)[:20], message(3) + END)
    async with answering(script) as port:
        assert await heard(url(port)) == [1, 2, 3]
    assert script.resumed == ["", "7-1", "7-2"]


async def test_a_stream_that_goes_on_may_break_more_often_than_it_is_retried() -> None:
    """Five times in a row is the end, five times in a long call is not."""
    script = Script(STARTED, *map(message, range(1, 13)), END)
    async with answering(script) as port:
        assert await heard(url(port)) == list(range(1, 13))


async def test_a_stream_that_stays_lost_closes_the_session() -> None:
    script = Script(STARTED, *[b""] * 20)
    async with answering(script) as port, connect(url(port)) as call:
        assert [item async for item in call.messages] == []
        with pytest.raises(SessionClosed) as closed:
            await call.send(1)
    assert closed.value.code == 1006
    assert len(script.resumed) == 1 + 5


@pytest.mark.parametrize(
    "stream",
    [
        STARTED + b"data: " + b"x" * 3_000_000,
        STARTED + b"data: {\n\n",
        STARTED + b"event: end\ndata: x\n\n",
    ],
    ids=["endless event", "no JSON", "no end"],
)
async def test_events_that_make_no_sense_close_the_session(stream: bytes) -> None:
    async with answering(Script(stream)) as port, connect(url(port)) as call:
        assert [item async for item in call.messages] == []
        with pytest.raises(SessionClosed):
            await call.send(1)


@pytest.mark.parametrize("status", ["410 Gone", "500 Oops"])
async def test_a_refused_upload_closes_the_session(status: str) -> None:
    script = Script(STARTED, upload=status, hold=True)
    async with answering(script) as port, connect(url(port)) as call:
        with pytest.raises(SessionClosed):
            await speak_on(call)


async def speak_on(call: Call) -> None:
    while True:
        await call.send("x" * 10_000)
        await anyio.lowlevel.checkpoint()


async def garbage(client: RawClient) -> None:
    await client.until(b"}")
    await client.send(b"SSH-2.0-x\r\n\r\n")


async def close_at_once(client: RawClient) -> None:
    await client.until(b"}")


async def no_offer(client: RawClient) -> None:
    await client.until(b"}")
    await respond(client, "201 Created", b'{"token":1}')


async def huge(client: RawClient) -> None:
    await client.until(b"}")
    await respond(client, "201 Created", b"x" * 2_000_000)


@pytest.mark.parametrize(
    ("serve", "code"), [(garbage, 1006), (close_at_once, 1006), (no_offer, 1002), (huge, 1002)]
)
async def test_an_answer_that_is_none_closes_the_session(serve: Any, code: int) -> None:
    async with answering(serve) as port:
        with pytest.raises(SessionClosed) as closed:
            async with connect(url(port)):
                pytest.fail("it opens")
        assert closed.value.code == code


async def page(client: RawClient) -> None:
    await client.until(b"}")
    await respond(client, "404 Not Found", b"<html>")


async def test_a_refusal_is_told() -> None:
    async with answering(page) as port:
        with pytest.raises(CallRefused, match="the server answered 404"):
            async with connect(url(port)):
                pytest.fail("it opens")
    async with serving(Stream(listener, concurrency_limit=1)) as port, connect(url(port)):
        with pytest.raises(CallRefused, match=r"concurrency_limit_reached \(limit 1\)"):
            async with connect(url(port)):
                pytest.fail("it opens")


async def test_a_server_that_does_not_answer_times_out() -> None:
    async with answering(silent) as port:
        with pytest.raises(TimeoutError):
            async with connect(url(port), timeout=0.05):
                pytest.fail("it opens")


async def test_the_applications_proof_opens_and_the_calls_own_speaks_for_it() -> None:
    def authorize(request: Any) -> str | None:
        return "me" if request.headers.get("authorization") == "Bearer mine" else None

    async def tell(call: Call) -> None:
        async for item in call.messages:
            await call.send([call.principal, item.data])

    async with (
        serving(Stream(tell, authorize=authorize)) as port,
        connect(url(port), headers={"Authorization": "Bearer mine"}) as call,
    ):
        await call.send(1)
        assert (await anext(call.messages)).data == ["me", 1]


async def test_a_call_runs_over_tls() -> None:
    server, trusting = tls_contexts()
    async with (
        serving(Stream(listener), tls=server) as port,
        connect(url(port, "localhost", "https"), tls=trusting) as call,
    ):
        assert await call.ping() >= 0


async def test_a_slow_upload_makes_senders_wait_and_drops_no_control() -> None:
    link = HttpClientLink("x")
    for number in range(255):
        link.send_text(b"%d" % number)
    writable = [link.writable]
    link.send_text(b"255")
    assert [*writable, link.writable] == [True, False]
    link.send_text(b"stop")
    link.close(1000, "")
    assert [line async for line in link.messages] == [b"%d\n" % n for n in range(256)] + [b"stop\n"]
    link.discard()
