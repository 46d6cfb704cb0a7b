"""Feeding frame engines: every engine by name, every way to cut a stream, and what came of it."""

from collections.abc import Callable, Iterator

import msgspec
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from antiphon.core.wire import Kind, Role, close_payload
from antiphon.transports.frame_engine import (
    EngineState,
    FrameEngine,
    FrameError,
    Message,
)
from antiphon.transports.websockets_engine import WebsocketsEngine
from antiphon.transports.wsproto_engine import WsprotoEngine

__all__ = ("ENGINES", "Outcome", "complete", "feed", "raw_wsproto", "splits")

EVERY_SPLIT_UP_TO = 400

ENGINES: dict[str, Callable[[Role, int], FrameEngine]] = {
    "fast": WsprotoEngine,
    "plain": lambda role, limit: WsprotoEngine(role, limit, fast=False),
    "websockets": WebsocketsEngine,
}


class Outcome(msgspec.Struct, frozen=True):
    """What a stream came to: messages, the close code of its error, the state after it."""

    received: tuple[Message, ...]
    code: int | None
    state: EngineState


def feed(engine: FrameEngine, pieces: list[bytes]) -> Outcome:
    """Feed all pieces, also those that come after an error: they must change nothing."""
    received: list[Message] = []
    codes: list[int] = []
    for piece in pieces:
        try:
            received += engine.receive(piece)
        except FrameError as error:
            received += error.received
            codes.append(error.code)
    assert len(codes) <= 1, "an engine is deaf after its first error"
    return Outcome(tuple(received), codes[0] if codes else None, engine.state)


def splits(stream: bytes) -> Iterator[list[bytes]]:
    """The stream whole, byte by byte, and cut in two everywhere (long ones: near their ends)."""
    yield [stream]
    if len(stream) <= EVERY_SPLIT_UP_TO:
        yield [stream[at : at + 1] for at in range(len(stream))]
        cuts = list(range(1, len(stream)))
    else:
        yield [stream[at : at + 997] for at in range(0, len(stream), 997)]
        cuts = [*range(1, 20), len(stream) // 2, *range(len(stream) - 20, len(stream))]
    for cut in cuts:
        yield [stream[:cut], stream[cut:]]


def raw_wsproto(stream: bytes, role: Role) -> Outcome | None:
    """What wsproto alone makes of the stream, by its own connection and events.

    None where it refuses a close code that it does not know: the registered 1014 may be it.
    """
    connection = Connection(ConnectionType.SERVER if role is Role.SERVER else ConnectionType.CLIENT)
    connection.receive_data(stream)
    received: list[Message] = []
    code: int | None = None
    parts: list[bytes] = []
    for event in connection.events():
        match event:
            case Ping():
                received.append((Kind.PING, bytes(event.payload)))
            case Pong():
                received.append((Kind.PONG, bytes(event.payload)))
            case CloseConnection() if connection.state is ConnectionState.OPEN:
                if event.reason == "CLOSE with unknown reserved code":
                    return None
                code = int(event.code)
            case CloseConnection():
                code_and_reason = close_payload(int(event.code), event.reason or "")
                received.append((Kind.CLOSE, b"" if event.code == 1005 else code_and_reason))
            case TextMessage() | BytesMessage():
                _add_part(event, parts, received)
            case _:
                raise AssertionError(f"unexpected {event}")
    closed = connection.state is ConnectionState.REMOTE_CLOSING
    state = EngineState.CLOSING if closed else EngineState.OPEN
    return Outcome(tuple(received), code, state)


def _add_part(
    event: TextMessage | BytesMessage, parts: list[bytes], received: list[Message]
) -> None:
    if isinstance(event, TextMessage):
        parts.append(event.data.encode())
    else:
        parts.append(bytes(event.data))
    if event.message_finished:
        kind = Kind.TEXT if isinstance(event, TextMessage) else Kind.BINARY
        received.append((kind, b"".join(parts)))
        parts.clear()


def complete(stream: bytes, limit: int) -> bytes:
    """The stream with zeros until its last frame is whole, unless that frame is over the limit.

    Engines may differ in how early they see what is wrong inside a frame, not in what it is.
    """
    at = 0
    while at < len(stream):
        stream = stream.ljust(at + 2, b"\x00")
        short = stream[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(short, 0)
        stream = stream.ljust(at + 2 + wide, b"\x00")
        length = int.from_bytes(stream[at + 2 : at + 2 + wide], "big") if wide else short
        if length > limit:
            return stream
        at += 2 + wide + (4 if stream[at + 1] & 0x80 else 0) + length
        if at > len(stream):
            stream = stream.ljust(at, b"\x00")
    return stream
