"""Server-sent events: frames with positions on one side, a parser on the other.

Source: WHATWG HTML, section 9.2 "Server-sent events"; docs/protocol.md.
"""

import msgspec

from ..ring import Position

__all__ = (
    "COMMENT",
    "COMMENT_INTERVAL",
    "END",
    "EventParser",
    "ServerSentEvent",
    "frame",
    "gap",
)

COMMENT = b": still here\n\n"
COMMENT_INTERVAL = 15.0  # seconds; below the usual 30-60 s of proxies
END = b"event: end\ndata: {}\n\n"  # with empty data browsers do not tell it


def frame(data: bytes, *, event: str = "", position: Position | None = None) -> bytes:
    """One event on the wire. `data` is one line of text (JSON never holds a raw line break)."""
    lines = [b"data: ", data, b"\n\n"]
    if position is not None:
        lines.insert(0, b"id: %d-%d\n" % (position.epoch, position.offset))
    if event:
        lines.insert(0, b"event: " + event.encode() + b"\n")
    return b"".join(lines)


def gap(position: Position) -> bytes:
    """The event that tells a reader that some were missed: the stream goes on at `position`."""
    return frame(msgspec.json.encode({"resumed_at": str(position)}), event="gap")


class ServerSentEvent(msgspec.Struct, frozen=True):
    """One event as a listener hears it."""

    event: str
    data: str
    id: str


class EventParser:
    """The listener's side: bytes in, events out; any split of the bytes gives the same events.

    `max_event` bounds the bytes of one event, its line breaks included; more raises ValueError.
    """

    __slots__ = ("_buffer", "_data", "_event", "_id", "_max", "_size", "_skip_lf")

    def __init__(self, max_event: int) -> None:
        self._buffer = bytearray()
        self._data: list[str] = []
        self._event = ""
        self._id = ""
        self._max = max_event
        self._size = 0  # bytes of this event's lines so far
        self._skip_lf = False

    def receive(self, data: bytes) -> list[ServerSentEvent]:
        """The events completed by these bytes; comments and unknown fields are passed over."""
        if not data:
            return []
        if self._skip_lf:
            data = data.removeprefix(b"\n")
        # A lone CR ends a line too; the LF of a CRLF that was cut in two is skipped next time.
        self._skip_lf = data.endswith(b"\r")
        *lines, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[ServerSentEvent] = []
        for part in lines:
            line = self._line(part)
            self._buffer.clear()
            if line:
                self._size += len(line) + 1
                self._field(line.decode("utf-8", "replace"))
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._buffer += self._line(rest)[len(self._buffer) :]
        return events

    def _line(self, part: bytes) -> bytes:
        line = bytes(self._buffer) + part
        if line and self._size + len(line) > self._max:
            raise ValueError(f"an event is larger than {self._max} bytes")
        return line

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._size = "", [], 0
        if not data:
            return None
        return ServerSentEvent(event or "message", "\n".join(data), self._id)
