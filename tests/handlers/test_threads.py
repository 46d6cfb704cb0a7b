"""Blocking functions: how many at a time, and what is left of them when nobody waits."""

import logging
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

import anyio
import anyio.from_thread
import pytest

from antiphon.handlers import threads
from antiphon.handlers.threads import Steps, closing, in_thread

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


class Blocked:
    """A function that tells when it runs, and returns when it is let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = anyio.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        self.runs += 1
        anyio.from_thread.run_sync(self.entered.set)
        assert self.go.wait(PATIENCE)
        return "done"


async def test_it_returns_and_raises_what_the_function_does() -> None:
    def fails() -> None:
        raise ValueError("broken")

    assert await in_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ValueError, match="broken"):
        await in_thread(fails)


async def test_an_abandoned_function_keeps_its_place_until_it_returns(
    places: anyio.CapacityLimiter,
) -> None:
    places.total_tokens = 1
    stuck, second = Blocked(), Blocked()
    second.go.set()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(in_thread, stuck)
        await stuck.entered.wait()
        tasks.cancel_scope.cancel()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(in_thread, second)
        await anyio.wait_all_tasks_blocked()
        assert second.runs == 0
        stuck.go.set()
    assert second.runs == 1


async def test_who_leaves_before_the_function_ran_gives_the_place_back(
    places: anyio.CapacityLimiter,
) -> None:
    places.total_tokens = 1
    never = Blocked()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(in_thread, never)
        while not places.borrowed_tokens:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert (never.runs, places.borrowed_tokens) == (0, 0)


async def test_threads_do_not_pile_up_behind_a_function_that_is_stuck(
    places: anyio.CapacityLimiter,
) -> None:
    places.total_tokens = 2
    stuck, late = [Blocked(), Blocked()], Blocked()
    for blocked in stuck:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(in_thread, blocked)
            await blocked.entered.wait()
            tasks.cancel_scope.cancel()
    for _ in range(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(in_thread, late)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert late.runs == 0
    for blocked in stuck:
        blocked.go.set()


def test_a_function_that_outlives_its_loop_ends_quietly() -> None:
    entered, go = threading.Event(), threading.Event()
    ran_in: list[threading.Thread] = []

    def stuck() -> None:
        ran_in.append(threading.current_thread())
        entered.set()
        assert go.wait(PATIENCE)

    async def leave() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(in_thread, stuck)
            while not entered.is_set():
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    anyio.run(leave)
    go.set()
    (thread,) = ran_in
    thread.join(PATIENCE)
    assert not thread.is_alive()


class Counting:
    """A generator that blocks in its second step, and tells what happens to it."""

    def __init__(self) -> None:
        self.blocked = Blocked()
        self.happened: list[str] = []
        self.closed = anyio.Event()
        self.threads: set[int] = set()

    def __call__(self) -> Generator[int, None, None]:
        try:
            yield 1
            self.blocked()
            self.happened.append("stepped")
            yield 2
        finally:
            self.happened.append("closed")
            self.threads.add(threading.get_ident())
            anyio.from_thread.run_sync(self.closed.set)


async def test_a_generator_is_stepped_to_its_end() -> None:
    counting = Counting()
    counting.blocked.go.set()
    steps = Steps(counting())
    async with closing(steps):
        assert [item async for item in steps] == [1, 2]
    assert counting.happened == ["stepped", "closed"]
    assert threading.get_ident() not in counting.threads


async def test_a_generator_that_is_left_between_steps_is_closed_at_once() -> None:
    counting = Counting()
    steps = Steps(counting())
    async with closing(steps):
        assert await anext(steps) == 1
    assert counting.happened == ["closed"]
    assert threading.get_ident() not in counting.threads
    with pytest.raises(StopAsyncIteration):
        await anext(steps)


async def test_a_generator_that_is_left_during_a_step_is_closed_after_it(
    places: anyio.CapacityLimiter,
) -> None:
    counting = Counting()

    async def read() -> None:
        steps = Steps(counting())
        async with closing(steps):
            async for item in steps:
                assert item == 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await counting.blocked.entered.wait()
        tasks.cancel_scope.cancel()
    assert counting.happened == []
    counting.blocked.go.set()
    await counting.closed.wait()
    assert counting.happened == ["stepped", "closed"]


async def test_what_a_generator_raises_on_being_closed_late_is_logged(
    places: anyio.CapacityLimiter, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = Blocked()

    def stubborn() -> Generator[int, None, None]:
        try:
            blocked()
            yield 1
        finally:
            raise ValueError("it does not want to")

    steps = Steps(stubborn())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anext, steps)
        await blocked.entered.wait()
        tasks.cancel_scope.cancel()
    places.total_tokens = places.borrowed_tokens
    await steps.aclose()
    with caplog.at_level(logging.ERROR, "antiphon"):
        blocked.go.set()
        await in_thread(threading.get_ident)  # there is a place only after the other has left
    assert "failed while it was closed" in caplog.text
    assert "it does not want to" in caplog.text


async def test_clean_up_that_hangs_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "CLEANUP", 0.01)

    async def hangs() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            await anyio.sleep_forever()

    source = hangs()
    async with aclosing(source), closing(source):
        assert await anext(source) == 1
    assert "not closed within 0.01 s" in caplog.text
