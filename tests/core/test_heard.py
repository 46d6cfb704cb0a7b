"""What a listener has heard: the clock, marks, pauses, and clients that do as they like."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon.core.heard import MAX_UNANSWERED, PATIENCE, Heard, is_ours
from antiphon.core.playout import Playout
from antiphon.core.wire import Kind

STEP = 1 / 64  # binary fractions add up without rounding


def named(name: str | None) -> str:
    assert name is not None
    return name


def sent(seconds: float, now: float = 0.0) -> Playout:
    """Sound that has all left, for a listener who began at `now`."""
    playout = Playout(inf)
    assert playout.passes(seconds, now)
    return playout


def test_without_marks_the_clock_is_believed() -> None:
    playout = sent(2.0)
    assert playout.heard(0.5) == 0.5
    assert playout.heard(9.0) == playout.given == 2.0
    assert playout.played_by(0.5) == 2.0


def test_a_client_that_answers_no_marks_is_taken_for_punctual() -> None:
    playout = sent(2.0)
    named(playout.mark(0.0))
    assert playout.heard(1.0) == 1.0
    assert playout.heard(9.0) == 2.0
    assert playout.played_by(9.0) <= 9.0


def test_an_answered_mark_tells_how_far_the_listener_is_behind() -> None:
    playout = sent(1.0)
    mark = named(playout.mark(0.0))
    assert playout.passes(3.0, 0.0)
    playout.reached(mark, 1.25)
    assert playout.heard(1.25) == 1.0
    assert playout.heard(2.25) == 2.0
    assert playout.played_by(2.25) == 4.25


def test_what_was_told_is_not_taken_back_but_stands_still() -> None:
    playout = sent(1.0)
    mark = named(playout.mark(0.0))
    assert playout.passes(3.0, 0.0)
    assert playout.heard(1.5) == 1.5
    playout.reached(mark, 1.5)
    assert [playout.heard(now) for now in (1.5, 1.75, 2.0, 2.25)] == [1.5, 1.5, 1.5, 1.75]


def test_an_answer_that_was_held_up_is_not_believed_until_a_second_says_the_same() -> None:
    playout = Playout(inf)
    marks: list[str] = []
    for _ in range(4):
        playout.passes(1.0, 0.0)
        marks.append(named(playout.mark(0.0)))
    playout.reached(marks[0], 1.125)
    playout.reached(marks[1], 2.75)
    assert playout.heard(2.75) == 2.625
    playout.reached(marks[2], 3.875)
    assert playout.played_by(3.875) == 4.75


def test_a_listener_that_catches_up_is_believed_at_once() -> None:
    playout = sent(1.0)
    first = named(playout.mark(0.0))
    assert playout.passes(1.0, 0.0)
    second = named(playout.mark(0.0))
    assert playout.passes(1.0, 0.0)
    playout.reached(first, 1.5)
    playout.reached(second, 2.125)
    assert playout.heard(2.125) == 2.0
    assert playout.heard(2.625) == 2.5


def test_a_listener_that_pauses_has_heard_no_more_than_the_oldest_unanswered_mark() -> None:
    playout = sent(1.0)
    first = named(playout.mark(0.0))
    assert playout.passes(1.0, 0.0)
    second = named(playout.mark(0.0))
    assert playout.passes(2.0, 0.0)
    playout.reached(first, 1.0)
    assert playout.heard(60.0) == 2.0
    playout.reached(second, 60.0)
    assert playout.heard(60.0) == 4.0


def test_whoever_waits_for_a_paused_listener_waits_two_seconds_at_most() -> None:
    playout = sent(1.0)
    first, _last = named(playout.mark(0.0)), named(playout.mark(0.0))
    playout.reached(first, 1.0)
    assert playout.played_by(1.0) == 1.0 + PATIENCE
    assert playout.played_by(3.0) <= 3.0
    for _ in range(2):
        assert playout.passes(1.0, 10.0)
        playout.reached(named(playout.mark(10.0)), 90.0)
    assert playout.played_by(11.0) == 12.0 + PATIENCE


def test_who_answers_at_once_has_heard_what_the_clock_says() -> None:
    playout = sent(1.0)
    playout.reached(named(playout.mark(0.0)), 0.0)
    assert playout.heard(0.25) == 0.25
    assert playout.played_by(0.25) == 1.0


def test_an_answer_behind_the_clock_proves_that_all_before_it_was_heard() -> None:
    """Set when the clock's listener had nothing left to play: that says nothing of the delay."""
    playout = sent(1.0)
    playout.reached(named(playout.mark(5.0)), 5.5)
    assert playout.heard(5.5) == 1.0
    assert playout.played_by(5.5) <= 5.5
    assert playout.passes(1.0, 6.0)
    assert playout.heard(6.5) == 1.5


def test_a_pause_between_replies_is_not_taken_for_delay() -> None:
    playout = sent(1.0)
    late = named(playout.mark(0.0))
    assert playout.passes(1.0, 1.125)
    playout.reached(late, 1.25)
    assert playout.played_by(1.25) == 2.125 + 0.25


def test_sound_that_left_late_is_not_expected_in_time() -> None:
    """The mark stands behind sound that waited, and whose listener ran out meanwhile."""
    playout = Playout(lead=0.25)
    assert playout.passes(0.25, 0.0)
    playout.push(Kind.BINARY, b"", 0.25)
    mark = named(playout.mark(0.0))
    playout.push(Kind.TEXT, b"", 0.0)
    playout.due(5.0)
    playout.reached(mark, 5.375)
    assert playout.played_by(5.375) == 5.375


def test_marks_that_were_cleared_prove_nothing() -> None:
    playout = sent(2.0)
    first = named(playout.mark(0.0))
    assert playout.passes(2.0, 0.0)
    cleared = named(playout.mark(0.0))
    playout.reached(first, 2.25)
    cut, _ = playout.drop(3.0)
    assert (cut.heard, cut.dropped) == (2.75, 1.25)
    playout.reached(cleared, 3.0)
    assert playout.heard(3.0) == playout.given == 2.75
    assert playout.passes(1.0, 3.0)
    assert playout.heard(3.25) == 2.75
    assert playout.heard(3.75) == 3.25


def test_sound_that_has_not_left_is_not_heard() -> None:
    playout = sent(2.0)
    assert playout.heard(1.0, pending=1.5) == 0.5
    assert playout.heard(1.0, pending=0.25) == 1.0
    assert playout.played_by(2.0, pending=0.5) == 2.5
    assert playout.played_by(2.0, pending=60.0) == 2.0 + PATIENCE
    cut, _ = playout.drop(1.5, pending=0.75)
    assert (cut.heard, cut.dropped) == (1.25, 0.75)


def test_no_more_than_64_marks_wait_and_unknown_names_are_nothing() -> None:
    playout = sent(1.0)
    names = [playout.mark(0.0) for _ in range(MAX_UNANSWERED + 5)]
    assert names[MAX_UNANSWERED:] == [None] * 5
    assert all(is_ours(named(name)) for name in names[:MAX_UNANSWERED])
    for forged in ("", "antiphon-", "antiphon-0", "antiphon-65", "antiphon-01", "mine"):
        playout.reached(forged, 0.0)
    assert playout.mark(0.0) is None
    playout.reached(named(names[MAX_UNANSWERED - 1]), 1.0)
    assert playout.mark(1.0) not in names


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), min_size=2, max_size=12))
def test_of_a_listener_with_a_delay_never_more_is_told_than_it_heard(
    steps: list[tuple[int, int]],
) -> None:
    """It plays all as the clock does, 20 steps later; its answers take 5 steps on their way."""
    delay, way = 20, 5
    playout, truth = Playout(inf), Playout(inf)
    coming: dict[int, float] = {}
    answers: dict[int, list[str]] = {}
    begin = end = 0
    for length, pause in steps:
        coming[begin] = length * STEP
        end = max(end, begin) + length
        begin += length + pause
    known = False
    now = 0.0
    for unit in range(begin + delay + way + 1):
        now = unit * STEP
        if unit in coming:
            playout.passes(coming[unit], now)
            over = round(playout.end / STEP) + delay + way
            answers.setdefault(over, []).append(named(playout.mark(now)))
        if unit - delay in coming:
            truth.passes(coming[unit - delay], now)
        for name in answers.get(unit, ()):
            playout.reached(name, now)
            known = True
        assert not known or playout.heard(now) <= truth.heard(now)
    last = (begin + delay + way) * STEP
    assert playout.heard(last) == truth.heard(last) == playout.given


class AnyClient(RuleBasedStateMachine):
    """Sound, marks, time, interruptions, and answers of any kind, at any time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.playout = Playout(0.25)
        self.now = 0.0
        self.told = 0.0
        self.names: list[str] = []
        self.unanswered: list[tuple[str, float]] = []
        self.answers = False

    @rule(units=st.integers(1, 30))
    def piece(self, units: int) -> None:
        if not self.playout.passes(units * STEP, self.now):
            self.playout.push(Kind.BINARY, b"", units * STEP)

    @rule()
    def mark(self) -> None:
        name = self.playout.mark(self.now)
        assert (name is None) == (len(self.unanswered) == MAX_UNANSWERED)
        if name is not None:
            assert name not in self.names
            self.names.append(name)
            self.unanswered.append((name, self.playout.given))

    @rule()
    def many_marks(self) -> None:
        for _ in range(30):
            self.mark()

    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([*self.names[-80:], "antiphon-999999", "x", ""]))
        self.playout.reached(name, self.now)
        waiting = [each for each, _ in self.unanswered]
        if name in waiting:
            del self.unanswered[: waiting.index(name) + 1]
            self.answers = True

    @rule(units=st.integers(0, 200))
    def wait(self, units: int) -> None:
        self.now += units * STEP
        self.playout.due(self.now)

    @rule(pending=st.integers(0, 40))
    def interrupt(self, pending: int) -> None:
        before = self.playout.given
        cut, _ = self.playout.drop(self.now, pending * STEP)
        assert cut.heard >= self.told
        assert cut.heard + cut.dropped == pytest.approx(before)
        assert self.playout.given == self.playout.heard(self.now) == cut.heard
        self.unanswered.clear()

    @invariant()
    def what_is_told_is_between_what_was_told_and_what_can_be(self) -> None:
        told = self.playout.heard(self.now)
        assert self.told <= told <= self.playout.given
        assert self.playout.end - 1e-9 <= max(self.playout.played_by(self.now), self.now)
        assert self.playout.played_by(self.now) <= self.playout.end + PATIENCE
        if self.answers and self.unanswered:
            assert told <= max(self.told, self.unanswered[0][1])
        self.told = told

    @invariant()
    def nobody_hears_faster_than_time(self) -> None:
        assert self.playout.given - self.playout.heard(self.now) >= self.playout.end - self.now


AnyClient.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnyClient = AnyClient.TestCase


def test_a_listener_needs_no_more_memory_for_more_sound() -> None:
    heard = Heard()
    for n in range(1000):
        name = heard.mark(float(n), n + 1.0, float(n))
        heard.answer(named(name), float(n), 0.0, n + 1.0)
        assert not heard.waits
