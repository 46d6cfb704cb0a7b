"""Sends back what it hears and sees."""

from functools import partial

from ..core.ports import Call
from .side_by_side import first_of

__all__ = ("echo",)


async def echo(call: Call) -> None:
    """Return every frame as it comes; in a call with video every picture too."""
    if call.carries_video:
        await first_of(partial(_return_sound, call), partial(_return_pictures, call))
    else:
        await _return_sound(call)


async def _return_sound(call: Call) -> None:
    async for frame in call.audio:
        await call.send_audio(frame)


async def _return_pictures(call: Call) -> None:
    async for picture in call.video:
        await call.send_video(picture)
