"""Our HTTP server, byte by byte. Sections are of RFC 9112 unless said otherwise."""

import logging
import socket

import anyio
import httpx
import pytest

from antiphon import Call, Stream, echo
from antiphon.transports import http
from antiphon.transports.http import listen
from antiphon.transports.routes import Routes
from tests.transports.serving import (
    RawClient,
    client_for,
    either_loop,
    errors_in,
    listener,
    offer,
    raw,
    serving,
    start,
    tls_contexts,
)

anyio_backend = either_loop


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


HEALTH = get("/health")


def post(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def test_pipelined_requests_are_answered_in_order() -> None:
    """Section 9.3.2."""
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(HEALTH + b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH)
        assert [(await client.response())[0] for _ in range(3)] == [200, 404, 200]


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with serving(Stream(echo)) as port, raw(port) as client:
        for _ in range(3):
            await client.send(HEALTH)
            status, headers, _ = await client.response()
            assert status == 200
            assert "connection" not in headers


async def test_http_1_0_is_answered_and_closed() -> None:
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(b"GET /health HTTP/1.0\r\n\r\n")
        status, headers, _ = await client.response()
        assert (status, headers["connection"]) == (200, "close")
        assert await client.rest() == b""


async def test_the_client_may_ask_to_close() -> None:
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await client.response())[0] == 200
        assert await client.rest() == b""


async def test_head_gives_the_headers_of_get_and_no_body() -> None:
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH)
        status, headers, _ = await client.response(body=False)
        assert status == 200
        assert int(headers["content-length"]) > 0
        assert (await client.response())[0] == 200


async def test_a_half_closed_client_reads_its_answer() -> None:
    """Section 9.6: the end of what a client sends is not the end of the connection."""
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(HEALTH)
        await client.stream.send_eof()
        assert (await client.response())[0] == 200
        assert await client.rest() == b""


async def test_a_request_target_in_absolute_form_is_understood() -> None:
    """Section 3.2.2: a server must."""
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.response())[0] == 200


@pytest.mark.parametrize("cut", [None, 9000])
async def test_a_head_over_16_kib_is_refused(cut: int | None) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 17_000 + b"\r\n\r\n"
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(head[:cut])
        if cut is not None:
            await anyio.wait_all_tasks_blocked()
            await client.send(head[cut:])
        assert (await client.response())[0] == 431
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "bytes_",
    [
        b"\x16\x03\x01\x00\xf4\x01\x00\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health?" + b"a=1&" * 70 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["TLS", "no version", "two lengths", "no host", "70 fields"],
)
async def test_what_is_no_request_is_refused(
    bytes_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(bytes_)
        status, headers, body = await client.response()
        assert status == 400
        assert headers["connection"] == "close"
        assert b'"error":"invalid_body"' in body
        assert await client.rest() == b""
    assert errors_in(caplog) == []


async def test_a_head_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEAD_TIMEOUT", 0.05)
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(b"GET /health HTTP/1.1\r\nX-Slow: ")
        assert await client.rest() == b""


async def test_a_connection_without_a_next_request_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "KEEP_ALIVE", 0.05)
    async with serving(Stream(echo)) as port, raw(port) as client:
        await client.send(HEALTH)
        assert (await client.response())[0] == 200
        assert await client.rest() == b""


async def test_a_chunked_body_may_be_cut_at_every_byte() -> None:
    body = start("cut")
    chunks = b"5\r\n%b\r\n%x;ext=1\r\n%b\r\n0\r\nTrailer: x\r\n\r\n"
    whole = post("/http/offer", "Transfer-Encoding: chunked")
    whole += chunks % (body[:5], len(body) - 5, body[5:])
    async with serving(Stream(listener)) as port, raw(port) as client:
        client.stream.extra(anyio.abc.SocketAttribute.raw_socket).setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        for at in range(len(whole)):
            await client.send(whole[at : at + 1])
            await anyio.lowlevel.checkpoint()
        assert (await client.response())[0] == 201


async def test_a_body_that_is_wanted_is_asked_for() -> None:
    """RFC 9110 section 10.1.1."""
    body = start()
    async with serving(Stream(listener)) as port, raw(port) as client:
        length = f"Content-Length: {len(body)}"
        await client.send(post("/http/offer", length, "Expect: 100-continue"))
        assert (await client.response())[0] == 100
        await client.send(body)
        assert (await client.response())[0] == 201


async def test_a_body_that_is_not_wanted_is_not_asked_for() -> None:
    async with serving(Stream(listener)) as port, raw(port) as client:
        await client.send(post("/none", "Content-Length: 5", "Expect: 100-continue"))
        status, headers, _ = await client.response()
        assert (status, headers["connection"]) == (404, "close")


async def test_a_body_that_no_route_reads_does_not_disturb_the_next_request() -> None:
    async with serving(Stream(listener)) as port, raw(port) as client:
        await client.send(post("/none", "Content-Length: 5") + b"12345" + HEALTH)
        assert [(await client.response())[0] for _ in range(2)] == [404, 200]


@pytest.mark.parametrize("size", [1_048_577, 3_000_000])
async def test_an_oversize_body_is_refused_so_that_the_client_can_read_it(size: int) -> None:
    """Section 9.6. The server lives on."""
    async with serving(Stream(listener)) as port:
        async with raw(port) as client:
            await client.send(post("/http/offer", f"Content-Length: {size}"), b" " * size)
            status, _, body = await client.response()
            assert status == 413
            assert b'"error":"body_too_large"' in body
        async with client_for(port) as other:
            assert (await other.get("/health")).status_code == 200


async def test_a_client_that_sends_on_after_its_refusal_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "DISCARD", 100_000)
    async with serving(Stream(listener)) as port, raw(port) as client:
        await client.send(post("/http/offer", "Content-Length: 400000000"))
        with pytest.raises(anyio.BrokenResourceError):
            await client.send(*[b" " * 100_000] * 3_000)


@pytest.mark.parametrize("ending", ["bad chunk", "half-closed", "vanished"])
async def test_a_broken_body_is_the_clients_fault(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Stream(listener)) as port:
        async with raw(port) as client:
            await client.send(post("/http/offer", "Transfer-Encoding: chunked") + b"5\r\n{")
            await anyio.wait_all_tasks_blocked()
            if ending == "bad chunk":
                await client.send(b'"a":no')
            elif ending == "half-closed":
                await client.stream.send_eof()
            if ending != "vanished":
                status, _, body = await client.response()
                assert status == 400
                assert b"cannot be read" in body
        async with client_for(port) as other:
            assert (await other.get("/health")).json() == {"status": "ok", "calls": 0}
    assert errors_in(caplog) == []


async def test_a_body_that_does_not_come_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_TIMEOUT", 0.05)
    async with serving(Stream(listener)) as port, raw(port) as client:
        await client.send(post("/http/offer", "Content-Length: 5") + b"{")
        assert (await client.response())[0] == 408
        assert await client.rest() == b""


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WRITE_TIMEOUT", 0.05)
    async with serving(Stream(echo)) as port, raw(port) as client:
        with pytest.raises(anyio.BrokenResourceError):
            await client.send(*[get("/") * 50] * 100_000)


async def test_an_event_stream_that_is_not_read_holds_a_bounded_part() -> None:
    """20 MB are said; what waits is the ring (1 MiB) and the buffers of two sockets."""
    flooded = anyio.Event()

    async def flood(call: Call) -> None:
        async for _ in call.messages:
            for number in range(400):
                await call.send({"number": number, "filling": "x" * 50_000})
                await anyio.lowlevel.checkpoint()
            await call.send("done")
            flooded.set()

    async with serving(Stream(flood)) as port, client_for(port) as client:
        call = await offer(client)
        async with raw(port) as reader:
            await reader.send(get(f"{call.links['events']}?token={call.token}"))
            await reader.until(b"\r\n\r\n")
            go = b'{"event":"message","data":"go"}'
            said = await client.post(call.links["send"], content=go, headers=call.proof)
            assert said.status_code == 204
            await flooded.wait()
            heard = await reader.until(b'"done"')
    assert b"event: gap" in heard
    assert len(heard) < 15_000_000


async def test_a_reader_that_leaves_makes_the_call_absent() -> None:
    stream = Stream(listener, idle_timeout=0.1)
    async with serving(stream) as port, client_for(port) as client:
        call = await offer(client)
        async with raw(port) as reader:
            await reader.send(get(f"{call.links['events']}?token={call.token}"))
            await reader.until(b"\r\n\r\n")
        async for _ in stream.output_stream("a"):
            pass
        assert stream.calls == []


async def test_tls_serves_requests_and_leaves_quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    server, trusting = tls_contexts()
    async with serving(Stream(echo), tls=server) as port:
        for _ in range(3):
            async with httpx.AsyncClient(verify=trusting) as client:
                assert (await client.get(f"https://localhost:{port}/health")).status_code == 200
    assert errors_in(caplog) == []


async def test_tls_refuses_an_oversize_body_readably() -> None:
    server, trusting = tls_contexts()
    async with (
        serving(Stream(echo), tls=server) as port,
        httpx.AsyncClient(verify=trusting) as client,
    ):
        answer = await client.post(f"https://localhost:{port}/http/offer", content=b" " * 2_000_000)
        assert answer.status_code == 413


async def test_plain_http_on_a_tls_port_is_closed() -> None:
    server, _ = tls_contexts()
    async with serving(Stream(echo), tls=server) as port, raw(port) as client:
        await client.send(HEALTH)
        assert b"HTTP/" not in await client.rest()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_the_ipv6_loopback_is_served() -> None:
    async with serving(Stream(echo), host="::1") as port, raw(port, "::1") as client:
        await client.send(HEALTH)
        assert (await client.response())[0] == 200


async def test_a_taken_port_raises_as_itself() -> None:
    stream = Stream(echo)
    async with serving(stream) as port:
        with pytest.raises(OSError, match="in use"):
            async with listen(Routes(stream.host), "127.0.0.1", port):
                pytest.fail("it listens")


async def test_shutdown_ends_streams_and_idle_connections_and_takes_no_more() -> None:
    async with serving(Stream(listener)) as port:
        idle = await anyio.connect_tcp("127.0.0.1", port)
        reader = await anyio.connect_tcp("127.0.0.1", port)
        async with client_for(port) as client:
            call = await offer(client)
        await reader.send(get(f"{call.links['events']}?token={call.token}"))
        await reader.receive()
    async with idle, reader:
        assert await RawClient(idle).rest() == b""
        ended = await RawClient(reader).rest()
    assert b'event: end\ndata: {"code":1001,"reason":"the server is shutting down"}' in ended
    assert ended.endswith(b"0\r\n\r\n")
    with pytest.raises(OSError):
        await anyio.connect_tcp("127.0.0.1", port)


async def test_a_request_under_way_at_shutdown_is_answered() -> None:
    body = start()
    async with serving(Stream(listener)) as port:
        late = await anyio.connect_tcp("127.0.0.1", port)
        await late.send(post("/http/offer", f"Content-Length: {len(body)}") + body[:3])
        await anyio.wait_all_tasks_blocked()
        async with anyio.create_task_group() as tasks:

            async def finish() -> None:
                await late.send(body[3:])

            tasks.start_soon(finish)
    async with late:
        answer = await late.receive()
    assert answer.startswith((b"HTTP/1.1 503", b"HTTP/1.1 410", b"HTTP/1.1 201"))


async def test_a_request_that_is_never_finished_does_not_outlive_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "CLOSE_TIMEOUT", 0.05)
    async with serving(Stream(listener)) as port:
        late = await anyio.connect_tcp("127.0.0.1", port)
        await late.send(post("/http/offer", "Content-Length: 100") + b"{")
        await anyio.wait_all_tasks_blocked()
    async with late:
        with anyio.fail_after(5), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await late.receive()
