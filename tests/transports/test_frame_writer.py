"""What an engine writes, and what it refuses in which state (RFC 6455 sections 5 and 7)."""

from collections.abc import Callable

import pytest

from antiphon.core.errors import LocalProtocolError
from antiphon.core.wire import Kind, Role, parse_close
from antiphon.transports.frame_engine import EngineState, FrameEngine, FrameError
from antiphon.transports.websockets_engine import WebsocketsEngine
from antiphon.transports.wsproto_engine import WsprotoEngine
from tests.transports.frame_cases import Frame, encode
from tests.transports.frame_feeding import ENGINES

engines = pytest.mark.parametrize("engine", ENGINES)
roles = pytest.mark.parametrize("role", Role)

MASK = b"\x5b\xfb\xe1\xa8"
OTHER = {Role.SERVER: Role.CLIENT, Role.CLIENT: Role.SERVER}

MASKED: dict[str, Callable[[Callable[[int], bytes]], FrameEngine]] = {
    "fast": lambda masks: WsprotoEngine(Role.CLIENT, mask_source=masks),
    "plain": lambda masks: WsprotoEngine(Role.CLIENT, fast=False, mask_source=masks),
    "websockets": lambda masks: WebsocketsEngine(Role.CLIENT, mask_source=masks),
}

Write = Callable[[FrameEngine], bytes]
WRITES: list[tuple[int, bytes, Write]] = [
    (0x81, b"Spam", lambda engine: engine.text(b"Spam")),
    (0x82, b"Eggs", lambda engine: engine.binary(b"Eggs")),
    (0x89, b"", lambda engine: engine.ping()),
    (0x89, b"ping", lambda engine: engine.ping(b"ping")),
    (0x8A, b"", lambda engine: engine.pong()),
    (0x8A, b"\xff" * 125, lambda engine: engine.pong(b"\xff" * 125)),
    (0x88, b"\x03\xe8OK", lambda engine: engine.close(1000, "OK")),
    (0x88, b"", lambda engine: engine.close(1005)),
    *(
        (0x82, b"a" * size, lambda engine, size=size: engine.binary(b"a" * size))
        for size in (0, 125, 126, 65535, 65536)
    ),
]
MESSAGES: list[Write] = [lambda engine: engine.text(b""), lambda engine: engine.binary(b"")]
PINGS: list[Write] = [lambda engine: engine.ping(), lambda engine: engine.pong()]


@engines
@pytest.mark.parametrize(("first", "payload", "write"), WRITES)
def test_a_server_writes_plain_frames_in_the_shortest_form(
    engine: str, first: int, payload: bytes, write: Write
) -> None:
    assert write(ENGINES[engine](Role.SERVER, 1)) == encode(Frame(first, payload), Role.CLIENT)


@engines
@pytest.mark.parametrize(("first", "payload", "write"), WRITES)
def test_a_client_masks_each_frame_with_the_bytes_it_is_given(
    engine: str, first: int, payload: bytes, write: Write
) -> None:
    asked: list[int] = []

    def masks(count: int) -> bytes:
        asked.append(count)
        return MASK

    expected = encode(Frame(first, payload), Role.SERVER, MASK)
    assert write(MASKED[engine](masks)) == expected
    assert asked == [4]


@engines
def test_a_client_takes_a_new_mask_for_every_frame(engine: str) -> None:
    subject = ENGINES[engine](Role.CLIENT, 1)
    assert len({subject.text(b"Spam")[2:6] for _ in range(50)}) > 40


@engines
@roles
def test_what_one_end_writes_the_other_reads(engine: str, role: Role) -> None:
    ours, theirs = ENGINES[engine](role, 1 << 20), ENGINES[engine](OTHER[role], 1 << 20)
    stream = ours.text(b"Spam") + ours.ping(b"1") + ours.binary(b"\xff" * 70000) + ours.pong(b"2")
    assert theirs.receive(stream + ours.close(4000, "bye")) == [
        (Kind.TEXT, b"Spam"),
        (Kind.PING, b"1"),
        (Kind.BINARY, b"\xff" * 70000),
        (Kind.PONG, b"2"),
        (Kind.CLOSE, b"\x0f\xa0bye"),
    ]
    assert (ours.state, theirs.state) == (EngineState.CLOSING, EngineState.CLOSING)
    assert ours.receive(theirs.close(*parse_close(b"\x0f\xa0bye"))) == [
        (Kind.CLOSE, b"\x0f\xa0bye")
    ]
    assert (ours.state, theirs.state) == (EngineState.CLOSED, EngineState.CLOSED)


def opened(engine: str, role: Role) -> FrameEngine:
    return ENGINES[engine](role, 100)


def close_sent(engine: str, role: Role) -> FrameEngine:
    subject = opened(engine, role)
    subject.close(1000)
    return subject


def close_received(engine: str, role: Role) -> FrameEngine:
    subject = opened(engine, role)
    subject.receive(encode(Frame(0x88), role))
    return subject


def broken(engine: str, role: Role) -> FrameEngine:
    subject = opened(engine, role)
    with pytest.raises(FrameError):
        subject.receive(encode(Frame(0x83), role))
    return subject


def broken_and_closed(engine: str, role: Role) -> FrameEngine:
    subject = broken(engine, role)
    subject.close(1002)
    return subject


def closed_and_broken(engine: str, role: Role) -> FrameEngine:
    subject = close_sent(engine, role)
    with pytest.raises(FrameError):
        subject.receive(encode(Frame(0x83), role))
    return subject


def closed(engine: str, role: Role) -> FrameEngine:
    subject = close_received(engine, role)
    subject.close(1000)
    return subject


STATES: list[tuple[Callable[[str, Role], FrameEngine], EngineState, bool, bool, bool, bool]] = [
    # how it got there, state, and whether messages, pings and a close may be written, bytes read
    (opened, EngineState.OPEN, True, True, True, True),
    (broken, EngineState.OPEN, True, True, True, False),
    (close_sent, EngineState.CLOSING, False, True, False, True),
    (close_received, EngineState.CLOSING, False, True, True, False),
    (closed, EngineState.CLOSED, False, False, False, False),
    (broken_and_closed, EngineState.CLOSED, False, False, False, False),
    (closed_and_broken, EngineState.CLOSED, False, False, False, False),
]


def may(subject: FrameEngine, write: Write) -> bool:
    try:
        write(subject)
    except LocalProtocolError:
        return False
    return True


@engines
@roles
@pytest.mark.parametrize(("reach", "state", "messages", "pings", "close", "reads"), STATES)
def test_the_state_says_what_may_be_written_and_read(
    engine: str,
    role: Role,
    reach: Callable[[str, Role], FrameEngine],
    state: EngineState,
    messages: bool,
    pings: bool,
    close: bool,
    reads: bool,
) -> None:
    subject = reach(engine, role)
    assert subject.state is state
    assert [may(subject, write) for write in MESSAGES] == [messages] * 2
    assert [may(subject, write) for write in PINGS] == [pings] * 2
    assert bool(subject.receive(encode(Frame(0x81, b"Spam"), role))) is reads
    assert may(subject, lambda engine: engine.close(1000)) is close


@engines
@roles
def test_a_refusal_says_what_the_state_is(engine: str, role: Role) -> None:
    with pytest.raises(LocalProtocolError, match="a text cannot be sent: close sent"):
        close_sent(engine, role).text(b"")
    with pytest.raises(LocalProtocolError, match="a close cannot be sent: closed"):
        closed(engine, role).close(1000)


@engines
@roles
def test_a_control_frame_has_at_most_125_bytes(engine: str, role: Role) -> None:
    subject = opened(engine, role)
    for write in (subject.ping, subject.pong):
        with pytest.raises(LocalProtocolError, match="126 bytes; 125 are allowed"):
            write(b"a" * 126)


@engines
@roles
@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 70000])
def test_a_code_that_may_not_be_sent_leaves_the_state_open(
    engine: str, role: Role, code: int
) -> None:
    subject = opened(engine, role)
    with pytest.raises(LocalProtocolError, match=f"{code} is no close code"):
        subject.close(code)
    assert subject.state is EngineState.OPEN


@engines
@pytest.mark.parametrize("letter", ["a", "\xe9", "\u20ac", "\N{GRINNING FACE}"])
def test_a_long_reason_is_cut_between_letters(engine: str, letter: str) -> None:
    frame = opened(engine, Role.SERVER).close(1000, letter * 200)
    _, reason = parse_close(frame[2:])
    assert letter * 200 == reason + letter * (200 - len(reason))
    assert 125 - len(letter.encode()) < frame[1] == len(frame) - 2 <= 125


@engines
def test_a_reason_that_has_no_utf8_is_sent_all_the_same(engine: str) -> None:
    assert opened(engine, Role.SERVER).close(1000, "a\ud800b") == b"\x88\x05\x03\xe8a?b"


@engines
@roles
def test_messages_are_read_until_the_peer_answers_our_close(engine: str, role: Role) -> None:
    subject = close_sent(engine, role)
    stream = encode(Frame(0x81, b"Spam"), role) + encode(Frame(0x88, b"\x03\xe8"), role)
    assert subject.receive(stream) == [(Kind.TEXT, b"Spam"), (Kind.CLOSE, b"\x03\xe8")]
    assert subject.state is EngineState.CLOSED
