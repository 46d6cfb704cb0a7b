"""What one end of a WebSocket writes, and where its closing handshake stands."""

from enum import Enum
from struct import Struct

from ..core.errors import LocalProtocolError
from ..core.wire import Role, close_payload
from .frame_engine import EngineState, MaskSource, is_close_code
from .masking import fastest_mask

__all__ = ("FrameWriter", "Phase")

MASK = 0x80  # beside the 7-bit length, RFC 6455 section 5.2
MAX_CONTROL = 125  # RFC 6455 section 5.5
NO_STATUS = 1005  # RFC 6455 section 7.1.5: what a close frame without a code means

_short = Struct(">BB").pack
_medium = Struct(">BBH").pack
_long = Struct(">BBQ").pack


class Phase(Enum):
    """The closing handshake, seen from here: its public state, what may be read and written."""

    OPEN = ("open", EngineState.OPEN, True, True)
    BROKEN = ("the peer broke the protocol", EngineState.OPEN, False, True)
    CLOSE_SENT = ("close sent", EngineState.CLOSING, True, False)
    CLOSE_RECEIVED = ("close received", EngineState.CLOSING, False, False)
    CLOSED = ("closed", EngineState.CLOSED, False, False)

    def __init__(self, words: str, state: EngineState, hears: bool, speaks: bool) -> None:
        self.words = words
        self.state = state
        self.hears = hears
        """Whether bytes of the peer are still read."""
        self.speaks = speaks
        """Whether messages may still be written."""


AFTER_OUR_CLOSE = {
    Phase.OPEN: Phase.CLOSE_SENT,
    Phase.BROKEN: Phase.CLOSED,  # RFC 6455 section 7.1.7: no answer of a broken peer is awaited
    Phase.CLOSE_RECEIVED: Phase.CLOSED,
}
AFTER_THEIR_CLOSE = {Phase.OPEN: Phase.CLOSE_RECEIVED, Phase.CLOSE_SENT: Phase.CLOSED}
AFTER_THEIR_ERROR = {Phase.OPEN: Phase.BROKEN, Phase.CLOSE_SENT: Phase.CLOSED}


class FrameWriter:
    """Makes whole frames, masked for a client, and refuses what the phase does not allow."""

    __slots__ = ("_mask_bit", "_mask_source", "_masked", "phase")

    def __init__(self, role: Role, mask_source: MaskSource) -> None:
        self.phase = Phase.OPEN
        self._mask_bit = MASK if role is Role.CLIENT else 0
        self._mask_source = mask_source
        self._masked = fastest_mask()

    def text(self, payload: bytes) -> bytes:
        """A text frame; the caller vouches for UTF-8."""
        if not self.phase.speaks:
            raise self._refusal("a text")
        return self._frame(0x81, payload)

    def binary(self, payload: bytes) -> bytes:
        """A binary frame."""
        if not self.phase.speaks:
            raise self._refusal("a binary message")
        return self._frame(0x82, payload)

    def ping(self, payload: bytes = b"") -> bytes:
        """A ping; allowed until both closes have passed (RFC 6455 section 5.5.2)."""
        return self._control(0x89, payload, "a ping")

    def pong(self, payload: bytes = b"") -> bytes:
        """A pong; owed for a ping even after we sent our close (RFC 6455 section 5.5.2)."""
        return self._control(0x8A, payload, "a pong")

    def close(self, code: int, reason: str = "") -> bytes:
        """The one close frame of this end."""
        after = AFTER_OUR_CLOSE.get(self.phase)
        if after is None:
            raise self._refusal("a close")
        frame = self._frame(0x88, _close_payload(code, reason))
        self.phase = after
        return frame

    def peer_closed(self) -> None:
        """A close frame of the peer was read."""
        self.phase = AFTER_THEIR_CLOSE[self.phase]

    def peer_broke(self) -> None:
        """The peer broke the protocol: nothing more is read."""
        self.phase = AFTER_THEIR_ERROR[self.phase]

    def _control(self, first: int, payload: bytes, what: str) -> bytes:
        if self.phase is Phase.CLOSED:
            raise self._refusal(what)
        if len(payload) > MAX_CONTROL:
            raise LocalProtocolError(f"{what} of {len(payload)} bytes; {MAX_CONTROL} are allowed")
        return self._frame(first, payload)

    def _refusal(self, what: str) -> LocalProtocolError:
        return LocalProtocolError(f"{what} cannot be sent: {self.phase.words}")

    def _frame(self, first: int, payload: bytes) -> bytes:
        length = len(payload)
        if length < 126:
            header = _short(first, self._mask_bit | length)
        elif length < 0x10000:
            header = _medium(first, self._mask_bit | 126, length)
        else:
            header = _long(first, self._mask_bit | 127, length)
        if not self._mask_bit:
            return header + payload
        mask = self._mask_source(4)
        return b"".join((header, mask, self._masked(payload, mask)))


def _close_payload(code: int, reason: str) -> bytes:
    """What a close frame may hold; a lone surrogate in the reason must not keep us from closing."""
    if code == NO_STATUS:
        return b""
    if not is_close_code(code):
        raise LocalProtocolError(f"{code} is no close code that may be sent")
    return close_payload(code, reason.encode("utf-8", "replace").decode())
