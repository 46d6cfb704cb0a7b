"""Timers of one event loop, on the loop's own clock."""

import asyncio

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.scheduler import Scheduler, scheduler
from tests.transports.serving import either_loop

anyio_backend = either_loop


class Sleeper:
    """Asks to be woken at each of its deadlines, in turn."""

    def __init__(self, timers: Scheduler, deadlines: list[float]) -> None:
        self._timers = timers
        self._deadlines = deadlines
        self.woken: list[tuple[float, float]] = []
        self.done = anyio.Event()
        self.slot = timers.at(deadlines[0], self)

    def wake(self, now: float) -> None:
        self.woken.append((self._deadlines.pop(0), now))
        if self._deadlines:
            self.slot = self._timers.at(self._deadlines[0], self)
        else:
            self.done.set()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_nobody_is_woken_before_the_deadline() -> None:
    timers = Scheduler()
    began = now()
    sleepers = [
        Sleeper(timers, [began + step * 0.0007, began + step * 0.0011 + 0.01]) for step in range(40)
    ]
    for sleeper in sleepers:
        await sleeper.done.wait()
        assert all(at >= deadline for deadline, at in sleeper.woken)


@given(st.floats(min_value=0, max_value=1e7, allow_nan=False))
def test_the_slot_of_a_deadline_is_not_before_it(deadline: float) -> None:
    """Rounding of the division included: the `now` of a wake is at least the slot's time."""

    async def file() -> None:
        timers = Scheduler()
        sleeper = Sleeper(timers, [deadline])
        assert deadline <= sleeper.slot * 0.005 <= deadline + 0.005 + 1e-8
        timers.cancel(sleeper.slot, sleeper)

    asyncio.run(file())


async def test_a_deadline_that_has_passed_wakes_once_and_does_not_spin() -> None:
    timers = Scheduler()
    past = Sleeper(timers, [now() - 10, now() - 5, now() - 1])
    await past.done.wait()
    assert len(past.woken) == 3


async def test_a_nearer_deadline_comes_first() -> None:
    timers = Scheduler()
    late = Sleeper(timers, [now() + 3600])
    soon = Sleeper(timers, [now() + 0.02])
    await soon.done.wait()
    timers.cancel(late.slot, late)
    assert late.woken == []


async def test_who_is_taken_back_is_not_woken() -> None:
    timers = Scheduler()
    at = now() + 0.02
    cancelled, other = Sleeper(timers, [at]), Sleeper(timers, [at])
    timers.cancel(cancelled.slot, cancelled)
    await other.done.wait()
    timers.cancel(other.slot, other)
    assert cancelled.woken == []


async def test_one_of_a_slot_may_take_another_back() -> None:
    timers = Scheduler()
    at = now() + 0.02

    class Rival:
        other: "Rival"

        def wake(self, now: float) -> None:
            woken.append(self)
            timers.cancel(slot, self.other)

    woken: list[Rival] = []
    first, second = Rival(), Rival()
    first.other, second.other = second, first
    slot = timers.at(at, first)
    assert timers.at(at, second) == slot
    await Sleeper(timers, [at + 0.02]).done.wait()
    assert len(woken) == 1


async def test_one_that_raises_does_not_keep_the_others_from_waking() -> None:
    timers = Scheduler()
    loop = asyncio.get_running_loop()
    told: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    at = now() + 0.02

    class Broken:
        def wake(self, now: float) -> None:
            raise ZeroDivisionError

    sleepers = [Sleeper(timers, [at]) for _ in range(3)]
    for _ in range(3):
        timers.at(at, Broken())
    sleepers.append(Sleeper(timers, [at + 0.01]))
    try:
        for sleeper in sleepers:
            await sleeper.done.wait()
    finally:
        loop.set_exception_handler(None)
    assert [type(error) for error in told] == [ZeroDivisionError] * 3


async def test_a_loop_has_one_scheduler() -> None:
    assert scheduler() is scheduler()


async def test_another_loop_has_another() -> None:
    mine = scheduler()

    def elsewhere() -> Scheduler:
        async def find() -> Scheduler:
            return scheduler()

        return asyncio.run(find())

    assert await anyio.to_thread.run_sync(elsewhere) is not mine


def test_there_is_none_without_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        scheduler()
