"""The client's end of a call on all three ways there: how it leaves."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from antiphon import Call, SessionClosed, Stream, connect
from antiphon.transports import caller
from tests.transports.serving import WatchedDirectory, either_loop, serving

anyio_backend = either_loop
WAYS = pytest.mark.parametrize("way", ["memory", "ws", "http"])


class Ends:
    """A handler that notes how it ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def __call__(self, call: Call) -> None:
        try:
            async for message in call.messages:
                await call.send(message.data)
        finally:
            self.ended.append(call.id)


@asynccontextmanager
async def target_of(stream: Stream, way: str) -> AsyncGenerator[Stream | str]:
    if way == "memory":
        async with stream.running():
            yield stream
        return
    async with serving(stream) as port:
        yield f"{way}://127.0.0.1:{port}/{'websocket' if way == 'ws' else way}/offer"


@WAYS
@pytest.mark.parametrize("error", [ZeroDivisionError, anyio.EndOfStream, KeyboardInterrupt])
async def test_what_the_body_raises_comes_out_as_itself(
    way: str, error: type[BaseException]
) -> None:
    ends, directory = Ends(), WatchedDirectory()
    async with target_of(Stream(ends, directory=directory), way) as target:
        caught: BaseException | None = None
        try:
            async with connect(target, call_id="a"):
                raise error
        except error as raised:
            caught = raised
        assert type(caught) is error
        await directory.until(0)
    assert ends.ended == ["a"]


@WAYS
async def test_cancellation_in_the_body_hangs_up(way: str) -> None:
    ends, directory = Ends(), WatchedDirectory()
    async with target_of(Stream(ends, directory=directory), way) as target:
        with anyio.CancelScope() as scope:
            async with connect(target, call_id="a"):
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        await directory.until(0)
    assert ends.ended == ["a"]


@WAYS
async def test_leaving_the_body_hangs_up(way: str) -> None:
    ends, directory = Ends(), WatchedDirectory()
    async with target_of(Stream(ends, directory=directory), way) as target:
        for _ in range(3):
            async with connect(target, call_id="a") as call:
                await call.send({"n": 1})
                assert (await anext(call.messages)).data == {"n": 1}
                assert call.transport == {"ws": "websocket"}.get(way, way)
            await directory.until(0)
            with pytest.raises(SessionClosed):
                await call.send(1)
    assert ends.ended == ["a"] * 3


@WAYS
async def test_what_was_said_before_the_goodbye_is_heard(way: str) -> None:
    async def greet(call: Call) -> None:
        await call.send("hello")

    async with target_of(Stream(greet), way) as target:
        for _ in range(5):
            async with connect(target) as call:
                said = [message.data async for message in call.messages]
            assert said == ["hello", "the call has ended"]


@WAYS
async def test_a_server_that_hangs_up_closes_the_session(way: str) -> None:
    stream = Stream(Ends())
    async with target_of(stream, way) as target, connect(target, call_id="a") as call:
        stream.hang_up("a", "enough")
        assert [frame async for frame in call.audio] == []
        with pytest.raises(SessionClosed, match="enough"):
            await call.send(1)


async def test_a_goodbye_that_is_not_answered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "HANG_UP", 0.0)
    directory = WatchedDirectory()
    async with target_of(Stream(Ends(), directory=directory), "ws") as target:
        async with connect(target):
            pass
        await directory.until(0)
