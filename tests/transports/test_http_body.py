"""Request bodies that our own HTTP server does not get to the end of."""

import logging

import httpx
import pytest
from anyio import connect_tcp, wait_all_tasks_blocked

from antiphon import Stream
from antiphon.handlers.echo import echo
from antiphon.transports.http import listen


async def test_a_body_that_is_too_large_is_refused_and_nothing_else_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Stream(echo, max_message=1024)
    async with (
        listen(stream.asgi.routes, "127.0.0.1", 0) as port,
        stream.host.run(),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        refused = await client.post("/http/offer", content=b"x" * 200_000)
        assert refused.status_code == 413
        assert (await client.get("/health")).status_code == 200
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []


async def test_a_body_that_breaks_off_is_refused_and_is_no_error_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Stream(echo)
    async with listen(stream.asgi.routes, "127.0.0.1", 0) as port, stream.host.run():
        async with await connect_tcp("127.0.0.1", port) as client:
            await client.send(b"POST /http/offer HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{")
            await client.send_eof()
            assert (await client.receive()).startswith(b"HTTP/1.1 400 ")
        await wait_all_tasks_blocked()
    assert [r.getMessage() for r in caplog.records if r.levelno > logging.INFO] == []
