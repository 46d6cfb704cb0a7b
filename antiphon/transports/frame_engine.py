"""The contract of a WebSocket frame engine: bytes in, whole messages out, bytes to write back.

An engine does no I/O and never answers by itself: pongs and closes are its owner's to send.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from ..core.errors import RemoteProtocolError
from ..core.wire import Kind

__all__ = (
    "MAX_MESSAGE",
    "EngineState",
    "FrameEngine",
    "FrameError",
    "MaskSource",
    "Message",
    "check_close",
    "check_utf8",
    "is_close_code",
)

MAX_MESSAGE = 1024 * 1024
"""Bytes of one message, all its fragments together."""

# RFC 6455 section 7.4.1, and what the registry of its section 11.7 has added since: 1012-1014.
SENDABLE_CODES = frozenset({*range(1000, 1004), *range(1007, 1015)})

Message = tuple[Kind, bytes]
MaskSource = Callable[[int], bytes]
"""Gives that many unpredictable bytes (RFC 6455 section 5.3), as `os.urandom` does."""


class EngineState(Enum):
    """How far the closing handshake is, for both ends of the connection."""

    OPEN = "open"
    CLOSING = "closing"
    """One of the two ends has sent its close frame."""
    CLOSED = "closed"
    """Both have, or we have closed after an error of the peer."""


class FrameError(RemoteProtocolError):
    """The peer broke RFC 6455.

    `code` is the close code to send (1002 protocol, 1007 not UTF-8, 1009 too big), `reason` says
    what was seen, `received` holds the whole messages that came before the broken frame.
    """

    def __init__(self, code: int, reason: str, received: Sequence[Message] = ()) -> None:
        super().__init__(reason, code)
        self.reason = reason
        self.received = tuple(received)


class FrameEngine(Protocol):
    """One end of a WebSocket after its upgrade. Made with the bytes read behind the upgrade.

    After an error of the peer the engine is deaf but may still write, so that its owner can say
    what was wrong before it closes.
    """

    @property
    def state(self) -> EngineState:
        """OPEN, CLOSING or CLOSED."""
        ...

    def receive(self, data: bytes) -> list[Message]:
        """Whole messages and control frames that `data` completed, in order.

        Text is checked UTF-8, as bytes; a close has 0 or at least 2 bytes, a legal code and reason.
        What follows a close or an error is ignored. Raises FrameError.
        """
        ...

    def text(self, payload: bytes) -> bytes:
        """A text frame; the caller vouches for UTF-8. LocalProtocolError unless OPEN."""
        ...

    def binary(self, payload: bytes) -> bytes:
        """A binary frame. LocalProtocolError unless OPEN."""
        ...

    def ping(self, payload: bytes = b"") -> bytes:
        """A ping of at most 125 bytes. LocalProtocolError when CLOSED or when it is longer."""
        ...

    def pong(self, payload: bytes = b"") -> bytes:
        """A pong of at most 125 bytes. LocalProtocolError when CLOSED or when it is longer."""
        ...

    def close(self, code: int, reason: str = "") -> bytes:
        """The one close frame; the reason is cut to 123 bytes, code 1005 sends neither.

        LocalProtocolError when it was sent already or the code may not be sent.
        """
        ...


def is_close_code(code: int) -> bool:
    """Whether `code` may stand in a close frame (RFC 6455 section 7.4)."""
    return code in SENDABLE_CODES or 3000 <= code <= 4999


def check_close(payload: bytes) -> None:
    """Whether a close frame may hold this (RFC 6455 section 5.5.1).

    FrameError 1002 for one byte or a code that may not be sent, 1007 for a reason not in UTF-8.
    """
    if not payload:
        return
    if len(payload) == 1:
        raise FrameError(1002, "close frame with half a code")
    code = int.from_bytes(payload[:2], "big")
    if not is_close_code(code):
        raise FrameError(1002, f"close code {code} may not be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError as error:
        raise FrameError(1007, "close reason is not UTF-8") from error


def check_utf8(payload: bytes) -> None:
    """FrameError 1007 unless `payload` is UTF-8. ASCII, nearly all there is, costs no decoding."""
    if payload.isascii():
        return
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise FrameError(1007, "text is not UTF-8") from error
