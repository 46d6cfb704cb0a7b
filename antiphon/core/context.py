"""Which call the code that runs now belongs to."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .ports import Call

__all__ = ("current_call", "within")

_current: ContextVar[Call] = ContextVar("antiphon_call")


def current_call() -> Call:
    """The call whose handler runs, in its task and in every task and worker thread that began
    there. Raises RuntimeError elsewhere.
    """
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError("no call is handled here") from None


@contextmanager
def within(call: Call) -> Generator[None]:
    """Inside, the code belongs to this call."""
    token = _current.set(call)
    try:
        yield
    finally:
        _current.reset(token)
