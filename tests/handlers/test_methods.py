"""Methods of users, sync and async, called alike."""

import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from antiphon.handlers.methods import Method


def function(value: int) -> tuple[int, int]:
    return value, threading.get_ident()


async def coroutine(value: int) -> tuple[int, int]:
    return value, threading.get_ident()


async def test_functions_run_in_a_thread_and_coroutines_on_the_loop() -> None:
    with Method[tuple[int, int]](function) as sync, Method[tuple[int, int]](coroutine) as later:
        assert (sync.blocks, later.blocks) == (True, False)
        value, thread = await sync(1)
        assert (value, thread == threading.get_ident()) == (1, False)
        assert await later(2) == (2, threading.get_ident())


async def test_a_result_is_finished_where_it_was_made() -> None:
    def finish(result: tuple[int, int]) -> tuple[int, bool]:
        return result[0], result[1] == threading.get_ident()

    with Method(function, finish) as sync, Method(coroutine, finish) as later:
        assert await sync(1) == (1, True)
        assert await later(2) == (2, True)


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("wrong", [generator, async_generator])
async def test_a_generator_is_no_method(wrong: object) -> None:
    with pytest.raises(TypeError, match="generator returns what it has"):
        Method(wrong)  # type: ignore[arg-type]  # that is the test
