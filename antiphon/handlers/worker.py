"""Threads of their own for what a handler may block in for as long as its call lasts.

A shared pool would be starved by handlers that wait in their `emit`, as most do; and a pool's
threads hold up the end of the process, while these are daemons: a `queue.get()` that nothing will
wake must not.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar, cast

import anyio
from anyio.lowlevel import RunVar

from ..core.errors import HandlerError

__all__ = ("Worker", "workers")

log = logging.getLogger("antiphon")

T = TypeVar("T")

WORKERS = 1000  # of 100 calls, a stream's default, up to five each; as many may be left behind
PATIENCE = 5.0  # seconds after its call until a thread that still runs is complained about

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("antiphon_workers")

_Job = tuple[Callable[[], Any], "asyncio.Future[tuple[Any, BaseException | None]]"]


def workers() -> anyio.CapacityLimiter:
    """The places for such threads on this event loop; `total_tokens` may be changed."""
    try:
        return _limiter.get()
    except LookupError:
        made = anyio.CapacityLimiter(WORKERS)
        _limiter.set(made)
        return made


class Worker:
    """One thread, which runs functions one after the other. It begins with the first and ends when
    it is closed, or, when it is busy then, with the function that it runs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._places = workers()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._context = copy_context()
        self._running = False
        self._complaint: asyncio.TimerHandle | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """What a function returns or raises there. A caller that is cancelled goes on at once; the
        result is ignored. Raises HandlerError when no thread may be added.
        """
        if not self._running:
            self._start()
        future: asyncio.Future[tuple[Any, BaseException | None]] = self._loop.create_future()
        self._jobs.put((function, future))
        result, error = await future
        if error is not None:
            raise error
        return cast(T, result)

    def close(self) -> None:
        """Let the thread go. Its place is free when it has ended."""
        if self._running and self._complaint is None:
            self._jobs.put(None)
            self._complaint = self._loop.call_later(PATIENCE, self._complain)

    def _start(self) -> None:
        try:
            self._places.acquire_on_behalf_of_nowait(self)
        except anyio.WouldBlock:
            raise HandlerError(
                f"no thread is free for {self._name}: {self._places.total_tokens:g} are taken"
            ) from None
        thread = threading.Thread(target=self._serve, name=f"antiphon {self._name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more
            self._places.release_on_behalf_of(self)
            raise HandlerError(f"no thread could be made for {self._name}") from error
        self._running = True

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, future = job
            outcome = self._context.run(_outcome, function)
            self._tell(_settle, future, outcome)
            del job, function, future, outcome  # none is held while the next is waited for
        self._tell(self._ended)

    def _tell(self, function: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _ended(self) -> None:
        if self._complaint is not None:
            self._complaint.cancel()
        self._running = False
        self._places.release_on_behalf_of(self)

    def _complain(self) -> None:
        log.warning(
            "%s has not returned since its call ended: its thread is left behind, %d of %g are"
            " taken. Let shutdown() wake it, or give what it waits for a time-out",
            self._name,
            self._places.borrowed_tokens,
            self._places.total_tokens,
        )


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(), None
    except Exception as error:
        return None, error
    except BaseException as error:
        # Raised on the loop, sys.exit() in a handler would end every call.
        return None, HandlerError(f"{type(error).__name__} in a worker thread").with_traceback(
            error.__traceback__
        )


def _settle(
    future: "asyncio.Future[tuple[Any, BaseException | None]]",
    outcome: tuple[Any, BaseException | None],
) -> None:
    if not future.done():
        future.set_result(outcome)
