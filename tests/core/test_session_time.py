"""What a session does by itself, with times as literals (docs/protocol.md, "Limits")."""

from math import inf

import pytest

from antiphon.core.dialects import browser
from antiphon.core.events import CallRequested, Closed, Message
from antiphon.core.liveness import Timing
from antiphon.core.messages import Log, Ping, Start
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.wire import Kind, Role
from tests.core.pair import PCM_24K, ConnectionPair, of_type, ramp, texts

START = b'{"event":"start","websocket_id":"a"}'
QUIET = {"ping_interval": inf, "ping_timeout": inf}


def config(**seconds: float) -> SessionConfig:
    return SessionConfig(timing=Timing(**(QUIET | seconds)))


def open_server(now: float, **seconds: float) -> Session:
    session = Session(Role.SERVER, config(**seconds), now)
    session.receive(Kind.TEXT, START, now)
    session.accept("token", now)
    session.data_to_send()
    return session


def farewell(session: Session) -> list[object]:
    return [message.get("data") for message in texts(session.data_to_send())]


def test_a_client_that_never_starts_is_told_and_closed() -> None:
    session = Session(Role.SERVER, config(start_timeout=5.0), 100.0)
    session.receive(Kind.TEXT, browser.encode(Ping()), 104.0)
    session.data_to_send()
    assert session.deadline() == 105.0
    assert session.advance(104.9) == []
    assert session.advance(105.0) == [Closed(1008, "no `start` came within 5 s", False)]
    assert farewell(session) == ["no `start` came within 5 s"]
    assert session.state is SessionState.CLOSED
    assert session.deadline() == inf


def test_a_start_that_waits_for_its_admission_is_in_time() -> None:
    session = Session(Role.SERVER, config(start_timeout=5.0), 100.0)
    session.receive(Kind.TEXT, START, 104.0)
    assert session.deadline() == inf
    assert session.advance(110.0) == []
    session.accept("token", 110.0)
    assert session.state is SessionState.OPEN


def test_a_client_that_never_starts_says_nothing_of_its_own() -> None:
    session = Session(Role.CLIENT, config(start_timeout=5.0), 100.0)
    (closed,) = session.advance(105.0)
    assert isinstance(closed, Closed)
    assert session.data_to_send() == []


def test_the_time_limit_ends_a_call_whatever_is_said() -> None:
    session = open_server(100.0, time_limit=60.0)
    session.receive(Kind.TEXT, browser.encode(Ping()), 159.0)
    session.data_to_send()
    assert session.deadline() == 160.0
    text = "the time limit of 60 s is over"
    assert session.advance(160.0) == [Closed(1000, text, False)]
    assert farewell(session) == [text]


def test_the_time_limit_drops_what_waits() -> None:
    session = open_server(0.0, time_limit=1.0)
    session.send_audio(ramp(240_000), 0.9)
    session.data_to_send()
    (closed,) = session.advance(1.0)
    assert isinstance(closed, Closed)
    assert [m.get("type") for m in texts(session.data_to_send())] == ["end_stream"]


@pytest.mark.parametrize("direction", ["in", "out", "audio out"])
def test_a_message_in_either_direction_keeps_a_call_from_being_idle(direction: str) -> None:
    session = open_server(100.0, idle_timeout=30.0)
    if direction == "in":
        session.receive(Kind.TEXT, browser.encode(Ping()), 120.0)
    elif direction == "out":
        session.send(Log("x"), 120.0)
    else:
        session.send_audio(ramp(480), 120.0)
    session.data_to_send()
    assert session.advance(149.9) == []
    assert session.deadline() == 150.0
    assert session.advance(150.0) == [Closed(1000, "nothing was said for 30 s", False)]
    assert farewell(session) == ["nothing was said for 30 s"]


def test_sound_that_is_still_leaving_is_not_idleness() -> None:
    pair = ConnectionPair(config(idle_timeout=1.0))
    pair.open()
    pair.server.session.send_audio(ramp(5 * 24_000), 0.0)
    pair.deliver()
    pair.run(4.0)
    assert of_type(pair.server.events, Closed) == []
    pair.run(7.0)
    assert len(of_type(pair.server.events, Closed)) == 1
    assert pair.received(pair.client) == ramp(5 * 24_000).pcm


def test_a_client_of_ours_that_is_idle_says_stop() -> None:
    pair = ConnectionPair(client=config(idle_timeout=30.0))
    pair.open()
    pair.run(31.0)
    assert pair.client.closed == Closed(1000, "nothing was said for 30 s", False)
    assert pair.server.closed == Closed(1000, "", True)
    assert pair.server.error is None


def test_a_client_of_ours_has_a_time_limit_too() -> None:
    pair = ConnectionPair(client=config(time_limit=2.0))
    pair.open()
    pair.run(3.0)
    assert pair.client.closed == Closed(1000, "the time limit of 2 s is over", False)
    assert pair.server.closed == Closed(1000, "", True)


def test_a_client_that_neither_sends_nor_listens_is_given_up() -> None:
    session = open_server(0.0, absence_timeout=60.0)
    assert session.deadline() == inf
    session.absent(10.0)
    assert session.deadline() == 70.0
    session.receive(Kind.TEXT, browser.encode(Ping()), 30.0)
    assert session.advance(70.0) == []
    assert session.deadline() == 90.0
    (closed,) = session.advance(90.0)
    assert closed == Closed(1001, "the client neither sends nor listens", True)


def test_a_client_that_listens_again_stays() -> None:
    session = open_server(0.0, absence_timeout=60.0)
    session.absent(10.0)
    session.present(69.0)
    assert session.advance(70.0) == []
    assert session.deadline() == inf


def test_silence_is_asked_about_and_any_sign_of_life_is_an_answer() -> None:
    session = open_server(0.0, ping_interval=20.0, ping_timeout=10.0)
    assert session.deadline() == 20.0
    assert session.advance(20.0) == []
    assert session.data_to_send() == [(Kind.PING, b"")]
    assert session.deadline() == 30.0
    assert session.receive(Kind.PONG, b"", 21.0) == ()
    assert session.advance(30.0) == []
    assert session.deadline() == 41.0
    assert session.data_to_send() == []


def test_a_peer_that_does_not_answer_is_dead() -> None:
    session = open_server(0.0, ping_interval=20.0, ping_timeout=10.0)
    session.advance(20.0)
    text = "a ping was not answered within 10 s"
    assert session.advance(30.0) == [Closed(1011, text, True)]
    assert session.deadline() == inf


def test_two_silent_ends_keep_each_other_alive() -> None:
    pair = ConnectionPair()
    pair.open()
    pair.run(300.0)
    assert pair.server.closed is None
    assert pair.client.closed is None
    pings = [kind for kind, _ in pair.server.wire + pair.client.wire if kind is Kind.PING]
    assert 15 <= len(pings) <= 30


@pytest.mark.parametrize("role", list(Role))
def test_a_closed_session_never_asks_to_be_woken(role: Role) -> None:
    session = Session(role, config(absence_timeout=1.0), 0.0)
    session.receive_eof("gone", 0.0)
    session.absent(1.0)
    session.present(2.0)
    session.absent(3.0)
    assert session.deadline() == inf
    assert session.advance(99.0) == ()


def test_an_early_wake_does_no_harm() -> None:
    session = open_server(0.0, time_limit=60.0)
    for now in (0.0, 0.0, 1.0, 59.0):
        assert session.advance(now) == []
        assert session.deadline() == 60.0
    assert session.data_to_send() == []


def test_a_late_wake_does_all_that_is_due() -> None:
    pair = ConnectionPair(config(time_limit=60.0))
    pair.open()
    pair.server.session.send_audio(ramp(2400), 0.0)
    pair.server.take(pair.server.session.advance(1e6))
    assert pair.server.closed is not None
    assert len(of_type(pair.server.events, CallRequested)) == 1


def test_a_start_within_time_is_what_ends_the_wait_of_both() -> None:
    session = Session(Role.CLIENT, config(start_timeout=5.0), 0.0)
    session.start(Start(websocket_id="a", media_format=PCM_24K), 4.0)
    assert session.deadline() == inf


def test_the_end_of_a_call_is_told_to_its_client() -> None:
    pair = ConnectionPair(config(time_limit=2.0))
    pair.open()
    pair.run(3.0)
    text = "the time limit of 2 s is over"
    assert pair.client.events[-2:] == [Message("end_stream", text), Closed(1000, text, True)]
