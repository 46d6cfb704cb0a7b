"""A handler that follows how far its listener is: the server's side of a test of marks."""

from typing import Any

import numpy as np
from anyio import create_task_group, sleep_forever

from antiphon import Call

__all__ = ("follow",)

RATE = 24000
PIECE = (10_000 * np.sin(np.arange(RATE // 10) * (2 * np.pi * 500 / RATE))).astype(np.int16)


async def follow(call: Call) -> None:
    """Plays a tone, with a mark every 100 ms. Whatever it is told interrupts it: then it says
    `{"heard", "dropped"}`, in seconds.
    """
    async with create_task_group() as tasks:
        tasks.start_soon(_play, call)
        await anext(call.messages)
        tasks.cancel_scope.cancel()
    cut = call.interrupt()
    told: dict[str, Any] = {"heard": cut.heard, "dropped": cut.dropped}
    await call.send(told)
    await sleep_forever()


async def _play(call: Call) -> None:
    while True:
        await call.send_audio((RATE, PIECE))
        call.mark()
