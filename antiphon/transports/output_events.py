"""The outputs of a call as server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator

import anyio
import msgspec

from ..core.dialects.event_stream import COMMENT, COMMENT_INTERVAL, END, frame, gap
from ..core.ports import Output
from ..core.ring import Position

__all__ = ("output_events",)


async def output_events(
    outputs: AsyncIterator[tuple[Position, Output]], after: Position | None, event: str
) -> AsyncGenerator[bytes]:
    """Each output as an event, to the end of the call; `outputs` begin behind `after`.

    What was missed, before or by a reader that is too slow, is told as `gap`.
    """
    last = after
    while True:
        item = None
        with anyio.move_on_after(COMMENT_INTERVAL) as patience:
            item = await anext(outputs, None)
        if item is not None:
            position, output = item
            if last is not None and position != Position(last.epoch, last.offset + 1):
                yield gap(position)
            last = position
            yield _shown(position, output, event)
        elif patience.cancelled_caught:
            yield COMMENT
        else:
            yield END
            return


def _shown(position: Position, output: Output, event: str) -> bytes:
    """What is no JSON is told as an error in its place: those behind it still come."""
    try:
        data = msgspec.json.encode(output.value)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        kind = type(output.value).__name__
        text = f"an output of type {kind} cannot be shown as JSON: {error}"
        return frame(msgspec.json.encode(text), event="error", position=position)
    return frame(data, event=event, position=position)
