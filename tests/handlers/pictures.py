"""Small pictures with a number in them, and calls that show them."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import numpy as np

from antiphon import Call, Stream, VideoFrame, connect
from antiphon.core.video import Pixels

__all__ = ("errors_told", "number", "picture", "sees", "settled", "show", "showing", "told")


def picture(value: int) -> Pixels:
    """A picture of 4 x 2 pixels that shows a number below 65536."""
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[0, 0, :2] = divmod(value, 256)
    return pixels


def number(shown: VideoFrame | Pixels) -> int:
    """What such a picture shows."""
    pixels = shown.bgr if isinstance(shown, VideoFrame) else shown
    return int(pixels[0, 0, 0]) * 256 + int(pixels[0, 0, 1])


async def show(call: Call, values: Iterable[int]) -> None:
    for value in values:
        await call.send_video(picture(value))


async def sees(call: Call) -> int:
    return number(await anext(call.video))


async def settled(call: Call) -> None:
    """Wait until the handler has taken all that the client sent, and waits for more."""
    await call.ping()  # comes behind the pictures
    await anyio.wait_all_tasks_blocked()


async def told(call: Call) -> list[tuple[str, Any]]:
    """What the client was told, when the call has ended."""
    return [(message.type, message.data) async for message in call.messages]


async def errors_told(call: Call) -> list[str]:
    return [data for kind, data in await told(call) if kind == "error"]


@asynccontextmanager
async def showing(stream: Stream, values: Iterable[int], **options: Any) -> AsyncGenerator[Call]:
    """A call whose client shows pictures meanwhile."""
    async with connect(stream, **options) as call, anyio.create_task_group() as tasks:
        tasks.start_soon(show, call, values)
        yield call
        tasks.cancel_scope.cancel()
