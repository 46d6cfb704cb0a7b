"""Worker threads of the speech endpoints, under a limit of their own: however many streams bring
voices to be told apart, the threads of other calls are free.
"""

import os
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from .per_loop import per_loop

__all__ = ("THREADS", "in_speech_thread")

T = TypeVar("T")

THREADS = max(2, os.cpu_count() or 1)  # engines compute: more of them would only wait

_limiter = per_loop(lambda: anyio.CapacityLimiter(THREADS))


async def in_speech_thread(function: Callable[[], T]) -> T:
    """What a function returns, or raises, once there is a thread for it; first come, first served.
    A caller that is cancelled waits for its function.
    """
    return await anyio.to_thread.run_sync(function, limiter=_limiter())
