"""What functions return or yield besides sound and pictures."""

from typing import Any, cast

import msgspec

from ..core.ports import Call

__all__ = ("AdditionalOutputs", "CloseStream", "Parts", "conclude", "parts_of")


class AdditionalOutputs:
    """Values to publish as one output of the call: `return picture, AdditionalOutputs(count)`."""

    __slots__ = ("args",)

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"AdditionalOutputs({', '.join(map(repr, self.args))})"


class CloseStream(msgspec.Struct, frozen=True):
    """End the call after all that came before; the client is told `msg`."""

    msg: str = "Stream closed"


class Parts(msgspec.Struct, frozen=True, eq=False):
    """A result, taken apart."""

    media: Any
    """What is to be heard or shown; None for nothing."""
    outputs: tuple[AdditionalOutputs, ...] = ()
    close: CloseStream | None = None


def parts_of(result: Any) -> Parts:
    """A result as its media, its outputs and whether it ends the call: the last two may stand
    alone, or behind the media in a tuple. A tuple of media only is left as it is.
    """
    items = cast(tuple[object, ...], result) if isinstance(result, tuple) else (result,)
    count = len(items)
    while count and isinstance(items[count - 1], AdditionalOutputs | CloseStream):
        count -= 1
    if count == len(items):
        return Parts(result)
    media, controls = items[:count], items[count:]
    return Parts(
        media[0] if count == 1 else media or None,
        tuple(item for item in controls if isinstance(item, AdditionalOutputs)),
        next((item for item in controls if isinstance(item, CloseStream)), None),
    )


async def conclude(call: Call, parts: Parts) -> bool:
    """Publish the outputs; hang up if it is the end, and say so."""
    for outputs in parts.outputs:
        await call.output(*outputs.args)
    if parts.close is None:
        return False
    await call.hang_up(parts.close.msg)
    return True
