"""Streams with inputs of a declared type, and with speech, for the console."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from antiphon import Call, Speech, Stream, echo, speech_summary

__all__ = ("asking", "summarised")


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
