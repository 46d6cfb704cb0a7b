"""What all transports share: calls from their start to their end, in memory and on sockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from antiphon import AudioFrame, Call, CallRefused, SessionClosed, Stream, connect, echo
from antiphon.core.ports import CallInfo
from antiphon.core.signaling import Refusal
from tests.transports.serving import (
    WatchedDirectory,
    cancelled_on_exit,
    errors_in,
    listener,
    serving,
)


async def returns(call: Call) -> None:
    """Ends at once."""


async def raises(call: Call) -> None:
    raise ZeroDivisionError("the handler's words \ud800")


async def awaits_the_cancelled(call: Call) -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task


async def uses_the_closed(call: Call) -> None:
    await call.hang_up()
    await call.send("too late")


async def leaves_when_told(call: Call) -> None:
    async for _ in call.messages:
        return


ENDINGS = {
    "returns": (returns, 1000),
    "raises": (raises, 1011),
    "awaits the cancelled": (awaits_the_cancelled, 1011),
    "uses the closed": (uses_the_closed, 1000),
    "the client leaves": (cancelled_on_exit, None),
    "the server hangs up": (cancelled_on_exit, 1000),
    "the time is over": (cancelled_on_exit, 1000),
    "told": (leaves_when_told, 1000),
}


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "websocket"])
@pytest.mark.parametrize("name", ENDINGS)
async def test_whatever_ends_a_call_gives_its_slot_back_once(name: str, memory: bool) -> None:
    handler, code = ENDINGS[name]
    cleanups = 0

    async def counted(call: Call) -> None:
        nonlocal cleanups
        try:
            await handler(call)
        finally:
            cleanups += 1

    directory = WatchedDirectory()
    limit = 0.05 if name == "the time is over" else None
    stream = Stream(counted, directory=directory, time_limit=limit)
    async with target_of(stream, memory) as target:
        for _ in range(3):
            async with connect(target, call_id="again") as call:
                if name == "the server hangs up":
                    stream.hang_up("again")
                elif name == "told":
                    await call.send("go")
                if code is not None:
                    assert await closing_code(call) == code
            await directory.until(0)
    assert (cleanups, directory.claimed["again"]) == (3, 3)
    assert directory.claimed == directory.released


@asynccontextmanager
async def target_of(stream: Stream, memory: bool) -> AsyncGenerator[Stream | str]:
    """Where to call a stream: in memory, or at its WebSocket."""
    if memory:
        async with stream.running():
            yield stream
    else:
        async with serving(stream) as port:
            yield f"ws://127.0.0.1:{port}/websocket/offer"


async def closing_code(call: Call) -> int:
    async for _ in call.messages:
        pass
    try:
        await call.send("x")
    except SessionClosed as closed:
        return closed.code
    raise AssertionError("the call is open")


async def test_a_failure_is_told_to_the_client_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with connect(Stream(raises)) as call:
        told = [(message.type, message.data) async for message in call.messages]
    assert ("error", "the handler's words ?") in told
    assert errors_in(caplog) == [f"the handler of call {call.id!r} failed"]
    assert caplog.records[0].exc_info is not None


async def test_a_failing_call_leaves_the_others_alone() -> None:
    async def either(call: Call) -> None:
        await (echo(call) if call.id == "good" else awaits_the_cancelled(call))

    stream = Stream(either)
    async with stream.running(), connect(stream, call_id="good") as good:
        async with connect(stream, call_id="bad") as bad:
            assert await closing_code(bad) == 1011
        assert await good.ping() >= 0
        assert [info.id for info in stream.calls] == ["good"]


class BrokenDirectory(WatchedDirectory):
    """One that cannot be reached."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step

    async def claim(self, call: CallInfo, limit: int | None, run: Any) -> Refusal | None:
        if self.step == "claim":
            raise ConnectionError("no directory")
        return await super().claim(call, limit, run)

    async def release(self, call_id: str) -> None:
        await super().release(call_id)
        if self.step == "release":
            raise ConnectionError("no directory")


async def test_a_directory_that_cannot_register_refuses_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Stream(listener, directory=BrokenDirectory("claim"))
    async with stream.running():
        with pytest.raises(CallRefused, match="internal_error"):
            async with connect(stream, call_id="a"):
                pytest.fail("it opens")
        assert stream.host.running
    assert errors_in(caplog) == ["call 'a' could not be registered"]


async def test_a_directory_that_cannot_forget_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    stream = Stream(returns, directory=BrokenDirectory("release"))
    async with stream.running():
        for _ in range(2):
            async with connect(stream, call_id="a") as call:
                assert await closing_code(call) == 1000
    assert errors_in(caplog) == ["the slot of call 'a' could not be given back"] * 2


async def test_a_host_runs_once_at_a_time_and_again_afterwards() -> None:
    stream = Stream(listener)
    for _ in range(2):
        async with stream.host.run():
            with pytest.raises(RuntimeError, match="already runs"):
                async with stream.host.run():
                    pytest.fail("it runs twice")
            assert stream.host.running
        assert not stream.host.running


async def test_shutdown_tells_waits_and_then_ends() -> None:
    """A call that ends by itself within the grace is not cut; one that does not is."""
    warned = anyio.Event()
    directory = WatchedDirectory()
    stream = Stream(leaves_when_told, directory=directory)
    told: dict[str, list[str]] = {"polite": [], "deaf": []}

    async def client(name: str, target: str) -> None:
        async with connect(target, call_id=name) as call:
            async for message in call.messages:
                told[name].append(message.type)
                if message.type == "warning" and name == "polite":
                    await call.send("going")
                    warned.set()

    async with anyio.create_task_group() as clients, serving(stream, grace=0.2) as port:
        for name in told:
            clients.start_soon(client, name, f"ws://127.0.0.1:{port}/websocket/offer")
        await directory.until(2)
    assert told == {name: ["warning", "end_stream"] for name in told}
    assert warned.is_set()


async def test_cancelling_the_server_runs_every_handlers_end() -> None:
    ended: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(call.id)

    stream = Stream(handler)
    with anyio.CancelScope() as scope:
        async with stream.running(), connect(stream, call_id="a"):
            scope.cancel()
            await anyio.sleep_forever()
    assert ended == ["a"]
    assert stream.calls == []


async def test_the_end_of_a_call_is_no_failure_of_a_handler_with_tasks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What its tasks raise when they use the call that has ended comes out in a group."""
    ready = anyio.Event()

    async def two_voices(call: Call) -> None:
        async def speak() -> None:
            ready.set()
            while True:
                await call.send_audio(AudioFrame(bytes(4800), 24000))

        async def hear_to_the_end() -> None:
            async for _ in call.audio:
                pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak)
            tasks.start_soon(hear_to_the_end)

    directory = WatchedDirectory()
    async with serving(Stream(two_voices, directory=directory)) as port:
        async with connect(f"ws://127.0.0.1:{port}/websocket/offer"):
            await ready.wait()
        await directory.until(0)
    assert errors_in(caplog) == []


async def test_inputs_before_and_during_a_call_reach_the_handler() -> None:
    async def tell(call: Call) -> None:
        await call.send(list(call.inputs))
        await call.send(list(await call.wait_for_inputs()))

    stream = Stream(tell)
    async with connect(stream, call_id="a", inputs=[1, 2]) as call:
        received: list[Any] = []
        async for message in call.messages:
            if message.type == "message":
                received.append(message.data)
            elif message.type == "send_input":
                stream.set_input("a", 3)
    assert received == [[1, 2], [3]]


async def test_speaking_after_the_end_is_no_failure_in_a_task_group_either(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def speak_too_late(call: Call) -> None:
        with anyio.CancelScope(shield=True):
            async for _ in call.messages:
                pass
            await call.send("x")

    async def in_a_group(call: Call) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak_too_late, call)

    stream = Stream(in_a_group)
    async with stream.running(), connect(stream):
        pass
    assert stream.calls == []
    assert errors_in(caplog) == []
