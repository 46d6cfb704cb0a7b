"""The ring, against a plain list."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from antiphon.core.ring import Position, Ring, parse_position


class AgainstAList(RuleBasedStateMachine):
    """All items ever given, and how many of the newest should still be here."""

    @initialize(max_items=st.integers(1, 5), max_size=st.integers(0, 12))
    def begin(self, max_items: int, max_size: int) -> None:
        self.ring: Ring[int] = Ring(7, max_items, max_size)
        self.limits = max_items, max_size
        self.sizes: list[int] = []

    def kept(self) -> int:
        max_items, max_size = self.limits
        count = min(len(self.sizes), max_items)
        while count > 1 and sum(self.sizes[-count:]) > max_size:
            count -= 1
        return count

    @rule(size=st.integers(0, 15))
    def append(self, size: int) -> None:
        assert self.ring.append(len(self.sizes), size) == Position(7, len(self.sizes))
        self.sizes.append(size)

    @rule(epoch=st.integers(6, 8), offset=st.integers(0, 30))
    def resume(self, epoch: int, offset: int) -> None:
        oldest, end = len(self.sizes) - self.kept(), len(self.sizes)
        position, gap = self.ring.resume(Position(epoch, offset))
        known = epoch == 7 and oldest <= offset + 1 <= end
        assert (position.offset, gap) == ((offset + 1, False) if known else (oldest, True))

    @rule(back=st.integers(0, 7))
    def resume_where_something_still_is(self, back: int) -> None:
        self.resume(7, max(0, len(self.sizes) - back))

    @rule(offset=st.integers(0, 30))
    def since(self, offset: int) -> None:
        first = max(offset, len(self.sizes) - self.kept())
        expected = [(Position(7, at), at) for at in range(first, len(self.sizes))]
        assert self.ring.since(Position(7, offset)) == expected

    @invariant()
    def holds_the_newest(self) -> None:
        if hasattr(self, "ring"):
            total = len(self.sizes)
            oldest = total - self.kept()
            assert self.ring.start == Position(7, oldest)
            assert self.ring.end == Position(7, total)
            assert self.ring.newest == (total - 1 if total else None)
            assert self.ring.resume(None) == (Position(7, oldest), oldest > 0)


TestAgainstAList = AgainstAList.TestCase


def test_a_reader_is_not_overtaken_while_it_reads() -> None:
    ring: Ring[str] = Ring(1, 2)
    ring.append("a")
    ring.append("b")
    read: list[tuple[int, str]] = []
    for position, item in ring.since(ring.start):
        read.append((position.offset, item))
        ring.append("later")
    assert read == [(0, "a"), (1, "b")]


def test_the_newest_item_stays_however_large_it_is() -> None:
    ring: Ring[str] = Ring(1, 10, max_size=5)
    ring.append("small", 1)
    ring.append("large", 1000)
    assert ring.since(ring.start) == [(Position(1, 1), "large")]


@given(epoch=st.integers(0, 1 << 63), offset=st.integers(0, 1 << 40))
def test_a_position_reads_back(epoch: int, offset: int) -> None:
    assert parse_position(str(Position(epoch, offset))) == Position(epoch, offset)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "a-1",
        "1-2-3",
        "-1-2",
        " 1-2",
        "1_0-2",
        "\u0661-1",
        "1-" + "9" * 99,
    ],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="position"):
        parse_position(text)


@given(st.text())
def test_no_text_breaks_the_reading_of_a_position(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_position(text)


def test_who_has_seen_all_that_was_dropped_has_missed_nothing() -> None:
    ring: Ring[int] = Ring(1, 2)
    for item in range(5):
        ring.append(item)
    assert ring.resume(Position(1, 2)) == (Position(1, 3), False)
    assert ring.resume(Position(1, 1)) == (Position(1, 3), True)
    assert ring.resume(Position(1, 4)) == (Position(1, 5), False)
    assert ring.resume(Position(1, 5)) == (Position(1, 3), True)
