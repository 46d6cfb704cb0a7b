"""What may be said to a session and what it answers (docs/protocol.md, "Messages")."""

import json
from math import inf
from typing import Any, Literal

import pytest

from antiphon.core.audio.g711 import mulaw_decode, mulaw_encode
from antiphon.core.dialects import browser
from antiphon.core.errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from antiphon.core.events import (
    AudioReceived,
    CallRequested,
    Closed,
    Event,
    InputsReceived,
    MarkReached,
    Message,
)
from antiphon.core.messages import (
    Log,
    Mark,
    MarkBody,
    MediaFormat,
    Ping,
    Start,
    Stop,
    ToClient,
    ToServer,
    WireMessage,
)
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.signaling import Refusal
from antiphon.core.wire import Kind, Role, close_payload
from tests.core.pair import PCM_24K, ramp, sent_audio, texts

CONNECTING, OPEN, DRAINING, CLOSED = SessionState
START = b'{"event":"start","websocket_id":"a"}'
MEDIA = b'{"event":"media","media":{"payload":"/////w=="}}'


def server(config: SessionConfig | None = None) -> Session:
    return Session(Role.SERVER, config or SessionConfig(), 0.0)


def open_server(config: SessionConfig | None = None, start: bytes = START) -> Session:
    """A server whose call is admitted; what it has sent so far is taken."""
    session = server(config)
    session.receive(Kind.TEXT, start, 0.0)
    session.accept("token", 0.0)
    session.data_to_send()
    return session


def said(session: Session) -> list[dict[str, object]]:
    return texts(session.data_to_send())


def hears(session: Session, message: WireMessage | dict[str, Any]) -> list[Event]:
    text = json.dumps(message).encode() if isinstance(message, dict) else browser.encode(message)
    return list(session.receive(Kind.TEXT, text, 1.0))


def broken(session: Session, text: bytes, kind: Kind = Kind.TEXT) -> RemoteProtocolError:
    """The error that this input is; the session must be closed and the peer told."""
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive(kind, text, 1.0)
    assert session.state is CLOSED
    assert session.deadline() == inf
    reply = caught.value.reply
    assert said(session) == [{"type": "error", "data": reply, "message": reply}]
    assert session.receive(Kind.TEXT, START, 2.0) == ()
    assert session.data_to_send() == []
    return caught.value


def test_a_start_asks_for_a_call_and_nothing_is_answered_before_it_is_admitted() -> None:
    session = server()
    (event,) = session.receive(Kind.TEXT, START, 0.0)
    assert event == CallRequested("a", None, {}, None)
    assert session.data_to_send() == []
    assert session.state is OPEN


def test_a_classic_client_gets_no_acknowledgement() -> None:
    session = server()
    session.receive(Kind.TEXT, START, 0.0)
    assert session.accept("token", 0.0) == ()
    assert session.data_to_send() == []
    assert not session.marks
    assert session.media_format is None


def test_a_client_that_names_a_format_gets_started_with_the_token() -> None:
    session = server()
    wanted = {"encoding": "audio/x-alaw", "sample_rate": 8000}
    hears(session, {"event": "start", "websocket_id": "a", "media_format": wanted})
    session.accept("token", 0.0)
    assert said(session) == [{"event": "started", "media_format": wanted, "token": "token"}]
    assert session.marks
    assert session.media_format == MediaFormat("audio/x-alaw", 8000)
    assert session.bytes_per_sample == 1


@pytest.mark.parametrize("given", [{"webrtc_id": "7"}, {"websocket_id": 7}, {"webrtc_id": 7}])
def test_a_number_is_an_id_and_webrtc_id_an_alias(given: dict[str, Any]) -> None:
    (event,) = hears(server(), {"event": "start", **given})
    assert isinstance(event, CallRequested)
    assert event.call_id == "7"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 1007),
        ({"websocket_id": ""}, 1008),
        ({"websocket_id": "x" * 129}, 1008),
        ({"websocket_id": "a\nb"}, 1008),
        ({"websocket_id": "a", "media_format": {"encoding": "opus", "sample_rate": 48000}}, 1008),
        ({"websocket_id": "a", "media_format": {"encoding": "audio/pcm", "sample_rate": 1}}, 1008),
    ],
)
def test_a_start_that_cannot_be_served_is_refused(fields: dict[str, Any], code: int) -> None:
    text = json.dumps({"event": "start", **fields}).encode()
    assert broken(server(), text).code == code


def test_a_refusal_is_told_and_closes() -> None:
    session = server()
    session.receive(Kind.TEXT, START, 0.0)
    refusal = Refusal(error="concurrency_limit_reached", limit=2)
    assert session.refuse(refusal, 0.0) == (Closed(1013, "concurrency_limit_reached", False),)
    assert said(session) == [
        {"status": "failed", "meta": {"error": "concurrency_limit_reached", "limit": 2}}
    ]
    assert session.state is CLOSED


@pytest.mark.parametrize("message", [MEDIA, b'{"event":"mark","mark":{"name":"m"}}'])
def test_what_comes_between_start_and_admission_is_heard(message: bytes) -> None:
    session = server()
    session.receive(Kind.TEXT, START, 0.0)
    assert len(session.receive(Kind.TEXT, message, 0.0)) == 1


def test_a_call_that_was_not_asked_for_cannot_be_admitted() -> None:
    session = server()
    with pytest.raises(LocalProtocolError):
        session.accept("token", 0.0)
    assert session.state is CONNECTING


def test_admission_after_the_client_has_gone_does_nothing() -> None:
    session = server()
    session.receive(Kind.TEXT, START, 0.0)
    session.receive_eof("gone", 0.0)
    assert session.accept("token", 0.0) == ()
    assert session.refuse(Refusal(error="unauthorized"), 0.0) == ()
    assert session.data_to_send() == []
    assert session.deadline() == inf


BEFORE_START = [
    MEDIA,
    b'{"event":"mark","mark":{"name":"m"}}',
    b'{"event":"input","data":[1]}',
    b'{"event":"message","data":1}',
]


@pytest.mark.parametrize("text", BEFORE_START)
def test_talk_before_start_is_out_of_order(text: bytes) -> None:
    assert broken(server(), text).code == 1002


def test_binary_audio_before_start_is_out_of_order() -> None:
    assert broken(server(), b"\xff" * 160, Kind.BINARY).code == 1002


def test_a_second_start_is_out_of_order() -> None:
    assert broken(open_server(), START).code == 1002
    session = server()
    session.receive(Kind.TEXT, START, 0.0)
    assert broken(session, START).code == 1002


MALFORMED = [
    b"",
    b"hello",
    b"[]",
    b"null",
    b"{}",
    b"\xff\xfe",
    b'{"event":7}',
    b'{"event":"media"}',
    b'{"event":"media","media":{"payload":"###"}}',
    b'{"event":"media","media":{"payload":7}}',
    b'{"event":"message","data":' + b"[" * 65 + b"]" * 65 + b"}",
    b'{"event":"message","data":' + b"[" * 5000 + b"]" * 5000 + b"}",
]


@pytest.mark.parametrize("text", MALFORMED)
@pytest.mark.parametrize("make", [server, open_server])
def test_what_cannot_be_decoded_is_1007_before_and_after_start(text: bytes, make: Any) -> None:
    assert broken(make(), text).code == 1007


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BINARY])
def test_half_a_sample_is_not_decodable(kind: Kind) -> None:
    start = browser.encode(Start("a", media_format=PCM_24K))
    text = b'{"event":"media","media":{"payload":"AAAA"}}'
    assert (
        broken(open_server(start=start), text if kind is Kind.TEXT else b"\0\0\0", kind).code
        == 1007
    )


def test_unknown_events_are_ignored_and_counted_in_every_state() -> None:
    session = server()
    text = b'{"event":"dtmf","digit":"1"}'
    assert session.receive(Kind.TEXT, text, 0.0) == ()
    session.receive(Kind.TEXT, START, 0.0)
    assert session.receive(Kind.TEXT, text, 0.0) == ()
    assert session.unknown_messages == 2
    assert session.state is OPEN
    assert session.data_to_send() == []


def test_a_client_that_hears_nonsense_closes_without_a_word() -> None:
    session = Session(Role.CLIENT, SessionConfig(), 0.0)
    with pytest.raises(RemoteProtocolError):
        session.receive(Kind.TEXT, b"{}", 0.0)
    assert session.state is CLOSED
    assert session.data_to_send() == []


def test_what_the_floor_below_refused_is_told_too() -> None:
    session = open_server()
    error = RemoteProtocolError("a message is larger than 1 MiB", 1009)
    assert session.fail(error) == (Closed(1009, error.reply, False),)
    assert said(session)[0]["data"] == error.reply
    assert session.fail(error) == ()
    assert session.data_to_send() == []


@pytest.mark.parametrize("make", [server, open_server])
def test_a_ping_is_answered_before_and_after_start(make: Any) -> None:
    session = make()
    assert hears(session, Ping()) == []
    assert said(session) == [{"event": "pong"}]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (Mark(MarkBody("m")), MarkReached("m")),
        ({"event": "input", "data": [1, "b"]}, InputsReceived((1, "b"))),
        ({"event": "input", "data": {"x": 1}}, InputsReceived(({"x": 1},))),
        (ToServer({"a": 1}), Message("message", {"a": 1})),
    ],
)
def test_what_a_client_says_is_told(message: Any, event: Event) -> None:
    assert hears(open_server(), message) == [event]


def test_inputs_and_metadata_may_come_with_the_start() -> None:
    (event,) = hears(
        server(), {"event": "start", "websocket_id": "a", "inputs": [1, 2], "metadata": {"k": "v"}}
    )
    assert event == CallRequested("a", None, {"k": "v"}, (1, 2))


@pytest.mark.parametrize("make", [server, open_server])
def test_stop_ends_the_call_normally(make: Any) -> None:
    session = make()
    assert hears(session, Stop()) == [Closed(1000, "", True)]
    assert session.state is CLOSED
    assert session.data_to_send() == []


def test_a_close_and_a_lost_link_are_told_once() -> None:
    session = open_server()
    closed = session.receive(Kind.CLOSE, close_payload(4000, "because"), 1.0)
    assert closed == (Closed(4000, "because", True),)
    assert session.receive_eof("gone", 1.0) == ()
    assert open_server().receive_eof("gone", 1.0) == (Closed(1006, "gone", True),)


@pytest.mark.parametrize("data", [object(), "\ud800"])
def test_what_json_cannot_hold_is_not_sent_and_changes_nothing(data: Any) -> None:
    session = open_server()
    with pytest.raises(TypeError):
        session.send(ToClient(data), 1.0)
    with pytest.raises(TypeError):
        session.drain(data, 1000, 1.0)
    assert session.state is OPEN
    assert session.data_to_send() == []


def test_after_the_end_nothing_can_be_sent() -> None:
    session = open_server()
    session.receive_eof("gone", 1.0)
    with pytest.raises(SessionClosed):
        session.send(Log("x"), 1.0)
    with pytest.raises(SessionClosed):
        session.send_audio(ramp(480), 1.0)
    assert session.drain("bye", 1000, 1.0) == session.end("bye", 1000, 1.0) == ()
    assert session.data_to_send() == []


def test_mulaw_in_json_is_the_default() -> None:
    (event,) = open_server().receive(Kind.TEXT, MEDIA, 1.0)
    assert isinstance(event, AudioReceived)
    assert event.frame.pcm == mulaw_decode(b"\xff" * 4)
    assert event.frame.sample_rate == 24000


def test_who_sends_binary_is_answered_in_binary() -> None:
    session = open_server()
    session.send_audio(ramp(480), 0.0)
    ((kind, _),) = session.data_to_send()
    assert kind is Kind.TEXT
    (event,) = session.receive(Kind.BINARY, b"\xff" * 480, 0.5)
    assert isinstance(event, AudioReceived)
    assert len(event.frame) == 480
    session.send_audio(ramp(480), 1.0)
    assert session.data_to_send() == [(Kind.BINARY, mulaw_encode(ramp(480).pcm))]


def test_a_link_without_binary_messages_is_never_given_one() -> None:
    session = open_server(SessionConfig(binary=False))
    session.receive(Kind.BINARY, b"\xff" * 480, 0.5)
    session.send_audio(ramp(480), 1.0)
    ((kind, _),) = session.data_to_send()
    assert kind is Kind.TEXT


def test_no_samples_are_no_event() -> None:
    session = open_server()
    assert session.receive(Kind.BINARY, b"", 0.0) == ()
    assert hears(session, {"event": "media", "media": {"payload": ""}}) == []


def in_mode(mode: Literal["send", "receive"]) -> Session:
    return open_server(SessionConfig(mode=mode))


def test_in_mode_receive_a_client_is_warned_once_that_nobody_listens() -> None:
    session = in_mode("receive")
    assert session.receive(Kind.TEXT, MEDIA, 1.0) == ()
    assert session.receive(Kind.BINARY, b"\xff", 1.0) == ()
    (warning,) = said(session)
    assert warning["type"] == "warning"
    assert "'receive'" in str(warning["data"])


def test_in_mode_receive_the_server_goes_on_speaking_after_the_warning() -> None:
    session = in_mode("receive")
    session.receive(Kind.TEXT, MEDIA, 1.0)
    session.data_to_send()
    session.send_audio(ramp(480), 1.0)
    assert sent_audio(session.data_to_send()) == mulaw_encode(ramp(480).pcm)


def test_in_mode_send_only_the_client_speaks() -> None:
    session = in_mode("send")
    with pytest.raises(LocalProtocolError, match="'send'"):
        session.send_audio(ramp(480), 1.0)
    assert len(session.receive(Kind.TEXT, MEDIA, 1.0)) == 1
    assert session.data_to_send() == []


@pytest.mark.parametrize("role", list(Role))
def test_before_the_start_there_is_nothing_to_play_or_interrupt(role: Role) -> None:
    session = Session(role, SessionConfig(), 0.0)
    with pytest.raises(LocalProtocolError):
        session.send_audio(ramp(480), 0.0)
    with pytest.raises(LocalProtocolError):
        session.interrupt(0.0)
    assert session.ready
    assert session.playout_end(9.0) == session.heard(9.0) == session.given == 0.0
    assert session.data_to_send() == []
