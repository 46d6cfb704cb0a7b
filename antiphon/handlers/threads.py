"""Blocking functions in worker threads, under a limit of their own.

anyio gives a place back as soon as its caller is cancelled, though the thread runs on: clients that
come and go would pile up threads behind a function that is stuck. Here the thread gives it back.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from math import inf
from typing import Any, Final, Generic, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from ..core.errors import HandlerError

__all__ = ("CLEANUP", "Steps", "closing", "in_thread", "limiter")

log = logging.getLogger("antiphon")

T = TypeVar("T")

THREADS = 128  # a call uses one at a time, and a stream takes 100 calls by default
CLEANUP = 5.0  # seconds that a generator's own clean-up may hold the end of its call

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("antiphon_threads")
_no_limit: RunVar[anyio.CapacityLimiter] = RunVar("antiphon_threads_no_limit")


def limiter() -> anyio.CapacityLimiter:
    """The places for blocking functions on this event loop; `total_tokens` may be changed."""
    return _of_loop(_limiter, THREADS)


def _of_loop(variable: RunVar[anyio.CapacityLimiter], total: float) -> anyio.CapacityLimiter:
    try:
        return variable.get()
    except LookupError:
        made = anyio.CapacityLimiter(total)
        variable.set(made)
        return made


async def in_thread(function: Callable[[], T]) -> T:
    """What a blocking function returns, once there is a place for it. A caller that is cancelled
    goes on at once: the function is left alone, its result is ignored, and its place is free when
    it returns. Raises what it raises; HandlerError for what is no Exception.
    """
    job = _Job(function)
    await job.places.acquire_on_behalf_of(job)
    try:
        return await anyio.to_thread.run_sync(
            job.run, abandon_on_cancel=True, limiter=_of_loop(_no_limit, inf)
        )
    finally:
        job.give_up()


class _Job(Generic[T]):
    """One run of a function. Whoever comes first gives its place back: the thread after its run, or
    the event loop before it.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self.places = limiter()
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._taken = False

    def run(self) -> T:
        """In the thread."""
        if not self._take():
            raise anyio.BrokenResourceError("nobody waits for this any more")
        try:
            return self._function()
        except (SystemExit, GeneratorExit, asyncio.CancelledError) as error:
            # Raised in the task that waits, they would end more than it: the event loop at worst.
            raise HandlerError(f"a function raised {type(error).__name__}") from error
        finally:
            self._leave()

    def give_up(self) -> None:
        """On the event loop, when nobody waits any more; does nothing once the run has begun."""
        if self._take():
            self.places.release_on_behalf_of(self)

    def _take(self) -> bool:
        with self._lock:
            taken, self._taken = self._taken, True
            return not taken

    def _leave(self) -> None:
        # Not anyio.from_thread: it waits for the loop, for ever when the loop stops meanwhile.
        try:
            self._loop.call_soon_threadsafe(self.places.release_on_behalf_of, self)
        except RuntimeError:
            if not self._loop.is_closed():
                raise


class _End:
    """Behind the last item."""


_END: Final = _End()


class Steps(Generic[T]):
    """A generator run step by step in worker threads, as an async iterator for one reader. Only one
    thread touches it at a time: when the reader is cancelled during a step, the thread that runs
    the step closes the generator after it.
    """

    def __init__(self, generator: Generator[T, None, Any]) -> None:
        self._generator = generator
        self._lock = threading.Lock()
        self._busy = False
        self._left = False

    def __aiter__(self) -> "Steps[T]":
        return self

    async def __anext__(self) -> T:
        """Raises what the generator raises."""
        item = await in_thread(self._step)
        if isinstance(item, _End):
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Close the generator, now or after the step that runs. Raises what its clean-up raises."""
        with self._lock:
            self._left = True
            if self._busy:
                return
        await in_thread(self._generator.close)

    def _step(self) -> T | _End:
        with self._lock:
            if self._left:
                return _END
            self._busy = True
        try:
            return next(self._generator, _END)
        finally:
            if self._left_meanwhile():
                self._close()

    def _left_meanwhile(self) -> bool:
        with self._lock:
            self._busy = False
            return self._left

    def _close(self) -> None:
        try:
            self._generator.close()
        except Exception:
            log.exception("a generator failed while it was closed")


@asynccontextmanager
async def closing(source: Steps[T] | AsyncGenerator[T]) -> AsyncGenerator[None]:
    """Close a generator on the way out, whatever leads there; for 5 s at most."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + CLEANUP) as scope:
            await source.aclose()
        if scope.cancelled_caught:
            log.warning("a generator was not closed within %g s", CLEANUP)
