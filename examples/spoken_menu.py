"""A menu that is read out by espeak-ng, chosen from by inputs, and whose bill comes as outputs.

    python -m examples.spoken_menu --port 8000

Open http://127.0.0.1:8000, press Start, listen to the menu, and say something. The call then asks
for an input, which is the number of a dish, 1 to 3; from another terminal, with the id of the call:

    curl localhost:8000/input_hook -d '{"webrtc_id": "...", "dish": 2}'
    curl -N 'localhost:8000/outputs?webrtc_id=...'

A dish that is not on the menu is refused with status 422. The next turn orders the newest choice.
"""

from collections.abc import Iterator
from typing import Annotated
from weakref import WeakKeyDictionary

import msgspec

from antiphon import AdditionalOutputs, Call, ReplyOnPause, Stream, get_current_context
from examples.program import Sound, run, spoken

__all__ = ("MENU", "Choice", "greet", "order", "stream")

MENU = {"soup": 4, "salad": 6, "pasta": 9}  # euros

orders: WeakKeyDictionary[Call, list[str]] = WeakKeyDictionary()


class Choice(msgspec.Struct):
    """What `/input_hook` takes."""

    dish: Annotated[int, msgspec.Meta(ge=1, le=len(MENU))]


def greet() -> Sound:
    """Read out the menu when the call begins."""
    dishes = ". ".join(f"{number}: {name}" for number, name in enumerate(MENU, 1))
    return spoken(f"Welcome. Today we have {dishes}.")


def order(turn: Sound, dish: int) -> Iterator[Sound | AdditionalOutputs]:
    """One more dish. What was said is not understood here: its pause is the time to order."""
    name = list(MENU)[dish - 1]
    ordered = orders.setdefault(get_current_context().call, [])
    ordered.append(name)
    total = sum(MENU[each] for each in ordered)
    yield AdditionalOutputs({"ordered": list(ordered), "total": total})
    yield spoken(f"One {name}. That makes {total} euros.")


stream = Stream(ReplyOnPause(order, startup_fn=greet), inputs=Choice)

if __name__ == "__main__":
    run(stream, __doc__)
