"""The second frame engine: the sans-IO protocol of the `websockets` package, an optional extra."""

from codecs import getincrementaldecoder
from io import BytesIO
from os import urandom

from ..core.errors import MissingExtraError
from ..core.wire import Kind, Role
from .frame_engine import MAX_MESSAGE, EngineState, FrameError, MaskSource, Message
from .frame_reader import FrameReader
from .frame_writer import FrameWriter

try:
    from websockets.frames import Frame, Opcode
    from websockets.protocol import Protocol, Side
except ImportError as error:
    raise MissingExtraError("the frame engine websockets", "websockets") from error

__all__ = ("WebsocketsEngine",)

_SIDES = {Role.SERVER: Side.SERVER, Role.CLIENT: Side.CLIENT}
_utf8_decoder = getincrementaldecoder("utf-8")


class WebsocketsEngine:
    """A FrameEngine. `trailing` was read behind the upgrade; the first `receive` reads it."""

    def __init__(
        self,
        role: Role,
        max_message: int = MAX_MESSAGE,
        trailing: bytes = b"",
        mask_source: MaskSource = urandom,
    ) -> None:
        self._writer = writer = FrameWriter(role, mask_source)
        parser = _WebsocketsParser(role)
        reader = FrameReader(role, max_message, parser, writer, fast=False, trailing=trailing)
        self.receive = reader.receive
        self.text = writer.text
        self.binary = writer.binary
        self.ping = writer.ping
        self.pong = writer.pong
        self.close = writer.close

    @property
    def state(self) -> EngineState:
        """OPEN, CLOSING or CLOSED."""
        return self._writer.phase.state


class _WebsocketsParser:
    """Frames through `websockets.protocol.Protocol`, joined to whole messages of checked UTF-8."""

    __slots__ = ("_check", "_kind", "_message", "_protocol")

    def __init__(self, role: Role) -> None:
        # Sizes are refused before frames get here: its own limit counts pings as well.
        self._protocol = Protocol(_SIDES[role], max_size=None)
        self._kind = Kind.BINARY
        self._message = BytesIO()
        self._check = _utf8_decoder()

    def feed(self, chunk: bytes, received: list[Message]) -> None:
        protocol = self._protocol
        protocol.receive_data(chunk)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame), "the handshake was over before this engine was made"
            self._add(frame, received)
            frame.data = b""  # its parser remembers the last frame until the next one is whole
        protocol.data_to_send()  # its own pongs and closes: answering is our owner's
        if protocol.parser_exc is not None:
            # fragments out of order: all else is checked before frames get here, or in `_add`
            raise FrameError(1002, str(protocol.parser_exc)) from protocol.parser_exc

    def _add(self, frame: Frame, received: list[Message]) -> None:
        if frame.opcode is Opcode.PING or frame.opcode is Opcode.PONG:
            received.append((Kind(frame.opcode), bytes(frame.data)))
            return
        if frame.opcode is not Opcode.CONT:
            self._kind = Kind(frame.opcode)
        if self._kind is Kind.TEXT:
            self._decode(bytes(frame.data), frame.fin)
        self._message.write(frame.data)
        if frame.fin:
            received.append((self._kind, self._message.getvalue()))
            self._message = BytesIO()

    def _decode(self, fragment: bytes, final: bool) -> None:
        try:
            self._check.decode(fragment, final)
        except UnicodeDecodeError as error:
            raise FrameError(1007, "text is not UTF-8") from error
