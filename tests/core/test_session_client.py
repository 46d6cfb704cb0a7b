"""A client's session, alone and facing a server's (docs/protocol.md, "Messages")."""

from collections.abc import Callable, Sequence

import pytest

from antiphon.core.dialects import browser
from antiphon.core.errors import LocalProtocolError
from antiphon.core.events import (
    CallRefusedByServer,
    CallRequested,
    CallStarted,
    Closed,
    Event,
    Message,
    PongReceived,
)
from antiphon.core.messages import (
    EndStream,
    ErrorNotice,
    Log,
    MediaFormat,
    Ping,
    Pong,
    SendInput,
    Start,
    ToServer,
    WarningNotice,
    WireMessage,
)
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.signaling import Refusal
from antiphon.core.wire import Kind, Role
from tests.core.pair import PCM_24K, ConnectionPair, of_type, ramp


def hears(session: Session, message: WireMessage) -> Sequence[Event]:
    return session.receive(Kind.TEXT, browser.encode(message), 1.0)


CONNECTING, OPEN, DRAINING, CLOSED = SessionState

Use = Callable[[Session], object]

SERVER_ONLY: list[Use] = [
    lambda session: session.drain("x", 1000, 0.0),
    lambda session: session.end("x", 1000, 0.0),
    lambda session: session.accept("x", 0.0),
    lambda session: session.refuse(Refusal(error="unauthorized"), 0.0),
]
CLIENT_ONLY: list[Use] = [
    lambda session: session.start(Start("a", media_format=PCM_24K), 0.0),
    lambda session: session.hang_up(0.0),
]


def client() -> Session:
    return Session(Role.CLIENT, SessionConfig(), 0.0)


@pytest.mark.parametrize(
    "start",
    [
        Start(websocket_id="b"),
        Start(websocket_id="b", media_format=MediaFormat("opus", 48000)),
        Start(websocket_id="b", media_format=MediaFormat("audio/pcm", 1)),
    ],
)
def test_a_clients_bad_start_is_its_own_error_and_sends_nothing(start: Start) -> None:
    session = client()
    with pytest.raises(LocalProtocolError):
        session.start(start, 0.0)
    assert session.state is CONNECTING
    assert session.data_to_send() == []


def test_a_client_that_starts_twice_keeps_its_first_call() -> None:
    session = client()
    session.start(Start(websocket_id="a", media_format=PCM_24K), 0.0)
    with pytest.raises(LocalProtocolError):
        session.start(Start(websocket_id="b", media_format=MediaFormat("audio/x-alaw", 8000)), 0.0)
    assert session.media_format == PCM_24K
    assert len(session.data_to_send()) == 1


@pytest.mark.parametrize("use", SERVER_ONLY)
def test_what_only_a_server_does_is_refused_to_a_client(use: Use) -> None:
    session = client()
    session.start(Start(websocket_id="a", media_format=PCM_24K), 0.0)
    session.send_audio(ramp(24_000), 0.0)
    session.data_to_send()
    deadline = session.deadline()
    with pytest.raises(LocalProtocolError):
        use(session)
    assert (session.state, session.deadline(), session.ready) == (OPEN, deadline, False)
    assert session.data_to_send() == []


@pytest.mark.parametrize("use", CLIENT_ONLY)
def test_what_only_a_client_does_is_refused_to_a_server(use: Use) -> None:
    session = Session(Role.SERVER, SessionConfig(), 0.0)
    with pytest.raises(LocalProtocolError):
        use(session)
    assert session.state is CONNECTING
    assert session.data_to_send() == []


def test_both_ends_agree_on_the_call() -> None:
    pair = ConnectionPair()
    requested = pair.open(metadata={"name": "x"}, inputs=[1])
    assert requested == CallRequested("a", PCM_24K, {"name": "x"}, (1,))
    assert pair.client.events == [CallStarted(PCM_24K, "token")]
    assert pair.server.session.state is pair.client.session.state is OPEN


def test_what_one_end_says_the_other_tells() -> None:
    pair = ConnectionPair()
    pair.open()
    pair.client.session.send(ToServer([1]), 0.0)
    pair.client.session.send(Ping(), 0.0)
    for message in (Log("a"), SendInput(), WarningNotice("w", "w"), ErrorNotice("e", "e")):
        pair.server.session.send(message, 0.0)
    pair.deliver()
    assert of_type(pair.server.events, Message) == [Message("message", [1])]
    assert of_type(pair.client.events, PongReceived) == [PongReceived()]
    assert of_type(pair.client.events, Message) == [
        Message("log", "a"),
        Message("send_input", []),
        Message("warning", "w"),
        Message("error", "e"),
    ]


def test_a_refused_client_is_told_why_and_closed() -> None:
    pair = ConnectionPair()
    pair.client.session.start(Start(websocket_id="a", media_format=PCM_24K), 0.0)
    pair.deliver()
    refusal = Refusal(error="concurrency_limit_reached", limit=1)
    pair.server.take(pair.server.session.refuse(refusal, 0.0))
    pair.deliver()
    assert pair.client.events == [
        CallRefusedByServer(refusal),
        Closed(1013, "concurrency_limit_reached", True),
    ]


def test_hanging_up_reaches_the_server_as_a_normal_end() -> None:
    pair = ConnectionPair()
    pair.open()
    pair.client.take(pair.client.session.hang_up(0.0))
    pair.deliver()
    assert pair.client.closed == Closed(1000, "", False)
    assert pair.server.closed == Closed(1000, "", True)
    assert pair.client.session.hang_up(0.0) == ()


def test_a_server_error_code_reaches_the_client() -> None:
    pair = ConnectionPair()
    pair.open()
    pair.server.hear(Kind.TEXT, b"nonsense", 0.0)
    pair.deliver()
    assert pair.server.error is not None
    assert pair.client.events[-2:] == [
        Message("error", pair.server.error.reply),
        Closed(1007, pair.server.error.reply, True),
    ]


def test_an_end_of_stream_puts_the_client_in_the_state_before_the_end() -> None:
    session = client()
    session.start(Start(websocket_id="a", media_format=PCM_24K), 0.0)
    assert list(hears(session, EndStream("bye"))) == [Message("end_stream", "bye")]
    assert session.state is DRAINING
    session.send(Ping(), 1.0)
    assert list(hears(session, Pong())) == [PongReceived()]
