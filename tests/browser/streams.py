"""Streams that the tests serve besides the built-in echo."""

from collections.abc import AsyncGenerator

import numpy as np

from antiphon import Call, Interrupted, ReplyOnPause, Stream, Tone, echo, get_current_context
from antiphon.core.audio.frames import Samples
from tests.browser.follower import follow
from tests.browser.witness import Witness

__all__ = ("crowded", "curious", "followed", "talkative", "tone", "witnessed", "witnessed_video")

tone = Stream(Tone(), mode="receive")
"""Plays to whoever calls; the client does not speak."""

crowded = Stream(echo, concurrency_limit=1, speech=True)
"""Has room for one call, and so for none of the speech endpoints beside it."""

followed = Stream(follow)
"""Plays to whoever calls, and tells what was heard when it is interrupted."""


async def hum(turn: tuple[int, Samples]) -> AsyncGenerator[tuple[int, Samples]]:
    """Ten seconds of a tone, whatever was said."""
    second = (6000 * np.sin(np.arange(24000) * (2 * np.pi * 440 / 24000))).astype(np.int16)
    for _ in range(10):
        yield 24000, second


async def tell(interrupted: Interrupted) -> None:
    await get_current_context().call.log(f"interrupted after {interrupted.heard_samples} samples")


talkative = Stream(ReplyOnPause(hum, on_interrupt=tell))
"""Answers every sentence at length, and tells how much of it was heard."""

witnessed = Stream(Witness("audio", "send-receive"))
"""Tells what it hears, and plays a tone."""

witnessed_video = Stream(Witness("video", "send-receive"), modality="video")
"""Tells what it sees, and shows blue pictures."""


async def answer(call: Call) -> None:
    """Tells as an output what inputs it has, whenever a message asks for them."""
    async for _ in call.messages:
        await call.output(list(call.inputs))


curious = Stream(answer, require_token=True)
"""Gives back its inputs as outputs, when it is sent a message."""
