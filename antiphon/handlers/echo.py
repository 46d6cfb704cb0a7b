"""Sends back what it hears and sees."""

import anyio

from ..core.errors import SessionClosed
from ..core.ports import Call

__all__ = ("echo",)


async def echo(call: Call) -> None:
    """Return every frame as it comes; in a call with video every picture too."""
    if not call.carries_video:
        await _return_sound(call)
        return
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_return_pictures, call)
            tasks.start_soon(_return_sound, call)
    except* SessionClosed:
        pass  # the client left while something was on its way to it


async def _return_sound(call: Call) -> None:
    async for frame in call.audio:
        await call.send_audio(frame)


async def _return_pictures(call: Call) -> None:
    async for picture in call.video:
        await call.send_video(picture)
