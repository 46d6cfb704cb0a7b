"""A word to the client of the current call, from wherever code runs."""

import asyncio
from contextlib import suppress
from functools import partial

from ..core.context import current_call, soon
from ..core.errors import SessionClosed
from ..core.ports import Call

__all__ = ("Warning", "warn_client")

_telling: set[asyncio.Task[None]] = set()  # a loop holds its tasks weakly


def warn_client(message: str) -> None:
    """Tell the client of the current call that something is not as it should be, from a coroutine
    or a worker thread, without waiting. Raises RuntimeError outside of a call.
    """
    soon(partial(_begin, current_call(), message))


Warning = warn_client
"""Tells the client of the current call a warning: `Warning("...")`, from a coroutine or a worker
thread. Raises RuntimeError outside of a call. Under FastRTC's name.
"""


def _begin(call: Call, message: str) -> None:
    saying = call.warning(message)
    try:
        # It is said before its first wait, or not yet: what the caller does next, an end even,
        # comes behind it.
        saying.send(None)
    except StopIteration:
        return
    except SessionClosed:
        return  # there is nobody to tell
    saying.close()
    # No task group lives as long as it may take: it ends with the call, which nobody waits for.
    task = asyncio.get_running_loop().create_task(_tell(call, message))
    _telling.add(task)
    task.add_done_callback(_telling.discard)


async def _tell(call: Call, message: str) -> None:
    with suppress(SessionClosed):
        await call.warning(message)
