"""Every kind of function is run alike."""

import threading
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import Any

import numpy as np
import pytest

from antiphon.handlers.kinds import kind_of
from antiphon.handlers.outcomes import outcomes


def function(n: int) -> int:
    return n


async def coroutine(n: int) -> int:
    return n


def generator(n: int) -> Generator[int, None, None]:
    yield n
    yield n + 1


async def async_generator(n: int) -> AsyncGenerator[int]:
    yield n
    yield n + 1


def returns_generator(n: int) -> Generator[int, None, None]:
    return generator(n)


def returns_async_generator(n: int) -> AsyncGenerator[int]:
    return async_generator(n)


def as_it_is(item: Any) -> Any:
    return item


async def given(fn: Callable[..., Any], *args: Any) -> list[Any]:
    async with outcomes(fn, kind_of(fn), *args, finish=as_it_is) as items:
        return [item async for item in items]


@pytest.mark.parametrize("fn", [function, coroutine])
async def test_a_function_gives_one_thing(fn: Callable[..., Any]) -> None:
    assert await given(fn, 3) == [3]


@pytest.mark.parametrize(
    "fn",
    [
        generator,
        async_generator,
        partial(generator),
        returns_generator,
        returns_async_generator,
    ],
)
async def test_a_generator_gives_all_it_yields(fn: Callable[..., Any]) -> None:
    assert await given(fn, 3) == [3, 4]


async def test_what_blocks_runs_in_a_worker_thread() -> None:
    def where() -> Generator[Any, None, None]:
        yield threading.current_thread()

    here = threading.current_thread()
    assert await given(where) != [here]
    assert await given(threading.current_thread) != [here]


@pytest.mark.parametrize("fn", [function, generator, returns_generator])
async def test_what_is_made_of_it_is_made_in_the_same_thread(fn: Callable[..., Any]) -> None:
    threads: list[threading.Thread] = []

    def finish(item: int) -> int:
        threads.append(threading.current_thread())
        return item + 1

    async with outcomes(fn, kind_of(fn), 3, finish=finish) as items:
        assert await anext(items) == 4
    assert threads != [threading.current_thread()]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_generator_that_is_left_is_closed(asynchronous: bool) -> None:
    closed: list[bool] = []

    def blocking() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def awaiting() -> AsyncGenerator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    fn: Callable[..., Any] = awaiting if asynchronous else blocking
    async with outcomes(fn, kind_of(fn), finish=as_it_is) as items:
        assert await anext(items) == 1
    assert closed == [True]


@pytest.mark.parametrize("fn", [function, coroutine, generator, async_generator])
async def test_what_a_function_raises_comes_out(fn: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        await given(fn)


@pytest.mark.parametrize(("count", "elsewhere"), [(480, False), (48_000, True)])
async def test_a_long_sound_is_finished_in_a_worker_thread(count: int, elsewhere: bool) -> None:
    sound = (24_000, np.zeros((1, count))), "more"

    async def once() -> Any:
        return sound

    async def each() -> AsyncGenerator[Any]:
        yield sound

    def where(item: Any) -> bool:
        assert item is sound
        return threading.get_ident() != here

    here = threading.get_ident()
    for fn in (once, each):
        async with outcomes(fn, kind_of(fn), finish=where) as items:
            assert [item async for item in items] == [elsewhere]
