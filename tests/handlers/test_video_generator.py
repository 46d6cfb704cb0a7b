"""Generators of pictures as handlers."""

import threading
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from math import inf
from typing import Any

import anyio
import anyio.from_thread
import pytest

from antiphon import AdditionalOutputs, CloseStream, Stream, VideoStreamHandler, connect
from antiphon.handlers.video import Shown, next_due
from tests.handlers.pictures import errors_told, number, picture, sees, told

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


def receive(fn: Any, fps: float = inf, **options: Any) -> Stream:
    return Stream(VideoStreamHandler(fn, fps, **options), modality="video", mode="receive")


def count(first: int = 0, step: int = 1) -> Iterator[Shown]:
    for value in range(first, 100, step):
        yield picture(value)


async def count_later(first: int = 0, step: int = 1) -> AsyncIterator[Shown]:
    for value in range(first, 100, step):
        await anyio.lowlevel.checkpoint()
        yield picture(value)


BOTH = pytest.mark.parametrize("fn", [count, count_later])


@BOTH
async def test_it_begins_without_inputs_and_its_end_is_the_calls(fn: Any) -> None:
    async with connect(receive(fn)) as call:
        assert [number(frame) async for frame in call.video] == list(range(100))
        assert await told(call) == [("end_stream", "the call has ended")]


@BOTH
async def test_it_gets_the_inputs_that_came_with_the_start(fn: Any) -> None:
    async with connect(receive(fn), inputs=[90, 4]) as call:
        assert [number(frame) async for frame in call.video] == [90, 94, 98]


async def test_yields_are_shown_and_published_in_their_order() -> None:
    def results() -> Iterator[Shown]:
        yield None
        yield picture(1), AdditionalOutputs("one")
        yield AdditionalOutputs("two", 2)
        yield picture(2), CloseStream("over")
        raise AssertionError("nothing runs behind the end")

    stream = receive(results)
    async with stream.running(), connect(stream, call_id="a") as call:
        outputs = stream.output_stream("a")
        assert [number(frame) async for frame in call.video] == [1, 2]
        assert [output.args async for output in outputs] == [("one",), ("two", 2)]
        assert (await told(call))[-1] == ("end_stream", "over")


async def test_one_array_may_be_drawn_on_again_and_again() -> None:
    def draw() -> Iterator[Shown]:
        canvas = picture(0)
        for value in range(1, 10):
            canvas[0, 0, 1] = value
            yield canvas

    async with connect(receive(draw)) as call:
        assert [number(frame) async for frame in call.video] == list(range(1, 10))


async def test_inputs_that_are_needed_are_waited_for() -> None:
    def from_here(first: int) -> Iterator[Shown]:
        yield picture(first)

    async with connect(receive(from_here)) as call:
        assert (await anext(call.messages)).type == "send_input"
        await call.send_inputs(1, 2, 3)
        error = await anext(call.messages)
        assert (error.type, error.data) == ("error", "this stream takes 1 inputs, not 3")
        assert (await anext(call.messages)).type == "send_input"
        await call.send_inputs(7)
        assert await sees(call) == 7


async def test_inputs_that_do_not_come_end_the_call() -> None:
    def from_here(first: int) -> Iterator[Shown]:
        yield picture(first)

    async with connect(receive(from_here, inputs_timeout=0.01)) as call:
        assert [frame async for frame in call.video] == []
        assert await errors_told(call) == ["no inputs came within 0.01 s"]


async def test_its_exception_is_the_calls() -> None:
    def fails() -> Iterator[Shown]:
        yield picture(1)
        raise ValueError("broken")

    async with connect(receive(fails)) as call:
        assert [number(frame) async for frame in call.video] == [1]
        assert await errors_told(call) == ["broken"]


async def test_a_yield_that_is_no_picture_is_told_and_survived() -> None:
    def one_is_wrong() -> Iterator[Any]:
        yield picture(1)
        yield "no picture"
        yield picture(2)

    async with connect(receive(one_is_wrong)) as call:
        assert [number(frame) async for frame in call.video] == [1, 2]
        (error,) = await errors_told(call)
        assert "not str" in error


async def test_times_are_those_at_which_pictures_were_due() -> None:
    async with connect(receive(count, fps=1000)) as call:
        times = [frame.time async for frame in call.video]
    assert times[0] == 0
    assert all(after - before >= 0.00099 for before, after in pairwise(times))


@pytest.mark.parametrize(
    ("due", "now", "period", "after"),
    [
        (10.0, 10.001, 0.04, 10.04),
        (10.0, 10.04, 0.04, 10.04),
        (10.0, 13.0, 0.04, 13.0),
        (10.0, 10.5, 0.0, 10.5),
    ],
)
def test_a_late_picture_delays_those_behind_it_and_none_is_caught_up(
    due: float, now: float, period: float, after: float
) -> None:
    assert next_due(due, now, period) == pytest.approx(after)


class Watched:
    """A generator that blocks in its second step, and tells when it is closed."""

    def __init__(self) -> None:
        self.entered = anyio.Event()
        self.closed = anyio.Event()
        self.go = threading.Event()
        self.stepped = False

    def pictures(self) -> Iterator[Shown]:
        try:
            yield picture(1)
            anyio.from_thread.run_sync(self.entered.set)
            assert self.go.wait(PATIENCE)
            self.stepped = True
            yield picture(2)
        finally:
            anyio.from_thread.run_sync(self.closed.set)


async def test_who_leaves_during_a_step_leaves_a_closed_generator_behind(
    places: anyio.CapacityLimiter,
) -> None:
    watched = Watched()
    stream = receive(watched.pictures)
    async with stream.running():
        async with connect(stream) as call:
            assert await sees(call) == 1
            await watched.entered.wait()
        await anyio.wait_all_tasks_blocked()
        assert (stream.calls, watched.stepped, watched.closed.is_set()) == ([], False, False)
        watched.go.set()
        await watched.closed.wait()
        assert watched.stepped


async def test_threads_do_not_grow_with_clients_that_come_and_go(
    places: anyio.CapacityLimiter,
) -> None:
    """Each leaves while a step runs; threads are used again."""
    stream_of = [Watched() for _ in range(6)]
    counts: list[int] = []
    for watched in stream_of:
        async with connect(receive(watched.pictures)) as call:
            await watched.entered.wait()
            assert await sees(call) == 1
        watched.go.set()
        await watched.closed.wait()
        places.total_tokens = 1
        async with places:
            counts.append(threading.active_count())
    # One more while the last is not back at its place yet.
    assert counts[-1] <= counts[0] + 1


async def test_who_leaves_between_pictures_leaves_a_closed_generator_behind() -> None:
    watched = Watched()
    stream = receive(watched.pictures, fps=0.001)
    watched.go.set()
    async with connect(stream) as call:
        assert await sees(call) == 1
        await watched.entered.wait()
        await anyio.wait_all_tasks_blocked()
    await watched.closed.wait()


async def test_an_async_generator_has_time_to_close() -> None:
    closed = anyio.Event()

    async def pictures() -> AsyncIterator[Shown]:
        try:
            yield picture(1)
            yield picture(2)
        finally:
            await anyio.lowlevel.checkpoint()
            closed.set()

    stream = receive(pictures, fps=0.001)
    async with stream.running():
        async with connect(stream) as call:
            assert await sees(call) == 1
            await anyio.wait_all_tasks_blocked()
        await closed.wait()
