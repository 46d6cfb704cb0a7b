"""The clock of an outgoing sound track."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.track_clock import (
    AHEAD,
    CLOCK_RATE,
    FRAME,
    PATIENCE,
    PIECE_PATIENCE,
    TAIL,
    TrackClock,
)

RATE = 24000
SIZE = int(RATE * FRAME) * 2
TICKS = int(CLOCK_RATE * FRAME)
SILENCE = bytes(SIZE)
SOUND = b"\1\2" * (SIZE // 2)


def settled(now: float = 100.0) -> tuple[TrackClock, int, float]:
    """A clock whose first silence is over, its next timestamp, and the time."""
    clock = TrackClock(RATE, now)
    for _ in range(TAIL):
        now = clock.deadline()
        assert clock.take(now) is not None
    assert clock.deadline() == inf
    return clock, TAIL * TICKS, now + FRAME


def played(clock: TrackClock, until: float) -> list[tuple[float, int, bytes]]:
    """All that leaves, each as soon as it may."""
    frames: list[tuple[float, int, bytes]] = []
    while (due := clock.deadline()) <= until:
        taken = clock.take(due)
        assert taken is not None, "a deadline gives something"
        frames.append((due, *taken))
    return frames


def test_a_track_begins_with_silence_in_real_time() -> None:
    frames = played(TrackClock(RATE, 5.0), 10.0)
    assert [pcm for _, _, pcm in frames] == [SILENCE] * TAIL
    assert [pts for _, pts, _ in frames] == [TICKS * n for n in range(TAIL)]
    assert [at for at, _, _ in frames] == pytest.approx([5.0 + FRAME * n for n in range(TAIL)])


def test_what_is_given_at_once_leaves_frame_by_frame() -> None:
    clock, _, now = settled()
    clock.put(SOUND * 10, now)
    frames = played(clock, now + 10 * FRAME - 0.001)
    assert [pcm for _, _, pcm in frames] == [SOUND] * 10
    assert [at - now for at, _, _ in frames] == pytest.approx([FRAME * n for n in range(10)])


def test_nothing_leaves_before_its_time() -> None:
    clock, _, now = settled()
    clock.put(SOUND * 2, now)
    assert clock.take(now) is not None
    assert clock.take(now + FRAME - 0.006) is None
    assert clock.take(now + FRAME - 0.004) is not None


def test_live_sound_that_is_a_little_late_leaves_at_once_and_without_a_gap() -> None:
    """An echo of 20 ms frames whose arrival wavers: no silence in between, no growing delay."""
    clock, pts, now = settled()
    for number in range(50):
        late = 0.011 if number % 3 else 0.0
        arrival = now + number * FRAME + late
        assert clock.take(arrival) is None
        clock.put(SOUND, arrival)
        taken = clock.take(arrival + (0 if late else 1e-9))
        assert taken == (pts + number * TICKS, SOUND)


def test_the_clock_runs_on_through_a_pause() -> None:
    clock, pts, now = settled()
    clock.put(b"\3\0" * 10, now + 7.0)
    assert clock.take(now + 7.0) is None, "a short piece waits for the rest of its frame"
    clock.put(SOUND, now + 7.01)
    taken = clock.take(now + 7.01)
    assert taken == (pts + 7 * CLOCK_RATE, (b"\3\0" * 10 + SOUND)[:SIZE])


def test_the_end_of_what_was_in_stock_leaves_in_step_with_silence_behind_it() -> None:
    clock, _, now = settled()
    clock.put(SOUND * 8 + b"\5\0" * 7, now)
    frames = played(clock, now + 10.0)
    assert len(frames) == 8 + 1 + TAIL
    assert [at - now for at, _, _ in frames] == pytest.approx(
        [FRAME * n for n in range(len(frames))]
    )


def test_a_stall_of_live_sound_leaves_no_delay_behind() -> None:
    """As after a lost packet: four frames at once, 150 ms late, then in step again."""
    clock, pts, now = settled()
    clock.put(SOUND, now)
    assert clock.take(now) == (pts, SOUND)
    clock.put(SOUND * 4, now + 0.17)
    assert [clock.take(now + 0.17) for _ in range(5)] == [
        *((pts + n * TICKS, SOUND) for n in range(1, 5)),
        None,
    ]
    clock.put(SOUND, now + 0.18)
    assert clock.take(now + 0.18) == (pts + 5 * TICKS, SOUND)


def test_a_burst_of_live_frames_leaves_at_once() -> None:
    """As when a handler begins and finds what came before: the call is not late ever after."""
    clock = TrackClock(RATE, 5.0)
    for _ in range(4):
        clock.put(SOUND, 5.01)
    assert [clock.take(5.01) for _ in range(5)] == [*((n * TICKS, SOUND) for n in range(4)), None]
    clock.put(SOUND, 5.03)
    assert clock.take(5.03) == (4 * TICKS, SOUND)


def test_sound_does_not_wait_for_the_silence_it_follows() -> None:
    clock = TrackClock(RATE, 5.0)
    assert clock.take(5.0) == (0, SILENCE)
    clock.put(SOUND, 5.007)
    assert clock.take(5.007) == (TICKS, SOUND)
    clock.put(SOUND, 5.027)
    assert clock.take(5.027) == (2 * TICKS, SOUND)


def test_many_beginnings_do_not_run_away_from_the_clock() -> None:
    clock, _, now = settled()
    began = now - TAIL * FRAME
    for _ in range(200):
        clock.put(SOUND, now)
        now = clock.deadline()
        assert clock.take(now) is not None
        now = clock.deadline()
        taken = clock.take(now)
        assert taken is not None
        assert taken[0] / CLOCK_RATE <= now - began + AHEAD + FRAME
        now += 0.001


def test_a_loop_that_stood_still_makes_no_gap() -> None:
    clock, pts, now = settled()
    clock.put(SOUND * 3, now)
    assert [clock.take(now + 1.0) for _ in range(3)] == [(pts + n * TICKS, SOUND) for n in range(3)]


def test_silence_follows_a_reply_and_then_nothing() -> None:
    clock, pts, now = settled()
    clock.put(SOUND, now)
    frames = played(clock, now + 10.0)
    assert [pcm for _, _, pcm in frames] == [SOUND] + [SILENCE] * TAIL
    assert [at for _, at, _ in frames] == [pts + n * TICKS for n in range(TAIL + 1)]
    assert frames[1][0] == pytest.approx(now + FRAME + PATIENCE)
    assert clock.deadline() == inf


def test_the_last_piece_is_not_held_back() -> None:
    clock, _, now = settled()
    clock.put(SOUND + b"\5\0" * 7, now)
    frames = played(clock, now + FRAME + PIECE_PATIENCE + 0.001)
    assert [pcm for _, _, pcm in frames][:2] == [SOUND, b"\5\0" * 7 + bytes(SIZE - 14)]


def test_a_clear_drops_what_waits_and_silence_takes_its_place_in_time() -> None:
    clock, pts, now = settled()
    clock.put(SOUND * 9, now)
    assert clock.take(now) is not None
    clock.clear()
    assert clock.take(now + FRAME) == (pts + TICKS, SILENCE)


@given(
    st.lists(st.tuples(st.floats(0.0, 0.3), st.integers(0, 5 * SIZE // 2)), min_size=1, max_size=30)
)
def test_all_sound_leaves_in_order_under_rising_timestamps(
    pieces: list[tuple[float, int]],
) -> None:
    clock = TrackClock(RATE, 0.0)
    given_pcm = b""
    sent = b""
    last = -TICKS
    now = 0.0
    for wait, samples in [*pieces, (2.0, 0)]:
        for at, pts, pcm in played(clock, now + wait):
            assert pts >= last + TICKS
            assert at >= pts / CLOCK_RATE - AHEAD - 1e-5, "far ahead of its own timestamp"
            last = pts
            sent += pcm.replace(b"\0\0", b"")
        now += wait
        pcm = b"\7\7" * samples
        clock.put(pcm, now)
        given_pcm += pcm
    for _, _, pcm in played(clock, now + 60.0):
        sent += pcm.replace(b"\0\0", b"")
    assert sent == given_pcm
    assert clock.deadline() == inf
