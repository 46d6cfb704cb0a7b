"""Waiting for a queue, but not for long."""

import asyncio

import anyio
import pytest

from antiphon.handlers.waiting import wait_for_item


async def test_an_item_that_is_there_is_taken_even_without_time() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)
    assert await wait_for_item(queue, 0) == 1


async def test_an_item_that_comes_in_time_is_taken() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    asyncio.get_running_loop().call_soon(queue.put_nowait, 1)
    assert await wait_for_item(queue, 10) == 1


async def test_none_is_what_an_empty_queue_gives() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    assert await wait_for_item(queue, 0.001) is None


@pytest.mark.parametrize("early", [0, 1, 2, 3])
async def test_no_item_is_lost_that_comes_with_the_time_out(early: int) -> None:
    """Whichever of the two is first, by how many steps of the loop."""
    loop = asyncio.get_running_loop()
    for put_first in (True, False):
        queue: asyncio.Queue[int] = asyncio.Queue()
        with anyio.CancelScope() as scope:
            steps = [lambda queue=queue: queue.put_nowait(1), scope.cancel]

            def step(left: int, then: object) -> None:
                if left:
                    loop.call_soon(step, left - 1, then)
                else:
                    then()  # type: ignore[operator]  # one of the two above

            first, second = steps if put_first else reversed(steps)
            loop.call_soon(step, 0, first)
            loop.call_soon(step, early, second)
            taken = await wait_for_item(queue, 10)
            assert taken == 1
        for _ in range(early + 1):
            await asyncio.sleep(0)
        if scope.cancelled_caught:
            assert queue.get_nowait() == 1
