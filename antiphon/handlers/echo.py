"""Sends back what it hears."""

from ..core.ports import Call

__all__ = ("echo",)


async def echo(call: Call) -> None:
    """Return every frame as it comes."""
    async for frame in call.audio:
        await call.send_audio(frame)
