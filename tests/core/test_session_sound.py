"""How a session plays: pacing, marks, interruptions, endings (docs/protocol.md, "Sound")."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import AudioFrame
from antiphon.core.errors import LocalProtocolError
from antiphon.core.events import (
    Closed,
    MarkReached,
    Message,
    PlayoutCleared,
    PlayoutReady,
)
from antiphon.core.messages import Mark, MarkBody, MediaFormat, ToClient
from antiphon.core.session import Session, SessionConfig, SessionState
from antiphon.core.wire import Kind, Role
from tests.core.pair import ConnectionPair, End, of_type, ramp, sent_audio, texts, tone

START = b'{"event":"start","websocket_id":"a"}'
LEAD = 0.2


def opened() -> ConnectionPair:
    pair = ConnectionPair()
    pair.open()
    return pair


def play(pair: ConnectionPair, frame: AudioFrame) -> None:
    pair.server.session.send_audio(frame, pair.now)
    pair.deliver()


def leads(end: End) -> list[float]:
    """How far ahead of a listener each piece of sound was sent, in seconds."""
    ahead: list[float] = []
    played_until = 0.0
    for at, message in zip(end.times, end.wire, strict=True):
        duration = len(sent_audio([message])) / 48_000
        if duration:
            played_until = max(played_until, at) + duration
            ahead.append(played_until - at)
    return ahead


@given(st.lists(st.tuples(st.integers(1, 30_000), st.floats(0.0, 0.5)), max_size=6))
def test_no_split_of_the_sound_exceeds_the_lead_or_loses_a_sample(
    steps: list[tuple[int, float]],
) -> None:
    pair = opened()
    first = 0
    for samples, pause in steps:
        play(pair, ramp(samples, first=first))
        first += samples
        pair.run(pair.now + pause)
    pair.run(pair.now + first / 24_000 + 1.0)
    assert pair.received(pair.client) == ramp(first).pcm
    assert all(ahead <= LEAD + 1e-5 for ahead in leads(pair.server))
    assert pair.server.session.ready
    assert pair.server.session.heard(pair.now) == pytest.approx(first / 24_000)


def test_who_waits_to_send_is_told_when_to_go_on() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    assert not pair.server.session.ready
    pair.run(0.75)
    assert of_type(pair.server.events, PlayoutReady) == []
    pair.run(0.85)
    assert of_type(pair.server.events, PlayoutReady) == [PlayoutReady()]
    play(pair, ramp(24_000))
    assert of_type(pair.server.events, PlayoutReady) == [PlayoutReady()]
    pair.run(2.0)
    assert of_type(pair.server.events, PlayoutReady) == [PlayoutReady(), PlayoutReady()]
    assert pair.server.session.playout_end(2.0) == pytest.approx(2.0)


def test_what_is_said_overtakes_sound_that_waits() -> None:
    pair = opened()
    play(pair, ramp(48_000))
    pair.server.session.send(ToClient("now"), 0.0)
    pair.deliver()
    assert of_type(pair.client.events, Message) == [Message("message", "now")]


def test_resampled_sound_arrives_whole_without_being_asked_for() -> None:
    pair = opened()
    for n in range(10):
        play(pair, tone(160, 8000))
        pair.run(0.02 * (n + 1))
    pair.run(2.0)
    assert abs(len(pair.received(pair.client)) // 2 - 10 * 480) <= 1


def test_flush_gives_the_end_of_a_reply_at_once() -> None:
    pair = opened()
    play(pair, tone(800, 8000))
    pair.server.session.flush(0.0)
    pair.deliver()
    assert abs(len(pair.received(pair.client)) // 2 - 2400) <= 1
    pair.run(2.0)
    assert abs(len(pair.received(pair.client)) // 2 - 2400) <= 1


def test_flush_without_a_call_or_sound_does_nothing() -> None:
    session = Session(Role.SERVER, SessionConfig(), 0.0)
    session.flush(0.0)
    pair = opened()
    pair.server.session.flush(0.0)
    assert session.data_to_send() == pair.server.session.data_to_send() == []


def test_a_mark_is_answered_when_the_listener_has_played_up_to_it() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    assert pair.server.session.mark("a", 0.0)
    play(pair, ramp(12_000))
    assert pair.server.session.mark("b", 0.0)
    pair.run(0.99)
    assert of_type(pair.server.events, MarkReached) == []
    pair.run(1.01)
    assert of_type(pair.server.events, MarkReached) == [MarkReached("a")]
    pair.run(1.49)
    assert len(of_type(pair.server.events, MarkReached)) == 1
    pair.run(1.51)
    assert of_type(pair.server.events, MarkReached) == [MarkReached("a"), MarkReached("b")]


def test_a_mark_stands_behind_all_sound_given_before_the_resamplers_tail_too() -> None:
    pair = opened()
    play(pair, tone(400, 8000))
    pair.server.session.mark("a", 0.0)
    pair.deliver()
    wire = pair.server.wire
    at = next(n for n, (_, payload) in enumerate(wire) if b'"mark"' in payload)
    assert abs(len(sent_audio(wire[:at])) // 2 - 1200) <= 1
    pair.run(2.0)
    assert abs(len(pair.received(pair.client)) // 2 - 1200) <= 1


def test_a_mark_without_sound_is_answered_at_once() -> None:
    pair = opened()
    assert pair.server.session.mark("a", 0.0)
    pair.deliver()
    assert of_type(pair.server.events, MarkReached) == [MarkReached("a")]


def test_a_client_that_named_no_format_is_not_asked_for_marks() -> None:
    session = Session(Role.SERVER, SessionConfig(), 0.0)
    session.receive(Kind.TEXT, START, 0.0)
    session.accept("token", 0.0)
    assert not session.mark("a", 0.0)
    assert session.data_to_send() == []


def test_a_client_does_not_ask_for_marks() -> None:
    pair = opened()
    assert not pair.client.session.mark("a", 0.0)
    pair.deliver()
    assert of_type(pair.server.events, MarkReached) == []


def test_a_mark_while_a_call_drains_keeps_its_place() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.take(pair.server.session.drain("bye", 1000, 0.0))
    assert pair.server.session.mark("a", 0.0)
    pair.run(2.0)
    names = [m.get("event", m.get("type")) for m in texts(pair.server.wire)]
    assert names[-2:] == ["mark", "end_stream"]


def test_nothing_more_can_be_given_while_a_call_ends() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.session.drain("bye", 1000, 0.0)
    wire = len(pair.server.wire)
    with pytest.raises(LocalProtocolError):
        pair.server.session.send_audio(ramp(1), 0.0)
    pair.deliver()
    assert len(pair.server.wire) == wire


def test_a_flood_of_marks_is_answered_not_kept() -> None:
    pair = opened()
    play(pair, ramp(2400))
    for n in range(500):
        pair.server.session.send(Mark(MarkBody(str(n))), 0.0)
    pair.deliver()
    assert len(of_type(pair.server.events, MarkReached)) >= 500 - 64
    pair.run(1.0)
    assert [mark.name for mark in of_type(pair.server.events, MarkReached)] == [
        str(n) for n in range(500)
    ]


def test_an_interruption_tells_what_was_heard_and_clears_the_other_end() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.run(0.5)
    heard_before = len(pair.received(pair.client))
    interruption = pair.server.session.interrupt(0.5)
    pair.deliver()
    assert interruption.heard == pytest.approx(0.5)
    assert interruption.dropped == pytest.approx(0.5)
    assert of_type(pair.client.events, PlayoutCleared) == [PlayoutCleared()]
    pair.run(2.0)
    assert len(pair.received(pair.client)) == heard_before
    assert pair.server.session.ready
    assert pair.server.session.heard(2.0) == pytest.approx(0.5)


def test_marks_of_dropped_sound_are_answered_after_the_clear_in_order() -> None:
    pair = opened()
    play(pair, ramp(2400))
    pair.server.session.mark("sent", 0.0)
    pair.deliver()
    play(pair, ramp(24_000))
    pair.server.session.mark("waiting", 0.0)
    pair.run(0.05)
    pair.server.session.interrupt(0.05)
    pair.deliver()
    assert of_type(pair.server.events, MarkReached) == [MarkReached("sent"), MarkReached("waiting")]
    names = [m.get("event") for m in texts(pair.server.wire) if m.get("event") != "media"]
    assert names == ["started", "mark", "clear", "mark"]


def test_given_counts_what_waits_and_not_what_an_interruption_dropped() -> None:
    pair = opened()
    session = pair.server.session
    assert session.given == 0.0
    play(pair, ramp(24_000))
    assert session.given == pytest.approx(1.0)
    pair.run(0.5)
    before = session.given
    interruption = session.interrupt(0.5)
    assert interruption.heard + interruption.dropped == pytest.approx(before)
    assert session.given == session.heard(0.5) == interruption.heard
    play(pair, ramp(2400))
    assert session.given == pytest.approx(interruption.heard + 0.1)


def test_after_an_interruption_new_sound_leaves_at_once() -> None:
    pair = opened()
    play(pair, ramp(240_000))
    pair.run(0.5)
    pair.server.session.interrupt(0.5)
    pair.deliver()
    before = len(pair.received(pair.client))
    play(pair, ramp(2400))
    assert len(pair.received(pair.client)) == before + 4800


def test_a_resampled_reply_that_is_interrupted_leaves_no_tail() -> None:
    pair = opened()
    play(pair, tone(80_000, 8000))
    pair.run(0.5)
    pair.server.session.interrupt(0.5)
    pair.deliver()
    before = len(pair.received(pair.client))
    pair.run(5.0)
    assert len(pair.received(pair.client)) == before


def test_drain_plays_what_was_given_says_so_and_closes() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.take(pair.server.session.drain("goodbye", 1000, 0.0))
    pair.run(0.99)
    assert pair.server.session.state is SessionState.DRAINING
    pair.run(1.01)
    assert pair.received(pair.client) == ramp(24_000).pcm
    assert pair.server.closed == Closed(1000, "goodbye", False)
    assert pair.client.events[-2:] == [
        Message("end_stream", "goodbye"),
        Closed(1000, "goodbye", True),
    ]


def test_without_a_lead_nothing_is_paced_and_drain_does_not_wait() -> None:
    pair = ConnectionPair(SessionConfig(lead=inf))
    pair.open()
    play(pair, ramp(240_000))
    assert pair.received(pair.client) == ramp(240_000).pcm
    assert pair.server.session.ready
    pair.server.take(pair.server.session.drain("bye", 1000, 0.0))
    assert pair.server.closed == Closed(1000, "bye", False)


def test_drain_gives_the_resamplers_tail() -> None:
    pair = opened()
    play(pair, tone(800, 8000))
    pair.server.take(pair.server.session.drain("", 1000, 0.0))
    pair.run(1.0)
    assert abs(len(pair.received(pair.client)) // 2 - 2400) <= 1
    assert pair.server.closed is not None


def test_drain_with_nothing_to_play_closes_at_once() -> None:
    session = opened().server.session
    assert session.drain("bye", 1000, 0.0) == (Closed(1000, "bye", False),)
    assert texts(session.data_to_send()) == [{"type": "end_stream", "data": "bye"}]


def test_drain_before_the_start_closes_without_a_farewell() -> None:
    session = Session(Role.SERVER, SessionConfig(), 0.0)
    assert session.drain("bye", 1001, 0.0) == (Closed(1001, "bye", False),)
    assert session.data_to_send() == []


def test_while_a_call_drains_its_client_may_talk_and_stop() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.take(pair.server.session.drain("bye", 1000, 0.0))
    pair.client.session.send_audio(ramp(480), 0.0)
    pair.deliver()
    assert pair.received(pair.server) == ramp(480).pcm
    pair.client.take(pair.client.session.hang_up(0.1))
    pair.deliver()
    assert pair.server.closed == Closed(1000, "", True)


def test_an_interruption_while_a_call_drains_ends_it() -> None:
    pair = opened()
    play(pair, ramp(240_000))
    pair.server.take(pair.server.session.drain("bye", 1000, 0.0))
    pair.run(0.5)
    pair.server.session.interrupt(0.5)
    assert pair.server.session.deadline() <= 0.5
    pair.run(0.5)
    assert pair.server.closed == Closed(1000, "bye", False)


def test_end_drops_what_waits_and_keeps_the_marks() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.session.mark("a", 0.0)
    pair.server.take(pair.server.session.end("stop now", 1011, 0.1))
    pair.deliver()
    assert pair.server.closed == Closed(1011, "stop now", False)
    assert len(pair.received(pair.client)) <= LEAD * 48_000
    names = [m.get("event", m.get("type")) for m in texts(pair.server.wire)]
    assert names[-2:] == ["mark", "end_stream"]


def test_end_hurries_a_call_that_drains() -> None:
    pair = opened()
    play(pair, ramp(240_000))
    pair.server.take(pair.server.session.drain("bye", 1000, 0.0))
    pair.run(0.5)
    pair.server.take(pair.server.session.end("shutting down", 1012, 0.5))
    assert pair.server.closed == Closed(1012, "shutting down", False)


def test_a_second_drain_changes_nothing() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.take(pair.server.session.drain("first", 1000, 0.0))
    assert pair.server.session.drain("second", 1011, 0.0) == ()
    pair.run(2.0)
    assert pair.server.closed == Closed(1000, "first", False)


def test_when_the_link_is_lost_nothing_waits_any_more() -> None:
    pair = opened()
    play(pair, ramp(240_000))
    session = pair.server.session
    session.receive_eof("gone", 0.0)
    assert session.ready
    assert session.deadline() == inf
    assert session.data_to_send() == []


@pytest.mark.parametrize("encoding", ["audio/x-mulaw", "audio/x-alaw", "audio/pcm"])
@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_sound_comes_through_in_every_format_both_ways(encoding: str, rate: int) -> None:
    pair = ConnectionPair()
    pair.open(MediaFormat(encoding, rate))
    for n in range(25):
        pair.server.session.send_audio(tone(480, 24000), pair.now)
        pair.client.session.send_audio(tone(rate // 50, rate), pair.now)
        pair.deliver()
        pair.run(0.02 * (n + 1))
    pair.run(2.0)
    assert abs(len(pair.received(pair.client)) // 2 - rate // 2) <= 1
    heard = len(pair.received(pair.server)) // 2
    assert 12_000 - 24_000 * 0.031 <= heard <= 12_000


def our_marks(pair: ConnectionPair) -> list[object]:
    return [m["mark"] for m in texts(pair.server.wire) if m.get("event") == "mark"]


def test_a_client_of_this_package_answers_what_the_call_asks() -> None:
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.session.ask_heard(0.0)
    pair.run(0.99)
    assert of_type(pair.server.events, MarkReached) == []
    pair.run(1.5)
    assert of_type(pair.server.events, MarkReached) == [MarkReached("antiphon-1")]
    assert pair.server.session.heard(1.5) == pytest.approx(1.0)


def test_no_mark_of_the_call_is_taken_for_one_of_the_application() -> None:
    pair = opened()
    with pytest.raises(LocalProtocolError, match="'antiphon-1'"):
        pair.server.session.mark("antiphon-1", 0.0)
    with pytest.raises(LocalProtocolError, match="'antiphon-1'"):
        pair.server.session.send(Mark(MarkBody("antiphon-1")), 0.0)
    assert pair.server.session.mark("mine", 0.0)
    pair.deliver()
    assert our_marks(pair) == [{"name": "mine"}]


def test_asking_how_far_the_listener_is_does_not_cut_resampled_sound() -> None:
    whole, asked = opened(), opened()
    for pair in (whole, asked):
        for n in range(20):
            play(pair, tone(160, 8000))
            if pair is asked:
                pair.server.session.ask_heard(pair.now)
            pair.run(0.02 * (n + 1))
        pair.run(2.0)
    assert whole.received(whole.client) == asked.received(asked.client)


def test_where_nobody_answers_marks_none_is_set() -> None:
    pair = opened()
    pair.client.session.ask_heard(0.0)
    pair.deliver()
    assert our_marks(pair) == []
    session = Session(Role.SERVER, SessionConfig(), 0.0)
    session.ask_heard(0.0)
    session.receive(Kind.TEXT, START, 0.0)
    session.accept("token", 0.0)
    session.ask_heard(0.0)
    assert session.data_to_send() == []
    session.end("", 1000, 0.0)
    session.ask_heard(0.0)


def test_a_client_that_answers_no_marks_gets_64_and_no_more() -> None:
    pair = opened()
    for _ in range(100):
        pair.server.session.ask_heard(0.0)
    assert len(pair.server.session.data_to_send()) == 64


def late_listener(lag: float) -> ConnectionPair:
    """One second of sound was played, and the mark behind it answered so much late."""
    pair = opened()
    play(pair, ramp(24_000))
    pair.server.session.ask_heard(0.0)
    pair.run(0.99)
    pair.server.outgoing(0.99)
    pair.now = 1.0 + lag
    pair.server.hear(Kind.TEXT, b'{"event":"mark","mark":{"name":"antiphon-1"}}', pair.now)
    return pair


def test_a_call_ends_when_a_late_listener_has_played_it() -> None:
    pair = late_listener(0.5)
    play(pair, ramp(24_000))
    begun = pair.now
    pair.server.take(pair.server.session.drain("bye", 1000, begun))
    pair.run(begun + 1.49)
    assert pair.server.closed is None
    pair.run(begun + 1.51)
    assert pair.server.closed == Closed(1000, "bye", False)


def test_a_call_ends_with_the_answer_to_its_last_mark_or_two_seconds_late() -> None:
    for answered in (True, False):
        pair = late_listener(0.0)
        play(pair, ramp(2400))
        session, begun = pair.server.session, pair.now
        session.ask_heard(begun)
        session.data_to_send()
        pair.server.take(session.drain("bye", 1000, begun))
        pair.run(begun + 1.0)
        assert pair.server.closed is None
        if answered:
            pair.server.hear(Kind.TEXT, b'{"event":"mark","mark":{"name":"antiphon-2"}}', pair.now)
            pair.run(pair.now)
            assert pair.server.closed == Closed(1000, "bye", False)
        pair.run(begun + 0.1 + 2.01)
        assert pair.server.closed == Closed(1000, "bye", False)
