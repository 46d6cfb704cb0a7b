"""Background tasks for the length of a context."""

import asyncio
import threading

import anyio
import anyio.to_thread
import pytest

from antiphon.transports.tasks import background, way_here


async def test_tasks_are_cancelled_when_the_body_is_done() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    async with background() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
    assert ended == ["cancelled"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, asyncio.CancelledError])
async def test_what_the_body_raises_is_raised_as_itself(error: type[BaseException]) -> None:
    caught: BaseException | None = None
    try:
        async with background() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            raise error
    except BaseException as raised:
        caught = raised
    assert type(caught) is error


async def test_what_a_task_raises_ends_the_body() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def fail_behind() -> None:
        async with background() as tasks:
            tasks.start_soon(fail)
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        await fail_behind()
    assert raised.group_contains(ZeroDivisionError)


async def test_a_loop_is_reached_at_once_from_itself_and_soon_from_a_thread() -> None:
    ran: list[int] = []
    done = anyio.Event()
    run_soon = way_here()

    def note() -> None:
        ran.append(threading.get_ident())
        if len(ran) == 2:
            done.set()

    run_soon(note)
    assert len(ran) == 1
    await anyio.to_thread.run_sync(run_soon, note)
    await done.wait()
    assert set(ran) == {threading.get_ident()}
