"""Calling over a WebSocket: servers that do not do as they should."""

from typing import Any

import anyio
import pytest

from antiphon import CallRefused, SessionClosed, Stream, connect, echo
from antiphon.transports import caller
from antiphon.transports.handshake import accept_key
from tests.transports.calling import answering, silent
from tests.transports.serving import (
    RawClient,
    either_loop,
    listener,
    serving,
    tls_contexts,
)

anyio_backend = either_loop


def url(port: int, host: str = "127.0.0.1", scheme: str = "ws") -> str:
    return f"{scheme}://{host}:{port}/websocket/offer"


async def switch(client: RawClient, accept: str | None = None, more: bytes = b"") -> None:
    head = (await client.until(b"\r\n\r\n")).decode()
    (key,) = (
        line.partition(": ")[2]
        for line in head.split("\r\n")
        if line.lower().startswith("sec-websocket-key")
    )
    lines = ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {accept or accept_key(key)}", "", ""]
    await client.send("\r\n".join(lines).encode() + more)


async def wrong_key(client: RawClient) -> None:
    await switch(client, "x")
    await client.rest()


async def close_at_once(client: RawClient) -> None:
    await client.until(b"\r\n\r\n")


async def close_in_the_head(client: RawClient) -> None:
    await client.until(b"\r\n\r\n")
    await client.send(b"HTTP/1.1 101 x\r\nUpgr")


async def garbage(client: RawClient) -> None:
    await client.until(b"\r\n\r\n")
    await client.send(b"SSH-2.0-x\r\n\r\n")


async def close_after_the_handshake(client: RawClient) -> None:
    await switch(client)


async def goodbye_behind_the_handshake(client: RawClient) -> None:
    await switch(client, more=b"\x88\x02\x03\xe9")
    await client.rest()


@pytest.mark.parametrize(
    ("serve", "code"),
    [
        (wrong_key, 1002),
        (close_at_once, 1006),
        (close_in_the_head, 1006),
        (garbage, 1006),
        (close_after_the_handshake, 1006),
        (goodbye_behind_the_handshake, 1001),
    ],
)
async def test_a_server_that_breaks_the_handshake_closes_the_session(serve: Any, code: int) -> None:
    async with answering(serve) as port:
        with pytest.raises(SessionClosed) as closed:
            async with connect(url(port)):
                pytest.fail("it opens")
        assert closed.value.code == code


async def plain_page(client: RawClient) -> None:
    await client.until(b"\r\n\r\n")
    await client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


async def endless_page(client: RawClient) -> None:
    await client.until(b"\r\n\r\n")
    await client.send(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 1000] * 200)


@pytest.mark.parametrize("serve", [plain_page, endless_page])
async def test_an_answer_that_is_no_upgrade_is_a_refusal(serve: Any) -> None:
    async with answering(serve) as port:
        with pytest.raises(CallRefused, match="the server answered 200"):
            async with connect(url(port)):
                pytest.fail("it opens")


async def test_a_refusal_is_told_with_its_name_and_limit() -> None:
    async with serving(Stream(listener, concurrency_limit=1)) as port, connect(url(port)):
        with pytest.raises(CallRefused) as refused:
            async with connect(url(port)):
                pytest.fail("it opens")
        assert (refused.value.reason, refused.value.limit) == ("concurrency_limit_reached", 1)


async def upgrade_and_say_nothing(client: RawClient) -> None:
    await switch(client)
    await client.rest()


@pytest.mark.parametrize("serve", [silent, upgrade_and_say_nothing])
async def test_a_server_that_does_not_answer_times_out(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "HANG_UP", 0.05)
    async with answering(serve) as port:
        with pytest.raises(TimeoutError):
            async with connect(url(port), timeout=0.05):
                pytest.fail("it opens")


async def test_nobody_listening_is_an_os_error() -> None:
    async with answering(silent) as port:
        pass
    with pytest.raises(OSError):
        async with connect(url(port)):
            pytest.fail("it opens")


@pytest.mark.parametrize("engine", ["wsproto", "websockets"])
async def test_a_call_runs_over_tls(engine: str) -> None:
    server, trusting = tls_contexts()
    async with (
        serving(Stream(echo), tls=server, engine=engine) as port,
        connect(url(port, "localhost", "wss"), tls=trusting, engine=engine) as call,
    ):
        assert await call.ping() >= 0


async def test_a_certificate_that_is_not_trusted_is_an_os_error() -> None:
    server, _ = tls_contexts()
    async with serving(Stream(echo), tls=server) as port:
        with pytest.raises(OSError, match="certificate"):
            async with connect(url(port, "localhost", "wss")):
                pytest.fail("it opens")


@pytest.mark.parametrize("bad", ["ftp://x", "ws://", "x", "ws://x:99999/"])
async def test_a_url_that_is_none_is_a_value_error(bad: str) -> None:
    with pytest.raises(ValueError):
        async with connect(bad):
            pytest.fail("it opens")


async def test_cancellation_during_the_handshake_closes_the_connection() -> None:
    closed = anyio.Event()

    async def serve(client: RawClient) -> None:
        await client.until(b"\r\n\r\n")
        tasks.cancel_scope.cancel()
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await client.some()
        closed.set()

    async with answering(serve) as port:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                async with connect(url(port)):
                    pytest.fail("it opens")

            tasks.start_soon(call)
        await closed.wait()
