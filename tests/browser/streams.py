"""Streams that the tests serve besides the built-in echo."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from antiphon import (
    Call,
    Interrupted,
    ReplyOnPause,
    Speech,
    Stream,
    Tone,
    echo,
    get_current_context,
    speech_summary,
)
from antiphon.core.audio.frames import Samples
from tests.browser.follower import follow
from tests.browser.witness import Witness

__all__ = (
    "asking",
    "crowded",
    "curious",
    "followed",
    "summarised",
    "talkative",
    "tone",
    "witnessed",
    "witnessed_video",
)

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


class Style(msgspec.Struct, frozen=True):
    """Inputs within the inputs."""

    voice: Literal["alto", "tenor"] = "alto"
    speed: Annotated[int, Meta(ge=1)] = 1


class Wishes(msgspec.Struct):
    """A field of each kind that the console has."""

    share: Annotated[float, Meta(ge=0, le=1, description="Between nothing and all.")]
    prompt: Annotated[str, Meta(min_length=2)]
    times: int = 3
    loud: bool = False
    style: Style = Style()
    tags: list[str] = msgspec.field(default_factory=list[str])
    note: str | None = None


async def ask(call: Call) -> None:
    """Asks for inputs, gives them back as outputs, and returns the sound."""
    values: Any = await call.wait_for_inputs()
    await call.output(values[0])
    await call.output("these were the wishes")
    await call.output([msgspec.to_builtins(value) for value in values])
    await echo(call)


asking = Stream(ask, inputs=Wishes, time_limit=600, speech=Speech(voice_activity="compact"))
"""Asks for inputs of a declared type, and has the speech endpoints."""

summarised = Stream(speech_summary())
"""Tells how much is spoken."""


async def answer(call: Call) -> None:
    """Tells as an output what inputs it has, whenever a message asks for them."""
    async for _ in call.messages:
        await call.output(list(call.inputs))


curious = Stream(answer, require_token=True)
"""Gives back its inputs as outputs, when it is sent a message."""
