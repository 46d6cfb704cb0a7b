"""What a function gives, one thing after the other, whatever kind of function it is."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from .kinds import Kind
from .threads import Steps, closing, in_thread

__all__ = ("outcomes",)


@asynccontextmanager
async def outcomes(
    fn: Callable[..., Any], kind: Kind, *args: Any
) -> AsyncGenerator[AsyncIterator[Any]]:
    """Call a function: inside is what it returns, or all that its generator yields. What blocks
    runs in worker threads. A generator is closed on the way out.
    """
    if kind is Kind.FUNCTION:
        made = await in_thread(partial(fn, *args))
    elif kind is Kind.COROUTINE:
        made = await fn(*args)
    else:
        made = fn(*args)
    source: Steps[Any] | AsyncGenerator[Any]
    if inspect.isgenerator(made):
        source = Steps[Any](cast(Generator[Any, None, Any], made))
    elif inspect.isasyncgen(made):
        source = cast(AsyncGenerator[Any], made)
    else:
        source = _single(made)
    async with closing(source):
        yield aiter(source)


async def _single(item: Any) -> AsyncGenerator[Any]:
    yield item
