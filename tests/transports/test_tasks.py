"""Background tasks for the length of a context."""

import asyncio

import anyio
import pytest

from antiphon.transports.tasks import background


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
