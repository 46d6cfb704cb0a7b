"""The default frame engine: wsproto behind a fast path for whole, unfragmented frames."""

from io import BytesIO
from os import urandom

from wsproto.frame_protocol import FrameProtocol, ParseFailed

from ..core.wire import Kind, Role
from .frame_engine import MAX_MESSAGE, EngineState, FrameError, MaskSource, Message
from .frame_reader import FrameReader
from .frame_writer import FrameWriter

__all__ = ("WsprotoEngine",)


class WsprotoEngine:
    """A FrameEngine. `fast=False` lets wsproto read every data frame; the outcome is the same.

    `trailing` are bytes read behind the upgrade; the first `receive`, be it of nothing, reads them.
    """

    def __init__(
        self,
        role: Role,
        max_message: int = MAX_MESSAGE,
        fast: bool = True,
        trailing: bytes = b"",
        mask_source: MaskSource = urandom,
    ) -> None:
        self._writer = writer = FrameWriter(role, mask_source)
        parser = _WsprotoParser(role)
        reader = FrameReader(role, max_message, parser, writer, fast=fast, trailing=trailing)
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


class _WsprotoParser:
    """Frames through wsproto's `FrameProtocol`, joined to whole messages."""

    __slots__ = ("_frames", "_message")

    def __init__(self, role: Role) -> None:
        self._frames = FrameProtocol(role is Role.CLIENT, [])  # no extensions: no deflate, ever
        self._message = BytesIO()  # gives its bytes away without a copy: 10 ms for 16 MiB

    def feed(self, chunk: bytes, received: list[Message]) -> None:
        self._frames.receive_bytes(chunk)
        try:
            for frame in self._frames.received_frames():
                payload = frame.payload
                assert not isinstance(payload, tuple), "close frames are read before they get here"
                if isinstance(payload, str):  # wsproto decodes text as it arrives
                    payload = payload.encode()
                if frame.opcode.iscontrol():
                    received.append((Kind(frame.opcode), payload))
                    continue
                self._message.write(payload)
                if frame.message_finished:
                    received.append((Kind(frame.opcode), self._message.getvalue()))
                    self._message = BytesIO()
        except ParseFailed as error:
            reason = "text is not UTF-8" if error.code == 1007 else str(error)
            raise FrameError(int(error.code), reason) from error
