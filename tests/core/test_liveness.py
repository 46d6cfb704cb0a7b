"""The clocks of a call, with times as literals (docs/protocol.md, "Limits")."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.liveness import Expiry, Liveness, Timing, explain

OFF = Timing(start_timeout=inf, absence_timeout=inf, ping_interval=inf, ping_timeout=inf)


def timing(**seconds: float) -> Timing:
    return Timing(**dict.fromkeys(Timing.__struct_fields__, inf) | seconds)


def test_defaults_are_those_of_the_page() -> None:
    assert Timing() == Timing(
        start_timeout=5.0,
        time_limit=inf,
        idle_timeout=inf,
        absence_timeout=60.0,
        ping_interval=20.0,
        ping_timeout=20.0,
    )


@pytest.mark.parametrize("name", Timing.__struct_fields__)
@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_time_is_more_than_nothing(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=name):
        Timing(**{name: seconds})


def test_with_everything_off_nothing_is_ever_due() -> None:
    live = Liveness(OFF, 100.0)
    live.started(100.0)
    assert live.deadline() == inf
    assert live.expired(1e12) is None


def test_start_must_come_in_time() -> None:
    live = Liveness(timing(start_timeout=5.0), 100.0)
    assert live.deadline() == 105.0
    assert live.expired(104.99) is None
    assert live.expired(105.0) is Expiry.START


def test_the_time_limit_runs_from_the_start_and_the_start_timer_stops_there() -> None:
    live = Liveness(timing(start_timeout=5.0, time_limit=60.0), 100.0)
    live.started(103.0)
    assert live.deadline() == 163.0
    assert live.expired(162.99) is None
    assert live.expired(163.0) is Expiry.TIME_LIMIT


def test_messages_in_either_direction_keep_a_call_from_being_idle() -> None:
    live = Liveness(timing(idle_timeout=10.0), 0.0)
    live.started(1.0)
    live.active = 8.0
    assert live.expired(17.99) is None
    assert live.expired(18.0) is Expiry.IDLE


def test_an_absent_client_that_says_nothing_is_given_up() -> None:
    live = Liveness(timing(absence_timeout=60.0), 0.0)
    assert live.deadline() == inf
    live.absent(10.0)
    assert live.deadline() == 70.0
    live.heard = 30.0
    assert live.expired(70.0) is None
    assert live.deadline() == 90.0
    assert live.expired(90.0) is Expiry.ABSENT


def test_a_client_that_listens_again_is_not_absent() -> None:
    live = Liveness(timing(absence_timeout=60.0), 0.0)
    live.absent(10.0)
    live.present(69.0)
    assert live.deadline() == inf


def test_what_an_absent_client_cannot_hear_does_not_keep_its_call() -> None:
    live = Liveness(timing(idle_timeout=10.0, absence_timeout=60.0), 0.0)
    live.absent(0.0)
    live.active = 9.0
    assert live.expired(10.0) is Expiry.ABSENT


def test_silence_is_asked_about_once_and_then_given_up() -> None:
    live = Liveness(timing(ping_interval=20.0, ping_timeout=7.0), 0.0)
    assert live.expired(19.99) is None
    assert live.expired(20.0) is Expiry.PING
    assert live.expired(20.0) is None
    assert live.deadline() == 27.0
    assert live.expired(27.0) is Expiry.DEAD


def test_any_sign_of_life_answers_a_ping() -> None:
    live = Liveness(timing(ping_interval=20.0, ping_timeout=7.0), 0.0)
    assert live.expired(20.0) is Expiry.PING
    live.heard = 20.0
    assert live.deadline() == 40.0
    assert live.expired(27.0) is None
    assert live.expired(40.0) is Expiry.PING


@given(st.lists(st.tuples(st.sampled_from("hap"), st.floats(0.01, 30.0)), max_size=30))
def test_nothing_runs_out_before_the_deadline_and_something_does_at_it(
    steps: list[tuple[str, float]],
) -> None:
    live = Liveness(Timing(time_limit=300.0, idle_timeout=40.0), 0.0)
    live.started(0.0)
    now = 0.0
    for step, seconds in steps:
        due = live.deadline()
        if due > now:
            assert live.expired(now) is None
            assert live.expired(due) is not None
            live.heard = live.active = due
            now = due
        now += seconds
        if step == "h":
            live.heard = live.active = now
        elif step == "a":
            live.absent(now)
        else:
            live.present(now)


@pytest.mark.parametrize("expiry", list(Expiry))
def test_what_ran_out_is_told_in_words_that_fit_a_close(expiry: Expiry) -> None:
    text = explain(expiry, timing(start_timeout=5.0, time_limit=0.25))
    assert 10 < len(text.encode()) <= 123


def test_the_words_name_the_limit() -> None:
    assert explain(Expiry.START, Timing()) == "no `start` came within 5 s"
    assert explain(Expiry.TIME_LIMIT, timing(time_limit=0.25)) == "the time limit of 0.25 s is over"
