"""What a function gives, one thing after the other, whatever kind of function it is."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Generic, TypeVar, cast

from ..core.errors import HandlerError
from .kinds import Kind
from .threads import Steps, closing, in_thread

__all__ = ("outcomes",)

T = TypeVar("T")


@asynccontextmanager
async def outcomes(
    fn: Callable[..., Any], kind: Kind, *args: Any, finish: Callable[[Any], T]
) -> AsyncGenerator[AsyncIterator[T]]:
    """Call a function: inside is what it returns, or all that its generator yields, as `finish`
    makes it. What blocks runs in worker threads, `finish` right behind it in the same one. A
    generator is closed on the way out. Raises what the function raises; HandlerError for what would
    end more than this: SystemExit, GeneratorExit, and a cancellation that is none of this task.
    """
    if kind is Kind.FUNCTION:
        made = await in_thread(partial(_called, fn, args, finish))
    elif kind is Kind.COROUTINE:
        with _contained():
            made = _Finished(finish(await fn(*args)))
    else:
        made = fn(*args)
    source: Steps[T] | AsyncGenerator[T]
    if isinstance(made, _Finished):
        source = _single(cast(_Finished[T], made))
    elif inspect.isasyncgen(made):
        source = _finished_later(cast(AsyncGenerator[Any], made), finish)
    else:
        source = Steps(_finished(cast(Generator[Any, None, Any], made), finish))
    async with closing(source):
        yield aiter(source)


class _Finished(Generic[T]):
    """One thing, where there might have been a generator."""

    def __init__(self, item: T) -> None:
        self.item = item


def _called(fn: Callable[..., Any], args: tuple[Any, ...], finish: Callable[[Any], T]) -> Any:
    made = fn(*args)
    generates = inspect.isgenerator(made) or inspect.isasyncgen(made)
    return made if generates else _Finished(finish(made))


async def _single(made: _Finished[T]) -> AsyncGenerator[T]:
    yield made.item


def _finished(
    source: Generator[Any, None, Any], finish: Callable[[Any], T]
) -> Generator[T, None, None]:
    with contextlib.closing(source):
        for item in source:
            yield finish(item)


async def _finished_later(
    source: AsyncGenerator[Any], finish: Callable[[Any], T]
) -> AsyncGenerator[T]:
    async with contextlib.aclosing(source):
        while True:
            try:
                with _contained():
                    item = await anext(source)
            except StopAsyncIteration:
                return
            yield finish(item)


@contextmanager
def _contained() -> Generator[None]:
    try:
        yield
    except (SystemExit, GeneratorExit) as error:
        raise HandlerError(f"a function raised {type(error).__name__}") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise HandlerError("a function awaited something that others cancelled") from error
