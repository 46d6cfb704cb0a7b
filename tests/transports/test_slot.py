"""The place between a producer that never waits and one consumer that does."""

import anyio
import pytest

from antiphon.transports.slot import Slot


class Words(Slot[str]):
    """A slot in which every letter weighs one."""

    def push(self, item: str, weight: int = 0) -> None:
        super().push(item, weight or len(item))


def slot(bound: int = 3) -> Slot[str]:
    return Words(bound)


async def test_items_come_in_order_and_then_the_end() -> None:
    queue = slot()
    queue.push("a")
    queue.push("b")
    queue.close()
    assert [item async for item in queue] == ["a", "b"]
    with pytest.raises(StopAsyncIteration):
        await anext(queue)


async def test_a_full_slot_drops_the_oldest_and_counts_it() -> None:
    queue = slot()
    for item in ("a", "bb", "c", "d"):
        queue.push(item)
    queue.close()
    assert queue.dropped == 2
    assert [item async for item in queue] == ["c", "d"]


async def test_the_newest_item_is_held_whatever_it_weighs() -> None:
    queue = slot()
    queue.push("a")
    queue.push("b" * 10)
    assert (queue.dropped, queue.full) == (1, True)
    queue.push("c")
    assert (queue.dropped, queue.full) == (2, False)
    assert await anext(queue) == "c"


async def test_a_slot_that_keeps_all_says_when_it_is_full() -> None:
    queue = slot()
    queue.keep_all()
    for item in ("aa", "bb", "cc"):
        queue.push(item)
    queue.close()
    assert (queue.full, queue.dropped) == (True, 0)
    assert [item async for item in queue] == ["aa", "bb", "cc"]


async def test_nothing_is_taken_after_the_end() -> None:
    queue = slot()
    queue.close()
    queue.push("a")
    assert [item async for item in queue] == []


async def test_what_is_taken_back_is_not_counted() -> None:
    queue = slot()
    queue.push("aaa")
    queue.clear()
    assert (queue.dropped, queue.full) == (0, False)
    queue.push("b")
    assert await anext(queue) == "b"


async def test_one_reader_at_a_time() -> None:
    queue = slot()
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            assert await anext(queue) == "a"

        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.BusyResourceError):
            await anext(queue)
        queue.push("a")


async def test_a_cancelled_reader_loses_nothing_and_leaves_room_for_the_next() -> None:
    queue = slot()
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            await anext(queue)

        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        queue.push("a")  # between the cancellation and its delivery
    assert await anext(queue) == "a"


async def test_the_end_wakes_the_reader() -> None:
    queue = slot()
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            assert [item async for item in queue] == []

        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        queue.close()


async def test_taking_tells_the_producer() -> None:
    queue = slot()
    taken: list[bool] = []
    queue.taken = lambda: taken.append(queue.full)
    queue.push("aaa")
    assert await anext(queue) == "aaa"
    assert taken == [False]
