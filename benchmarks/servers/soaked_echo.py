"""An echo that also says what its process holds, when it is asked by a message."""

import asyncio
import gc
import os
import threading

import anyio

from antiphon import Call, Stream, echo

from ..process import rss_bytes


async def echo_and_tell(call: Call) -> None:
    """Send sound back, and answer every message with what the process holds."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(echo, call)
        async for _ in call.messages:
            await call.send(held())


def held() -> dict[str, int]:
    """What this process holds now, garbage left out."""
    gc.collect()
    return {
        "rss": rss_bytes(os.getpid()),
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "tasks": len(asyncio.all_tasks()),
    }


stream = Stream(echo_and_tell)
