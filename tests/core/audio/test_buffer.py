"""The buffer of one turn, against a plain list."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.core.audio.buffer import TurnBuffer
from antiphon.core.audio.frames import Samples

COUNTS = st.integers(0, 700) | st.integers(0, 20_000)


def ramp(count: int, first: int = 0) -> Samples:
    return np.arange(first, first + count).astype(np.int16)


class AgainstAList(RuleBasedStateMachine):
    """Every call on a buffer and on a list of the same samples."""

    def __init__(self) -> None:
        super().__init__()
        self.next_sample = 0
        self.model: list[int] = []
        self.taken: list[tuple[Samples, list[int]]] = []

    @initialize(max_samples=st.integers(1, 300) | st.integers(1, 50_000))
    def start(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.buffer = TurnBuffer(max_samples)

    @rule(count=COUNTS)
    def append(self, count: int) -> None:
        samples = ramp(count, self.next_sample)
        self.next_sample = (self.next_sample + count) % 30_000
        room = self.max_samples - len(self.model)
        self.model += samples.tolist()[:room]
        assert self.buffer.append(samples) == max(0, count - room)

    @rule(n=COUNTS)
    def tail(self, n: int) -> None:
        newest = self.model[len(self.model) - min(n, len(self.model)) :]
        assert self.buffer.tail(n).tolist() == newest

    @rule(n=COUNTS)
    def keep_last(self, n: int) -> None:
        self.model = self.model[len(self.model) - min(n, len(self.model)) :]
        self.buffer.keep_last(n)

    @rule()
    def take(self) -> None:
        self.taken.append((self.buffer.take(), self.model))
        self.model = []

    @invariant()
    def holds_the_same(self) -> None:
        if hasattr(self, "buffer"):
            assert len(self.buffer) == len(self.model)
            assert self.buffer.tail(self.max_samples).tolist() == self.model

    @invariant()
    def what_was_taken_stays_as_it_was(self) -> None:
        for samples, model in self.taken:
            assert samples.tolist() == model


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    buffer = TurnBuffer(100)
    assert buffer.append(ramp(80)) == 0
    assert buffer.append(ramp(50, 80)) == 30
    assert buffer.append(ramp(1)) == 1
    assert buffer.take().tolist() == list(range(100))


def test_dropped_samples_make_room_under_the_bound() -> None:
    buffer = TurnBuffer(100)
    buffer.append(ramp(100))
    buffer.keep_last(10)
    assert buffer.append(ramp(90, 100)) == 0
    assert buffer.take().tolist() == list(range(90, 190))


def test_any_cutting_gives_the_same_turn() -> None:
    for chunk in (1, 80, 160, 512, 10_000):
        buffer = TurnBuffer(20_000)
        for first in range(0, 10_000, chunk):
            buffer.append(ramp(min(chunk, 10_000 - first), first))
        assert (buffer.take() == ramp(10_000)).all()


def test_tail_is_a_read_only_view() -> None:
    buffer = TurnBuffer(100)
    buffer.append(ramp(50))
    tail = buffer.tail(20)
    assert not tail.flags.writeable
    assert np.shares_memory(tail, buffer.tail(50))


def test_turn_is_handed_over_without_a_copy_and_writeable() -> None:
    buffer = TurnBuffer(100)
    buffer.append(ramp(50))
    tail = buffer.tail(50)
    turn = buffer.take()
    assert turn.shape == (50,)
    assert turn.flags.writeable
    assert np.shares_memory(turn, tail)


def test_turn_taken_never_shares_memory_with_the_next() -> None:
    buffer = TurnBuffer(100)
    buffer.append(ramp(50))
    first = buffer.take()
    buffer.append(ramp(50, 1000))
    second = buffer.take()
    first[:] = 7
    assert second.tolist() == list(range(1000, 1050))
    assert not np.shares_memory(first, second)


def test_samples_appended_are_copied() -> None:
    buffer = TurnBuffer(100)
    samples = ramp(50)
    buffer.append(samples)
    samples[:] = 7
    assert buffer.take().tolist() == list(range(50))


def test_pre_roll_for_a_long_silence_keeps_to_a_small_array() -> None:
    buffer = TurnBuffer(16_000 * 60)
    for first in range(0, 320 * 3000, 320):
        buffer.append(ramp(320, first % 30_000))
        buffer.keep_last(4800)
    turn = buffer.take()
    assert len(turn) == 4800
    assert turn.base is not None
    assert turn.base.nbytes <= 4 * 2 * (4800 + 320)


def test_empty_buffer_gives_an_empty_turn() -> None:
    buffer = TurnBuffer(100)
    assert buffer.tail(10).shape == (0,)
    assert buffer.take().shape == (0,)


@pytest.mark.parametrize("n", [-1, -1000])
def test_negative_counts_are_refused(n: int) -> None:
    buffer = TurnBuffer(100)
    with pytest.raises(ValueError, match=f"n is {n}"):
        buffer.tail(n)
    with pytest.raises(ValueError, match=f"n is {n}"):
        buffer.keep_last(n)


def test_buffer_without_room_for_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="max_samples is 0"):
        TurnBuffer(0)


def test_other_dtypes_and_shapes_are_refused() -> None:
    buffer = TurnBuffer(100)
    with pytest.raises(TypeError, match="float32"):
        buffer.append(np.zeros(4, np.float32))  # pyright: ignore[reportArgumentType]  # as tested
    with pytest.raises(ValueError, match=r"\(1, 4\)"):
        buffer.append(np.zeros((1, 4), np.int16))
    assert len(buffer) == 0
