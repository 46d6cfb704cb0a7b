"""Streams with inputs of every shape that a type can have."""

import datetime
import enum
import json
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from antiphon import Call, Stream

__all__ = ("Place", "Shapes", "positional", "shapes", "untyped")


class Colour(enum.Enum):
    """Is told by its value."""

    BLUE = "blue"
    RED = "red"


class Style(msgspec.Struct, frozen=True):
    """A group that says nothing of its own."""

    voice: Literal["alto", "tenor"] = "alto"
    speed: int = 1


class Place(msgspec.Struct, frozen=True):
    """A group with a field that must be there."""

    row: int
    is_near: bool = False


class Shapes(msgspec.Struct, frozen=True):
    """Every field has a default; the form shows each, or leaves it to the server."""

    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    flag: bool | None = None
    pick: Literal["a", "b"] | None = None
    colour: Colour = Colour.RED
    style: Style = Style("tenor", 3)
    made: Style = msgspec.field(default_factory=lambda: Style("tenor", 4))
    other: Style | None = None
    place: Place | None = None
    pair: tuple[int, str] = (1, "x")
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1234567
    fine: Annotated[float, Meta(ge=0, le=1)] = 0.333
    lines: str = "one\ntwo"
    day: datetime.date | None = None
    dotted: int = msgspec.field(default=3, name="with.dot")
    a_name_without_end_that_goes_on_and_on_and_on_and_on_and_on_and_on: int = 0


def positional(shapes: Shapes) -> list[Any]:
    """As JSON has them."""
    values: list[Any] = json.loads(msgspec.json.encode(msgspec.structs.astuple(shapes)))
    return values


async def tell(call: Call) -> None:
    while True:
        values: Any = await call.wait_for_inputs()
        await call.output({"inputs": msgspec.to_builtins(list(values))})


shapes = Stream(tell, inputs=Shapes)
"""Gives back the inputs that it has got."""

untyped = Stream(tell)
"""Does the same with whatever comes."""
