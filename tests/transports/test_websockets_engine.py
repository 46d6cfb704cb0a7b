"""Every engine talks with the protocol object of the `websockets` package at the other end."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from antiphon.core.wire import Kind, Role, parse_close
from antiphon.transports.frame_engine import EngineState
from antiphon.transports.websockets_engine import WebsocketsEngine
from tests.transports.frame_feeding import ENGINES

engines = pytest.mark.parametrize("engine", ENGINES)
roles = pytest.mark.parametrize("role", Role)

OTHER_SIDE = {Role.SERVER: Side.CLIENT, Role.CLIENT: Side.SERVER}
LONG = "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n ".encode() * 20_000


def written(peer: Protocol) -> bytes:
    return b"".join(peer.data_to_send())


@engines
@roles
def test_what_websockets_sends_is_received(engine: str, role: Role) -> None:
    peer = Protocol(OTHER_SIDE[role])
    peer.send_text(b"Spam")
    peer.send_binary(b"\xff" * 300)
    peer.send_text(LONG[:70_001], fin=False)
    peer.send_ping(b"ping")
    peer.send_continuation(LONG[70_001:], fin=True)
    peer.send_pong(b"pong")
    peer.send_close(1001, "bye")
    assert ENGINES[engine](role, 1 << 20).receive(written(peer)) == [
        (Kind.TEXT, b"Spam"),
        (Kind.BINARY, b"\xff" * 300),
        (Kind.PING, b"ping"),
        (Kind.TEXT, LONG),
        (Kind.PONG, b"pong"),
        (Kind.CLOSE, b"\x03\xe9bye"),
    ]


@engines
@roles
def test_what_is_written_websockets_receives(engine: str, role: Role) -> None:
    peer, subject = Protocol(OTHER_SIDE[role]), ENGINES[engine](role, 1 << 20)
    stream = subject.text(LONG) + subject.ping(b"ping") + subject.binary(b"\xff" * 300)
    peer.receive_data(stream + subject.close(4000, "bye"))
    assert peer.events_received() == [
        Frame(Opcode.TEXT, LONG),
        Frame(Opcode.PING, b"ping"),
        Frame(Opcode.BINARY, b"\xff" * 300),
        Frame(Opcode.CLOSE, b"\x0f\xa0bye"),
    ]
    received = subject.receive(written(peer))
    assert received == [(Kind.PONG, b"ping"), (Kind.CLOSE, b"\x0f\xa0bye")]
    assert parse_close(received[-1][1]) == (4000, "bye")
    assert subject.state is EngineState.CLOSED


@roles
def test_pings_are_left_to_the_owner_to_answer(role: Role) -> None:
    """websockets answers pings by itself; what it would send must neither leak out nor pile up."""
    peer, subject = Protocol(OTHER_SIDE[role]), WebsocketsEngine(role)
    for _ in range(3):
        peer.send_ping(b"ping")
    assert subject.receive(written(peer)) == [(Kind.PING, b"ping")] * 3
    peer.receive_data(subject.pong(b"ping"))
    assert peer.events_received() == [Frame(Opcode.PONG, b"ping")]
