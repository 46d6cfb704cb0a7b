"""A directory that fails ends no call but the one it was asked about."""

import json
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import connect

from antiphon import Call, Stream
from antiphon.core.ports import CallInfo
from antiphon.core.signaling import Refusal
from antiphon.transports import host
from antiphon.transports.directory import LocalDirectory
from antiphon.transports.http import listen


class Failing(LocalDirectory):
    """Fails for the call `bob`, as a directory behind a network may."""

    def __init__(self, method: str) -> None:
        super().__init__(1)
        self._method = method
        self.failed = anyio.Event()

    async def claim(self, call: CallInfo, limit: int | None, run: Any) -> Refusal | None:
        self._fail("claim", call.id)
        return await super().claim(call, limit, run)

    async def release(self, call_id: str) -> None:
        self._fail("release", call_id)
        await super().release(call_id)

    def _fail(self, method: str, call_id: str) -> None:
        if (method, call_id) == (self._method, "bob"):
            self.failed.set()
            raise ConnectionError("the directory is away")


async def handler(call: Call) -> None:
    if call.id == "alice":
        async for message in call.messages:
            await call.send(message.data)


@pytest.mark.parametrize("method", ["claim", "release"])
async def test_a_directory_that_fails_for_one_call_leaves_the_others(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    directory = Failing(method)
    stream = Stream(handler, directory=directory)
    async with listen(stream.asgi.routes, "127.0.0.1", 0) as port, stream.host.run(grace=0):
        url = f"ws://127.0.0.1:{port}/websocket/offer"
        async with connect(url) as alice, connect(url) as bob:
            await alice.send('{"event": "start", "websocket_id": "alice"}')
            await bob.send('{"event": "start", "websocket_id": "bob"}')
            told = json.loads(await bob.recv())
            await bob.wait_closed()
            await directory.failed.wait()
            await alice.send('{"event": "message", "data": "still here"}')
            assert json.loads(await alice.recv())["data"] == "still here"
    assert "the directory is away" in caplog.text
    if method == "claim":
        assert told == {"status": "failed", "meta": {"error": "internal_error"}}
        assert bob.close_code == 1011


class Slow(LocalDirectory):
    """Takes its time over a claim, as a directory behind a network does."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked, self.go, self.released = anyio.Event(), anyio.Event(), anyio.Event()

    async def claim(self, call: CallInfo, limit: int | None, run: Any) -> Refusal | None:
        self.asked.set()
        await self.go.wait()
        return await super().claim(call, limit, run)

    async def release(self, call_id: str) -> None:
        await super().release(call_id)
        self.released.set()


async def test_a_client_that_leaves_while_its_slot_is_claimed_does_not_keep_it() -> None:
    directory = Slow()
    stream = Stream(handler, directory=directory)
    async with listen(stream.asgi.routes, "127.0.0.1", 0) as port, stream.host.run(grace=0):
        async with connect(f"ws://127.0.0.1:{port}/websocket/offer") as leaving:
            await leaving.send('{"event": "start", "websocket_id": "alice"}')
            await directory.asked.wait()
        directory.go.set()
        await directory.released.wait()
        assert directory.slots == 0


async def test_a_directory_that_never_answers_refuses_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "CLEANUP", 0.01)
    stream = Stream(handler, directory=Slow())
    async with (
        listen(stream.asgi.routes, "127.0.0.1", 0) as port,
        stream.host.run(grace=0),
        connect(f"ws://127.0.0.1:{port}/websocket/offer") as asking,
    ):
        await asking.send('{"event": "start", "websocket_id": "alice"}')
        told = json.loads(await asking.recv())
    assert told == {"status": "failed", "meta": {"error": "internal_error"}}
