"""An `authorize` that fails by itself refuses a WebSocket: our own HTTP server."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from antiphon import Stream
from antiphon.handlers.echo import echo
from antiphon.transports.http import listen


async def test_a_failing_authorize_answers_500_instead_of_dropping_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def authorize(_: Any) -> None:
        raise LookupError("the database is away")

    stream = Stream(echo, authorize=authorize)
    async with listen(stream.asgi.routes, "127.0.0.1", 0) as port, stream.host.run():
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}/websocket/offer")
    assert refused.value.response.status_code == 500
    assert "the database is away" not in (refused.value.response.body or b"").decode()
    assert "the database is away" in caplog.text
