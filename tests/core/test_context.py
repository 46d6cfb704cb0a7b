"""The call that code belongs to is found in tasks and threads that began in its handler."""

import threading

import anyio
import anyio.to_thread
import pytest

from antiphon import Call, Stream, connect
from antiphon.core.context import current_call, soon


def test_outside_of_a_handler_there_is_no_call() -> None:
    with pytest.raises(RuntimeError, match="no call is handled here"):
        current_call()


async def test_tasks_and_threads_of_a_handler_find_its_call() -> None:
    found: list[str] = []

    async def look() -> None:
        found.append(current_call().id)

    async def handler(call: Call) -> None:
        await look()
        found.append(await anyio.to_thread.run_sync(lambda: current_call().id))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)

    stream = Stream(handler)
    async with stream.running(), connect(stream) as call:
        async for _ in call.messages:
            pass
        assert found == [call.id] * 3


async def test_the_loop_of_a_call_is_reached_from_its_threads() -> None:
    ran: list[bool] = []
    here = threading.get_ident()

    async def handler(call: Call) -> None:
        done = anyio.Event()

        def note() -> None:
            ran.append(threading.get_ident() == here)
            done.set()

        await anyio.to_thread.run_sync(soon, note)
        await done.wait()

    stream = Stream(handler)
    async with stream.running(), connect(stream) as call:
        async for _ in call.messages:
            pass
        assert ran == [True]
