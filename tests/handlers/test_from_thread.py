"""The way from worker threads to a call's loop never ends in a deadlock."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.to_thread
import pytest

from antiphon.core.errors import SessionClosed
from antiphon.handlers import from_thread
from antiphon.handlers.from_thread import CallLoop

PATIENCE = 10


async def answer() -> int:
    await anyio.lowlevel.checkpoint()
    return threading.get_ident()


async def fail() -> None:
    raise TimeoutError("of its own")


async def test_a_thread_gets_what_a_coroutine_returns_on_the_loop() -> None:
    loop = CallLoop()
    assert await anyio.to_thread.run_sync(loop.ask, answer) == threading.get_ident()


async def test_a_thread_gets_what_a_coroutine_raises() -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        await anyio.to_thread.run_sync(CallLoop().ask, fail)


async def test_asking_on_the_loop_itself_is_refused_instead_of_waiting_for_ever() -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        CallLoop().ask(answer)


async def test_functions_run_on_the_loop_in_the_order_they_were_given() -> None:
    loop = CallLoop()
    ran: list[int] = []
    done = anyio.Event()

    def give() -> None:
        for value in range(5):
            loop.soon(lambda value=value: ran.append(value))  # type: ignore[misc]  # no lambda has types
        loop.soon(done.set)

    await anyio.to_thread.run_sync(give)
    await done.wait()
    assert ran == list(range(5))


async def test_on_the_loop_a_function_runs_at_once() -> None:
    ran: list[bool] = []
    CallLoop().soon(lambda: ran.append(True))
    assert ran == [True]


async def test_who_waits_when_the_call_ends_is_told() -> None:
    loop = CallLoop()
    asked = anyio.Event()

    async def never() -> None:
        asked.set()
        await anyio.sleep_forever()

    async def wait() -> None:
        with pytest.raises(SessionClosed):
            await anyio.to_thread.run_sync(loop.ask, never)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await asked.wait()
        loop.close()


async def test_a_call_that_is_over_answers_nothing_and_runs_nothing() -> None:
    loop = CallLoop()
    loop.close()
    with pytest.raises(SessionClosed):
        await anyio.to_thread.run_sync(loop.ask, answer)
    loop.soon(lambda: pytest.fail("it ran"))
    await anyio.to_thread.run_sync(loop.soon, lambda: pytest.fail("it ran"))
    await anyio.lowlevel.checkpoint()


def test_a_thread_that_waits_goes_on_when_the_loop_is_stopped_by_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(from_thread, "LOOK", 0.05)
    loop = asyncio.new_event_loop()

    async def make() -> CallLoop:
        return CallLoop()

    async def stop() -> None:
        loop.stop()
        await asyncio.Event().wait()

    asked = loop.run_until_complete(make())
    thread = Asking(asked, stop)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join(PATIENCE)
    assert thread.over
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    late = Asking(asked, stop)
    late.start()
    late.join(PATIENCE)
    assert late.over


class Asking(threading.Thread):
    """Asks, and notes that it was told that the call is over."""

    def __init__(self, loop: CallLoop, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__(daemon=True)
        self._loop = loop
        self._step = step
        self.over = False

    def run(self) -> None:
        try:
            self._loop.ask(self._step)
        except SessionClosed:
            self._loop.soon(lambda: None)
            self.over = True
