"""Methods that users wrote, sync or async, called alike."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from .kinds import Kind, kind_of
from .worker import Worker

__all__ = ("Method",)

T = TypeVar("T")


def _as_it_is(result: Any) -> Any:
    return result


class Method(Generic[T]):
    """A coroutine function, which runs on the event loop, or any other function, which runs in a
    thread of its own, one step at a time. A context manager that lets the thread go.

    finish: what becomes of a result, in the same place and right behind it.

    Raises TypeError for generators.
    """

    def __init__(
        self, function: Callable[..., Any], finish: Callable[[Any], T] = _as_it_is
    ) -> None:
        kind = kind_of(function)
        if kind in (Kind.GENERATOR, Kind.ASYNC_GENERATOR):
            raise TypeError(f"{function.__name__} returns what it has: it is not {kind.value}")
        self._function = function
        self._finish = finish
        self._worker = Worker(function.__name__) if kind is Kind.FUNCTION else None

    @property
    def blocks(self) -> bool:
        """Whether it runs in a thread."""
        return self._worker is not None

    async def __call__(self, *args: Any) -> T:
        """What it makes of these arguments. Raises what it raises."""
        if self._worker is None:
            return self._finish(await self._function(*args))
        return await self._worker.run(partial(self._step, *args))

    def _step(self, *args: Any) -> T:
        return self._finish(self._function(*args))

    def __enter__(self) -> "Method[T]":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._worker is not None:
            self._worker.close()
