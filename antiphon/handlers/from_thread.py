"""The way to a call's event loop, from wherever code happens to run."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..core.errors import SessionClosed

__all__ = ("CallLoop",)

T = TypeVar("T")

LOOK = 1.0  # seconds; a loop that is stopped by force tells nobody, so a thread that waits looks


class CallLoop:
    """The event loop of one call, reached from any thread until it is closed with the call. Made on
    that loop. Not anyio.from_thread, which waits for ever when the loop stops meanwhile.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._asked: set[concurrent.futures.Future[Any]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the call is over."""
        return self._closed

    def soon(self, function: Callable[[], object]) -> None:
        """Run a function on the loop: at once when called there, else soon, in the order of the
        calls. Nothing is run for a call that is over.
        """
        if threading.get_ident() == self._thread:
            self._run(function)
            return
        try:
            self.loop.call_soon_threadsafe(self._run, function)
        except RuntimeError:
            if not self.loop.is_closed():
                raise

    def ask(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """In a worker thread: what a coroutine function returns or raises on the loop. Raises
        SessionClosed when the call, or its loop, ends meanwhile; RuntimeError on the loop itself.
        """
        if threading.get_ident() == self._thread:
            raise RuntimeError(
                "on the event loop this would wait for itself: await the coroutine of that name"
            )
        future = self._begin(step)
        try:
            while not concurrent.futures.wait((future,), LOOK).done:
                if not self.loop.is_running():
                    raise _over()
            return future.result()
        except concurrent.futures.CancelledError:
            raise _over() from None
        finally:
            with self._lock:
                self._asked.discard(future)

    def close(self) -> None:
        """The call is over: nobody waits any more."""
        with self._lock:
            self._closed = True
            asked, self._asked = self._asked, set()
        for future in asked:
            future.cancel()

    def _begin(self, step: Callable[[], Coroutine[Any, Any, T]]) -> concurrent.futures.Future[T]:
        with self._lock:
            if self._closed or not self.loop.is_running():
                raise _over()
            future = asyncio.run_coroutine_threadsafe(step(), self.loop)
            self._asked.add(future)
        return future

    def _run(self, function: Callable[[], object]) -> None:
        if not self._closed:
            function()


def _over() -> SessionClosed:
    return SessionClosed(1006, "nobody answers any more")
