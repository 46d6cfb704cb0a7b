"""Threads of their own: one step at a time, nobody's way out, and a bound on their number."""

import logging
import threading
from collections.abc import AsyncGenerator
from contextvars import ContextVar

import anyio
import pytest

from antiphon.core.errors import HandlerError
from antiphon.handlers import worker
from antiphon.handlers.worker import Worker, workers

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


@pytest.fixture(autouse=True)
async def all_places_free_at_the_end() -> AsyncGenerator[None]:
    places = workers()
    total = places.total_tokens
    yield
    places.total_tokens = 1
    with anyio.fail_after(5):
        async with places:
            pass
    places.total_tokens = total


async def test_all_steps_run_in_one_thread_that_is_not_the_loops() -> None:
    made = Worker("steps")
    threads = {await made.run(threading.get_ident) for _ in range(3)}
    made.close()
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_what_a_step_raises_is_raised_to_its_caller() -> None:
    made = Worker("fails")

    def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        await made.run(fail)
    assert await made.run(lambda: "still alive") == "still alive"
    made.close()


async def test_a_handler_that_exits_does_not_end_the_server() -> None:
    def leave() -> None:
        raise SystemExit(1)

    made = Worker("leaves")
    with pytest.raises(HandlerError, match="SystemExit"):
        await made.run(leave)
    made.close()


async def test_the_context_of_its_maker_is_found() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="default")
    variable.set("mine")
    made = Worker("context")
    assert await made.run(variable.get) == "mine"
    made.close()


async def test_a_caller_that_is_cancelled_does_not_wait_for_the_thread() -> None:
    going, go = threading.Event(), threading.Event()

    def block() -> None:
        going.set()
        go.wait(PATIENCE)

    made = Worker("blocks")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.run, block)
        await anyio.to_thread.run_sync(going.wait, PATIENCE)
        tasks.cancel_scope.cancel()
    assert workers().borrowed_tokens == 1
    made.close()
    go.set()


async def test_no_more_threads_than_places() -> None:
    first, second = Worker("first"), Worker("second")
    workers().total_tokens = 1
    await first.run(threading.get_ident)
    with pytest.raises(HandlerError, match="no thread is free for second: 1 are taken"):
        await second.run(threading.get_ident)
    first.close()


async def test_a_thread_that_is_left_behind_is_complained_about_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.01)
    going, go = threading.Event(), threading.Event()

    def block() -> None:
        going.set()
        go.wait(PATIENCE)

    made = Worker("emit")
    with caplog.at_level(logging.WARNING, "antiphon"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made.run, block)
            await anyio.to_thread.run_sync(going.wait, PATIENCE)
            tasks.cancel_scope.cancel()
        made.close()
        made.close()
        with anyio.fail_after(PATIENCE):
            while not caplog.records:  # noqa: ASYNC110 - a log record sets no event
                await anyio.sleep(0.01)
        go.set()
    assert [record.getMessage()[:21] for record in caplog.records] == ["emit has not returned"]


async def test_its_threads_do_not_hold_up_the_end_of_the_process() -> None:
    made = Worker("daemon")
    assert await made.run(lambda: threading.current_thread().daemon)
    made.close()
