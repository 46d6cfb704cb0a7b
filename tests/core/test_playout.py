"""Pacing: the lead, the order of the queue, interruptions."""

from fractions import Fraction
from math import ceil, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.core.playout import LEAD, MAX_PIECE, Interruption, Playout, piece_lengths
from antiphon.core.wire import Kind

STEP = 1 / 64  # binary fractions add up without rounding


@given(st.integers(0, 500_000), st.integers(1000, 192_000))
def test_a_chunk_is_cut_into_even_pieces_of_at_most_60_ms(samples: int, rate: int) -> None:
    pieces, each = piece_lengths(samples, rate)
    last = samples - (pieces - 1) * each
    assert each <= max(1, MAX_PIECE * rate)
    assert 0 < last <= each or samples == 0
    assert each - last < pieces
    assert pieces <= ceil(Fraction(samples) / max(1, int(MAX_PIECE * rate))) or pieces == 1


def test_a_listener_that_waits_gets_the_next_piece_at_once() -> None:
    playout = Playout(lead=0.2)
    assert playout.passes(0.06, 10.0)
    assert playout.end == 10.06
    assert playout.passes(0.06, 20.0)
    assert playout.end == 20.06


def test_what_the_lead_does_not_allow_waits_until_it_does() -> None:
    playout = Playout(lead=0.25)
    assert playout.passes(0.125, 8.0)
    assert playout.passes(0.125, 8.0)
    assert not playout.passes(0.125, 8.0)
    playout.push(Kind.BINARY, b"x", 0.125)
    assert playout.deadline() == 8.125
    assert playout.due(8.124) == []
    assert playout.due(8.125) == [(Kind.BINARY, b"x")]
    assert playout.deadline() == inf


def test_nothing_overtakes_the_queue() -> None:
    playout = Playout(lead=0.25)
    assert playout.passes(0.25, 0.0)
    playout.push(Kind.BINARY, b"first", 0.0625)
    assert not playout.passes(0.0625, 99.0)


def test_an_interruption_tells_what_was_heard_and_keeps_the_messages() -> None:
    playout = Playout(lead=0.25)
    assert playout.passes(0.25, 0.0)
    playout.push(Kind.BINARY, b"a", 0.5)
    playout.push(Kind.TEXT, b"mark", 0.0)
    playout.push(Kind.BINARY, b"b", 0.5)
    interruption, kept = playout.drop(0.125)
    assert interruption == Interruption(heard=0.125, dropped=1.125)
    assert kept == [(Kind.TEXT, b"mark")]
    assert playout.deadline() == inf
    assert playout.end == 0.125
    assert playout.heard(99.0) == 0.125


def test_a_second_interruption_drops_nothing() -> None:
    playout = Playout(lead=0.25)
    playout.passes(0.25, 0.0)
    playout.drop(0.125)
    assert playout.drop(0.125) == (Interruption(heard=0.125, dropped=0.0), [])


def test_a_piece_longer_than_the_lead_leaves_when_the_listener_has_run_out() -> None:
    playout = Playout(lead=0.125)
    assert playout.passes(0.25, 0.0)
    playout.push(Kind.BINARY, b"x", 0.25)
    assert playout.deadline() == 0.25
    assert playout.due(0.2) == []
    assert playout.due(0.25) == [(Kind.BINARY, b"x")]


def test_the_default_lead_is_200_ms() -> None:
    assert LEAD == 0.2


class AgainstTheSum(RuleBasedStateMachine):
    """Pieces, marks, time and interruptions in any order, against plain sums in 1/64 s."""

    @initialize(lead=st.integers(1, 20))
    def begin(self, lead: int) -> None:
        self.lead = lead * STEP
        self.playout = Playout(self.lead)
        self.now = 0.0
        self.given: list[int] = []
        self.left: list[int] = []
        self.played = self.dropped = self.end = 0.0
        self.longest = 0.0
        self.durations: dict[int, float] = {}

    def leave(self, names: list[int]) -> None:
        for name in names:
            self.left.append(name)
            duration = self.durations[name]
            if duration:
                self.end = max(self.end, self.now) + duration
                self.longest = max(self.longest, duration)

    @rule(units=st.integers(1, 4))
    def piece(self, units: int) -> None:
        name = len(self.durations)
        self.durations[name] = units * STEP
        self.given.append(name)
        if self.playout.passes(units * STEP, self.now):
            self.leave([name])
        else:
            self.playout.push(Kind.BINARY, b"%d" % name, units * STEP)

    @rule()
    def mark(self) -> None:
        name = len(self.durations)
        self.durations[name] = 0.0
        self.given.append(name)
        if self.playout.waiting:
            self.playout.push(Kind.TEXT, b"%d" % name, 0.0)
        else:
            self.leave([name])

    @rule(units=st.integers(0, 40))
    def wait(self, units: int) -> None:
        self.now += units * STEP
        self.release()

    @rule()
    def wake_at_the_deadline(self) -> None:
        if self.playout.deadline() < inf:
            self.now = max(self.now, self.playout.deadline())
            before = len(self.left)
            self.release()
            assert len(self.left) > before

    def release(self) -> None:
        self.leave([int(payload) for _, payload in self.playout.due(self.now)])
        assert self.playout.deadline() > self.now

    @rule()
    def interrupt(self) -> None:
        waiting = self.given[len(self.left) :]
        ahead = max(0.0, self.end - self.now)
        interruption, kept = self.playout.drop(self.now)
        assert [int(payload) for _, payload in kept] == [
            name for name in waiting if not self.durations[name]
        ]
        assert interruption.dropped == ahead + sum(self.durations[name] for name in waiting)
        self.end = min(self.end, self.now)
        self.given = list(self.left)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "playout"):
            assert self.given[: len(self.left)] == self.left
            assert self.playout.end == self.end
            assert self.end - self.now <= max(self.lead, self.longest)
            assert self.playout.waiting == (len(self.left) < len(self.given))


AgainstTheSum.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAgainstTheSum = AgainstTheSum.TestCase


@pytest.mark.parametrize("now", [0.0, 1e6, 4e9])
def test_rounding_of_late_clocks_neither_stalls_nor_spins(now: float) -> None:
    playout = Playout()
    left = 0
    for _ in range(50):
        if playout.passes(0.02, now):
            left += 1
        else:
            playout.push(Kind.BINARY, b"", 0.02)
    assert left == 10
    wakes = 0
    while playout.waiting:
        now = playout.deadline()
        left += len(playout.due(now))
        wakes += 1
        assert wakes <= 40
    assert left == 50
