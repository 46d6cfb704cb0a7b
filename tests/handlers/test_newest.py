"""The newest of a stream."""

from collections.abc import AsyncIterator

import anyio

from antiphon.handlers.newest import Newest


class Source:
    def __init__(self) -> None:
        self.more = anyio.Event()

    async def items(self) -> AsyncIterator[int]:
        for item in range(3):
            yield item
        await self.more.wait()
        yield 10


async def test_what_was_not_taken_in_time_is_forgotten() -> None:
    newest, source = Newest[int](), Source()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newest.fill, source.items())
        assert await anext(newest) in (0, 1, 2)
        await anyio.wait_all_tasks_blocked()
        source.more.set()
        await anyio.wait_all_tasks_blocked()
        assert await anext(newest) == 10


async def test_a_reader_waits_for_the_next() -> None:
    newest, source = Newest[int](), Source()
    taken: list[int] = []

    async def read() -> None:
        while True:
            taken.append(await anext(newest))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(newest.fill, source.items())
        await anyio.wait_all_tasks_blocked()
        assert taken == [2]
        source.more.set()
        await anyio.wait_all_tasks_blocked()
        assert taken == [2, 10]
        tasks.cancel_scope.cancel()
