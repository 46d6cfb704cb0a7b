"""Reads a WebSocket frame by frame: header rules, size, whole frames, and a parser for the rest.

What a header can break is refused from the header, before a byte of its payload is kept, and so
with one close code whichever parser stands behind. The parser (wsproto or websockets) gets the
frames that are not taken here, in pieces as they arrive: masks, fragments and their UTF-8 are its.
"""

from typing import Protocol

from ..core.wire import Kind, Role
from .frame_engine import FrameError, Message, check_close, check_utf8
from .frame_writer import MASK, MAX_CONTROL, FrameWriter
from .masking import fastest_mask

__all__ = ("FrameParser", "FrameReader")

FINAL = 0x80
RESERVED = 0x70
CONTROL = 0x08
OPCODES = frozenset({0x0, 0x1, 0x2, 0x8, 0x9, 0xA})  # RFC 6455 section 5.2
TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88  # first bytes of final frames

LEGAL = bytes({*(FINAL | opcode for opcode in OPCODES), 0x00, 0x01, 0x02})
"""First bytes that no rule forbids: known opcode, no reserved bit, no fragmented control frame."""

LARGEST_WHOLE = 0xFFFF  # what may be held back to be taken whole; larger frames are streamed

# Close frames are read here for every parser: wsproto does not know code 1014 and gives no payload,
# websockets refuses a close between fragments, which RFC 6455 section 5.4 allows.
WHOLE_FRAMES = bytes((TEXT, BINARY, CLOSE))
WHOLE_CLOSES = bytes((CLOSE,))


_TEXT = Kind.TEXT


class FrameParser(Protocol):
    """Reads frames with legal headers that are not too big; never a close frame."""

    def feed(self, chunk: bytes, received: list[Message]) -> None:
        """Add the messages that `chunk` completed to `received`. Raises FrameError."""
        ...


class FrameReader:
    """Cuts the stream of one connection into frames.

    Between calls it holds at most one frame of up to 64 KiB or the open message, never more than
    `max_message` bytes and a header (a growing message takes an eighth more).
    With `fast`, whole final text and binary frames are taken here instead of by the parser.
    """

    __slots__ = (
        "_fast_frames",
        "_header_size",
        "_held",
        "_left",
        "_mask_bit",
        "_max_message",
        "_message_size",
        "_needed",
        "_parser",
        "_unmasked",
        "_whole",
        "_writer",
    )

    def __init__(
        self,
        role: Role,
        max_message: int,
        parser: FrameParser,
        writer: FrameWriter,
        *,
        fast: bool,
        trailing: bytes,
    ) -> None:
        self._parser = parser
        self._unmasked = fastest_mask()
        self._writer = writer
        self._max_message = max_message
        self._mask_bit = MASK if role is Role.SERVER else 0
        self._header_size = 6 if role is Role.SERVER else 2
        self._fast_frames = WHOLE_FRAMES if fast else WHOLE_CLOSES
        self._whole = self._fast_frames  # first bytes of the frames that are taken whole just now
        self._held = bytearray(trailing)
        self._needed = 0  # bytes that `_held` must have before it is worth another look
        self._left = 0  # bytes of the current frame that the parser still has to get
        self._message_size = 0  # of the fragments of the open message

    def receive(self, data: bytes) -> list[Message]:
        """See `FrameEngine.receive`."""
        payload = self._sole_text(data)
        if payload is not None:
            return [(_TEXT, payload)]
        received: list[Message] = []
        if not self._writer.phase.hears:
            return received
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return received
            data, self._held = bytes(self._held), bytearray()
        at, end = 0, len(data)
        try:
            while at < end:
                at = self._step(data, at, received)
        except FrameError as error:
            self._writer.peer_broke()
            error.received = tuple(received)
            raise
        return received

    def _sole_text(self, data: bytes) -> bytes | None:
        """The payload when `data` is one whole ASCII text frame of 126 to 65,535 bytes and nothing
        else: what a live call reads, fifty times a second. A short cut through `_step` for legal
        frames only; None says nothing of the others.
        """
        start = self._header_size + 2
        size = len(data) - start
        if (
            size < 126
            or data[0] != TEXT
            or data[1] ^ self._mask_bit != 126
            or data[2] << 8 | data[3] != size
            or self._whole is not WHOLE_FRAMES
            or self._left
            or self._held
            or size > self._max_message
            or not self._writer.phase.hears
        ):
            return None
        payload = data[start:]
        if self._mask_bit:
            payload = self._unmasked(payload, data[4:8])
        return payload if payload.isascii() else None

    def _step(self, data: bytes, at: int, received: list[Message]) -> int:
        """Read one frame, or a part of one, at `at`; tell where to go on."""
        if self._left:
            return self._pass_on(data, at, received)
        if len(data) - at < 2:
            return self._hold(data, at, 2)
        first, length = data[at], data[at + 1] ^ self._mask_bit
        if first not in LEGAL or length > 127:
            raise FrameError(1002, _what_is_wrong(first))
        size = self._header_size
        if length > 125:
            if first & CONTROL:
                raise FrameError(1002, f"control frame of more than {MAX_CONTROL} bytes")
            extra = 2 if length == 126 else 8
            if len(data) - at < 2 + extra:
                return self._hold(data, at, 2 + extra)
            length = _extended_length(data[at + 2 : at + 2 + extra])
            size += extra
        if not first & CONTROL:
            self._count(first, length)
        if first in self._whole and length <= LARGEST_WHOLE:
            return self._take(data, at, size, length, received)
        if not first & CONTROL:
            self._whole = self._fast_frames if first & FINAL else WHOLE_CLOSES
        self._left = size + length
        return self._pass_on(data, at, received)

    def _count(self, first: int, length: int) -> None:
        """Refuse a message whose fragments, this one included, are too big together."""
        size = self._message_size + length
        if size > self._max_message:
            raise FrameError(1009, f"message of {size} bytes; {self._max_message} are allowed")
        self._message_size = 0 if first & FINAL else size

    def _take(self, data: bytes, at: int, size: int, length: int, received: list[Message]) -> int:
        """Take a whole frame, or hold what there is of it."""
        start = at + size
        end = start + length
        if end > len(data):
            return self._hold(data, at, size + length)
        payload = data[start:end]
        if self._mask_bit:
            payload = self._unmasked(payload, data[start - 4 : start])
        first = data[at]
        if first == TEXT:
            check_utf8(payload)
            received.append((Kind.TEXT, payload))
        elif first == BINARY:
            received.append((Kind.BINARY, payload))
        else:
            check_close(payload)
            received.append((Kind.CLOSE, payload))
            self._writer.peer_closed()
            return len(data)
        return end

    def _hold(self, data: bytes, at: int, needed: int) -> int:
        self._held = bytearray(data[at:])
        self._needed = needed
        return len(data)

    def _pass_on(self, data: bytes, at: int, received: list[Message]) -> int:
        chunk = data[at : at + self._left]
        self._left -= len(chunk)
        self._parser.feed(chunk, received)
        return at + len(chunk)


def _what_is_wrong(first: int) -> str:
    """Which rule of RFC 6455 section 5.2 the first byte breaks, or else the mask bit."""
    opcode = first & 0x0F
    if first & RESERVED:
        return "reserved bit set, but no extension was agreed"
    if opcode not in OPCODES:
        return f"reserved opcode {opcode}"
    if opcode & CONTROL and not first & FINAL:
        return "fragmented control frame"
    return "frame masked or unmasked against the sender's role"


def _extended_length(field: bytes) -> int:
    """The 16-bit or 64-bit length; it must be the shortest form (RFC 6455 section 5.2)."""
    length = int.from_bytes(field, "big")
    if length < 126 or (len(field) == 8 and length < 0x10000):
        raise FrameError(1002, "length not in its shortest form")
    if length >> 63:
        raise FrameError(1002, "64-bit length with its top bit set")
    return length
