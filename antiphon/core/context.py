"""Which call the code that runs now belongs to, and how to reach its event loop."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .ports import Call

__all__ = ("Soon", "current_call", "soon", "within")

Soon = Callable[[Callable[[], object]], object]
"""Runs a function on an event loop, from whatever thread: at once when called there, else soon."""

_current: ContextVar[tuple[Call, Soon]] = ContextVar("antiphon_call")


def current_call() -> Call:
    """The call whose handler runs, in its task and in every task and worker thread that began
    there. Raises RuntimeError elsewhere.
    """
    return _found()[0]


def soon(function: Callable[[], object]) -> None:
    """Run a function on the event loop of the current call: at once when called there, else soon,
    and not waited for. Raises RuntimeError where there is no call, and when its loop is closed.
    """
    _found()[1](function)


def _found() -> tuple[Call, Soon]:
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError("no call is handled here") from None


@contextmanager
def within(call: Call, run_soon: Soon | None = None) -> Generator[None]:
    """Inside, the code belongs to this call. Without `run_soon` nothing leads to its loop but being
    there: functions are run where `soon` is asked.
    """
    token = _current.set((call, run_soon or _at_once))
    try:
        yield
    finally:
        _current.reset(token)


def _at_once(function: Callable[[], object]) -> None:
    function()
