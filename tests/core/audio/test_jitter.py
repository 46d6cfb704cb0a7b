"""The receive jitter buffer, rule by rule."""

from math import inf, isclose

import pytest

from antiphon.core.audio.jitter import (
    LEAST_WAIT,
    MAX_CONCEALMENT,
    MAX_HELD,
    MAX_SILENCE,
    MOST_WAIT,
    JitterBuffer,
    Lost,
    Packet,
)

FRAME = 960  # 20 ms at 48 kHz
STEP = 0.02
SEQUENCE = 65533  # both counters wrap within every test
TIMESTAMP = 2**32 - 1500
SILENT = b"\xf8\xff"


def voice(number: int) -> bytes:
    return number.to_bytes(4, "big")


def push(
    buffer: JitterBuffer,
    number: int,
    now: float,
    *,
    timestamp: int | None = None,
    payload: bytes | None = None,
) -> list[Packet | Lost]:
    """Push a packet by its number, at 20 ms a packet unless a timestamp is given."""
    units = number * FRAME if timestamp is None else timestamp
    return buffer.push(
        (SEQUENCE + number) % 2**16,
        (TIMESTAMP + units) % 2**32,
        voice(number) if payload is None else payload,
        now,
    )


def packet(number: int, timestamp: int | None = None) -> Packet:
    return Packet(voice(number), number * FRAME if timestamp is None else timestamp)


def lost(number: int, recovery: bytes | None = None) -> Lost:
    return Lost(FRAME, recovery, number * FRAME)


def running(count: int = 5) -> JitterBuffer:
    """A buffer that has seen `count` packets on time, so that it knows their length."""
    buffer = JitterBuffer()
    for number in range(count):
        assert push(buffer, number, number * STEP) == [packet(number)]
    return buffer


def settle(buffer: JitterBuffer) -> list[Packet | Lost]:
    """Let time pass until nothing waits any more."""
    out: list[Packet | Lost] = []
    while (now := buffer.deadline()) < inf:
        out += buffer.advance(now)
        assert buffer.deadline() > now
    return out


def test_in_order_leaves_at_once_and_across_both_wraps() -> None:
    buffer = running(200)
    assert buffer.deadline() == inf
    assert (buffer.received, buffer.lost, buffer.late, buffer.duplicates) == (200, 0, 0, 0)


def test_the_first_timestamp_is_zero() -> None:
    assert JitterBuffer().push(7, 123_456, b"abc", 3.0) == [Packet(b"abc", 0)]


def test_a_swapped_pair_leaves_in_order_when_the_first_comes() -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    assert buffer.deadline() == 0.12 + LEAST_WAIT
    assert push(buffer, 5, 0.125) == [packet(5), packet(6)]
    assert buffer.deadline() == inf
    assert (buffer.reordered, buffer.lost, buffer.late) == (1, 0, 0)


def test_a_packet_that_comes_before_its_place_is_given_up_is_used_though_the_wait_is_over() -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    assert push(buffer, 5, 0.5) == [packet(5), packet(6)]


def test_a_hole_is_given_up_when_the_wait_is_over() -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    assert buffer.advance(0.139) == []
    assert buffer.advance(buffer.deadline()) == [lost(5, voice(6)), packet(6)]
    assert buffer.deadline() == inf
    assert push(buffer, 7, 0.141) == [packet(7)]
    assert (buffer.lost, buffer.concealed_samples) == (1, FRAME)


def test_a_push_after_the_wait_gives_the_hole_up_without_an_advance() -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    assert push(buffer, 7, 0.141) == [lost(5, voice(6)), packet(6), packet(7)]


def test_three_later_packets_that_span_more_than_the_wait_make_a_loss() -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    assert push(buffer, 7, 0.12) == []
    assert push(buffer, 8, 0.12) == [lost(5, voice(6)), packet(6), packet(7), packet(8)]
    assert push(buffer, 9, 0.12) == [packet(9)]


def test_three_later_packets_that_span_less_than_the_wait_wait_on() -> None:
    buffer = JitterBuffer()
    short = FRAME // 8
    for number in (0, 1, 2):
        push(buffer, number, number * 0.0025, timestamp=number * short)
    for number in (4, 5, 6, 7):
        assert push(buffer, number, 0.01, timestamp=number * short) == []
    out = push(buffer, 3, 0.011, timestamp=3 * short)
    assert out == [packet(number, number * short) for number in (3, 4, 5, 6, 7)]


def test_two_later_packets_are_not_enough_however_long_they_are() -> None:
    buffer = JitterBuffer()
    long = 3 * FRAME
    for number in (0, 1, 2):
        push(buffer, number, number * 0.06, timestamp=number * long)
    assert push(buffer, 4, 0.2, timestamp=4 * long) == []
    assert push(buffer, 5, 0.2, timestamp=5 * long) == []
    assert len(push(buffer, 6, 0.2, timestamp=6 * long)) == 4


def test_each_of_a_burst_is_told_and_only_the_last_has_the_recovery() -> None:
    buffer = running()
    push(buffer, 8, 0.16)
    assert settle(buffer) == [lost(5), lost(6), lost(7, voice(8)), packet(8)]
    assert buffer.lost == 3


def test_a_second_hole_in_the_backlog_has_a_wait_of_its_own() -> None:
    buffer = running()
    push(buffer, 6, 0.12)
    push(buffer, 8, 0.13)
    assert buffer.advance(0.12 + LEAST_WAIT) == [lost(5, voice(6)), packet(6)]
    assert buffer.deadline() == 0.13 + LEAST_WAIT
    assert push(buffer, 7, 0.145) == [packet(7), packet(8)]


def test_two_holes_whose_wait_is_over_leave_together() -> None:
    buffer = running()
    push(buffer, 6, 0.12)
    push(buffer, 8, 0.12)
    expected = [lost(5, voice(6)), packet(6), lost(7, voice(8)), packet(8)]
    assert buffer.advance(buffer.deadline()) == expected


def test_a_late_packet_is_dropped_and_its_copy_is_a_duplicate() -> None:
    buffer = running()
    push(buffer, 6, 0.12)
    settle(buffer)
    assert push(buffer, 5, 0.15) == []
    assert push(buffer, 5, 0.15) == []
    assert (buffer.late, buffer.duplicates, buffer.lost) == (1, 1, 1)
    assert push(buffer, 7, 0.15) == [packet(7)]


def test_a_packet_from_before_the_first_is_late() -> None:
    buffer = JitterBuffer()
    push(buffer, 1, 0.0)
    assert push(buffer, 0, 0.001) == []
    assert (buffer.late, buffer.duplicates) == (1, 0)


def test_duplicates_of_what_left_and_of_what_waits_are_dropped() -> None:
    buffer = running()
    assert push(buffer, 4, 0.1) == []
    assert push(buffer, 6, 0.12) == []
    assert push(buffer, 6, 0.121) == []
    assert buffer.duplicates == 2
    assert push(buffer, 5, 0.125) == [packet(5), packet(6)]


def test_the_wait_grows_to_how_late_packets_were_and_shrinks_again() -> None:
    buffer = running()
    push(buffer, 6, 0.12)
    settle(buffer)
    push(buffer, 5, 0.12 + 0.05)
    assert push(buffer, 8, 0.18) == []
    assert 0.05 < buffer.deadline() - 0.18 < MOST_WAIT
    assert push(buffer, 7, 0.225) == [packet(7), packet(8)]
    for number in range(9, 9 + 3000):
        push(buffer, number, number * STEP)
    now = 3010 * STEP
    assert push(buffer, 3010, now) == []
    assert isclose(buffer.deadline() - now, LEAST_WAIT)


def test_the_wait_learns_from_a_reordered_burst_in_which_no_time_passes() -> None:
    buffer = running()
    for number in (6, 7, 8):
        push(buffer, number, 0.12)
    push(buffer, 5, 0.12)
    assert buffer.late == 1
    for number in (10, 11, 12):
        assert push(buffer, number, 0.2) == []
    assert push(buffer, 9, 0.2)[0] == packet(9)


def test_bursts_that_are_still_reordered_in_time_keep_the_wait_up() -> None:
    buffer = running()
    first, lost_so_far = 5, 1
    for _ in range(60):
        for number in (first + 1, first + 2, first + 3, first):
            push(buffer, number, first * STEP)
        assert buffer.lost == lost_so_far
        for number in range(first + 4, first + 20):
            push(buffer, number, number * STEP)
        first += 20


def test_what_no_wait_could_have_saved_does_not_prolong_it() -> None:
    buffer = running()
    push(buffer, 6, 0.12)
    settle(buffer)
    push(buffer, 5, 0.12 + MOST_WAIT + 0.005)
    push(buffer, 8, 0.19)
    assert buffer.deadline() - 0.19 < LEAST_WAIT + 0.005


def test_the_wait_follows_the_jitter_and_ends_at_the_most() -> None:
    buffer = JitterBuffer()
    for number in range(100):
        push(buffer, number, number * STEP + (0.08 if number % 2 else 0.0))
    assert buffer.jitter > MOST_WAIT
    push(buffer, 101, 2.1)
    assert buffer.deadline() == 2.1 + MOST_WAIT


def test_jitter_is_that_of_rfc_3550() -> None:
    arrivals = [0.0, 0.023, 0.039, 0.07, 0.08, 0.1]
    expected = 0.0
    buffer = JitterBuffer()
    for number, arrival in enumerate(arrivals):
        push(buffer, number, arrival)
        if number:
            difference = arrival - arrivals[number - 1] - STEP
            expected += (abs(difference) - expected) / 16
    assert isclose(buffer.jitter, expected)


@pytest.mark.parametrize("frame", [120, 240, 480, 960, 1920, 2880, 5760])
def test_the_length_of_a_packet_is_learnt_from_the_steps(frame: int) -> None:
    buffer = JitterBuffer()
    for number in (0, 1):
        push(buffer, number, 0.0, timestamp=number * frame)
    push(buffer, 3, 0.1, timestamp=3 * frame)
    assert settle(buffer)[0] == Lost(frame, voice(3), 2 * frame)


def test_a_hole_right_after_the_first_packet_tells_the_length() -> None:
    buffer = JitterBuffer()
    push(buffer, 0, 0.0)
    push(buffer, 3, 0.06)
    assert settle(buffer) == [lost(1), lost(2, voice(3)), packet(3)]


def test_a_sender_that_changes_its_packet_length_is_followed() -> None:
    buffer = running(3)
    end = 3 * FRAME
    for number in (3, 4, 5):
        push(buffer, number, 0.1, timestamp=end + (number - 3) * 480)
    push(buffer, 7, 0.2, timestamp=end + 4 * 480)
    assert settle(buffer)[0] == Lost(480, voice(7), end + 3 * 480)
    for number in (8, 9, 10):
        push(buffer, number, 0.3, timestamp=end + 4 * 480 + (number - 7) * 1920)
    push(buffer, 12, 0.4, timestamp=end + 4 * 480 + 5 * 1920)
    assert settle(buffer)[0] == Lost(1920, voice(12), end + 4 * 480 + 4 * 1920)


def test_a_hole_that_is_no_whole_number_of_frames_begins_with_the_rest() -> None:
    buffer = running()
    push(buffer, 7, 0.2, timestamp=7 * FRAME + 100)
    assert settle(buffer) == [
        Lost(100, None, 5 * FRAME),
        Lost(FRAME, None, 5 * FRAME + 100),
        Lost(FRAME, voice(7), 6 * FRAME + 100),
        packet(7, 7 * FRAME + 100),
    ]


def test_a_long_hole_is_made_up_to_the_cap_and_the_timestamp_jumps_before_the_last() -> None:
    buffer = running()
    push(buffer, 55, 1.1)
    out = settle(buffer)
    items = [item for item in out if isinstance(item, Lost)]
    assert sum(item.samples for item in items) == round(MAX_CONCEALMENT * 48000)
    assert [item.timestamp // FRAME for item in items] == [5, 6, 7, 8, 9, 54]
    assert items[-1].recovery == voice(55)
    assert out[-1] == packet(55)
    assert buffer.lost == 50


def test_a_pause_of_the_sender_is_a_jump_of_the_timestamp_and_no_loss() -> None:
    buffer = running()
    assert push(buffer, 5, 2.0, timestamp=2 * 48000) == [packet(5, 2 * 48000)]
    assert push(buffer, 6, 2.02, timestamp=2 * 48000 + FRAME) == [packet(6, 2 * 48000 + FRAME)]
    assert (buffer.lost, buffer.concealed_samples, buffer.deadline()) == (0, 0, inf)


def test_one_short_pause_does_not_change_the_length() -> None:
    buffer = running()
    for number, timestamp in ((5, 6), (6, 7), (7, 9)):
        push(buffer, number, 0.1, timestamp=timestamp * FRAME)
    push(buffer, 9, 0.2, timestamp=11 * FRAME)
    assert settle(buffer)[0] == Lost(FRAME, voice(9), 10 * FRAME)


@pytest.mark.parametrize(
    ("ahead", "timestamp"),
    [
        (501, 400 * FRAME),
        (-101, 6 * FRAME),
        (30_000, 6 * FRAME),
        (0, 11 * 48000),
        (0, 4 * FRAME - 1),
        (2, 2 * FRAME),
        (-3, -11 * 48000),
    ],
)
def test_a_sender_that_begins_anew_is_followed_at_once(ahead: int, timestamp: int) -> None:
    buffer = running()
    assert push(buffer, 6, 0.12) == []
    number = 5 + ahead
    out = push(buffer, number % 2**16, 0.121, timestamp=timestamp, payload=b"anew")
    assert out == [lost(5, voice(6)), packet(6), Packet(b"anew", 7 * FRAME)]
    following = push(buffer, (number + 1) % 2**16, 0.14, timestamp=timestamp + FRAME)
    assert [item.timestamp for item in following] == [8 * FRAME]
    assert buffer.deadline() == inf


def test_holes_of_before_a_new_beginning_are_forgotten() -> None:
    buffer = JitterBuffer()
    for sequence in (100, 101, 103):
        buffer.push(sequence, sequence * FRAME, b"old", 0.0)
    settle(buffer)
    assert buffer.lost == 1
    for sequence in (101, 102, 102):
        buffer.push(sequence, 20 * 48000 + sequence * FRAME, b"new", 1.0)
    assert (buffer.duplicates, buffer.late) == (1, 0)


@pytest.mark.parametrize(("ahead", "timestamp"), [(500, 490 * FRAME), (0, 470_000)])
def test_less_is_no_new_beginning(ahead: int, timestamp: int) -> None:
    buffer = running()
    push(buffer, 5 + ahead, 0.2, timestamp=timestamp)
    settle(buffer)
    assert buffer.lost == ahead
    assert push(buffer, 6 + ahead, 0.3, timestamp=timestamp + FRAME)[0].timestamp > 460_000


def test_no_more_than_the_bound_is_held() -> None:
    buffer = JitterBuffer()
    push(buffer, 0, 0.0, timestamp=0)
    push(buffer, 1, 0.0, timestamp=120)
    given = 2
    for number in range(3, 500):
        given += sum(isinstance(item, Packet) for item in push(buffer, number, 0.0, timestamp=240))
        assert buffer.received - given < MAX_HELD
    assert buffer.lost == 1


def test_silence_not_sent_passes_by_time_and_the_next_packet_takes_its_place() -> None:
    buffer = running()
    assert push(buffer, 5, 0.1, payload=SILENT) == [Packet(SILENT, 5 * FRAME)]
    times: list[float] = []
    out: list[Packet | Lost] = []
    while (now := buffer.deadline()) < 0.31:
        times.append(now)
        out += buffer.advance(now)
    assert out == [lost(number) for number in range(6, 6 + len(out))]
    assert all(
        isclose(time, 0.1 + (1 + index) * STEP + LEAST_WAIT, abs_tol=0.001)
        for index, time in enumerate(times)
    )
    out += push(buffer, 6, 0.31, timestamp=16 * FRAME)
    assert out == [lost(number) for number in range(6, 16)] + [packet(6, 16 * FRAME)]
    assert buffer.deadline() == inf
    assert (buffer.lost, buffer.concealed_samples) == (0, 0)


def test_silence_is_the_same_when_nobody_advanced() -> None:
    buffer = running()
    push(buffer, 5, 0.1, payload=SILENT)
    out = push(buffer, 6, 0.5, timestamp=25 * FRAME)
    assert out == [lost(number) for number in range(6, 25)] + [packet(6, 25 * FRAME)]


def test_silence_that_time_did_not_tell_is_made_up_to_the_cap() -> None:
    buffer = running()
    push(buffer, 5, 0.1, payload=SILENT)
    out = push(buffer, 6, 0.12, timestamp=25 * FRAME)
    assert out == [lost(number) for number in range(6, 12)] + [packet(6, 25 * FRAME)]


def test_a_peer_that_vanished_in_silence_costs_no_timer_for_ever() -> None:
    buffer = running()
    push(buffer, 5, 0.1, payload=SILENT)
    out = settle(buffer)
    assert sum(item.samples for item in out if isinstance(item, Lost)) == (
        round(MAX_SILENCE * 48000) - FRAME
    )
    assert push(buffer, 6, 9.0, timestamp=400_000) == [packet(6, 400_000)]


def test_silence_made_up_too_far_is_taken_off_the_next() -> None:
    buffer = running()
    push(buffer, 5, 0.1, payload=SILENT)
    made_up = len(buffer.advance(0.1 + 10 * STEP + LEAST_WAIT + 0.001))
    assert made_up == 10
    assert push(buffer, 6, 0.35) == [packet(6, 15 * FRAME)]
    assert push(buffer, 7, 0.4, payload=SILENT) == [Packet(SILENT, 15 * FRAME)]
    assert buffer.deadline() > 0.4 + (1 + made_up) * STEP
    frames_so_far = 8 + made_up
    assert push(buffer, 8, 0.7, timestamp=22 * FRAME) == [
        *(lost(number) for number in range(frames_so_far, 22)),
        packet(8, 22 * FRAME),
    ]


def test_silence_from_the_first_packet_on_takes_the_usual_length() -> None:
    buffer = JitterBuffer()
    push(buffer, 0, 0.0, payload=SILENT)
    assert buffer.advance(buffer.deadline()) == [lost(1)]


def test_a_hole_within_silence_is_made_up_with_it() -> None:
    buffer = running()
    push(buffer, 5, 0.1, payload=SILENT)
    out: list[Packet | Lost] = []
    while (now := buffer.deadline()) < 0.3:
        out += buffer.advance(now)
    out += push(buffer, 7, 0.3, timestamp=15 * FRAME)
    out += settle(buffer)
    samples = [item.samples for item in out if isinstance(item, Lost)]
    assert sum(samples) == 9 * FRAME
    assert out[-1] == packet(7, 15 * FRAME)
    assert buffer.lost == 1


def test_eight_thousand_units_a_second_work_alike() -> None:
    buffer = JitterBuffer(8000)
    for number in (0, 1, 2):
        buffer.push(number, number * 160, bytes(160), number * STEP)
    assert buffer.push(4, 640, bytes(160), 0.08) == []
    assert buffer.deadline() == 0.08 + LEAST_WAIT
    expected = [Lost(160, bytes(160), 480), Packet(bytes(160), 640)]
    assert buffer.advance(0.1) == expected


def test_limits_can_be_set() -> None:
    buffer = JitterBuffer(least_wait=0.0, most_wait=0.0, max_concealment=0.0, max_silence=0.0)
    push(buffer, 0, 0.0)
    assert push(buffer, 2, 0.02) == [packet(2)]
    assert push(buffer, 3, 0.04, payload=SILENT) == [Packet(SILENT, 3 * FRAME)]
    assert buffer.deadline() == inf
    single = JitterBuffer(max_held=1)
    push(single, 0, 0.0)
    assert push(single, 2, 0.0) == [lost(1, voice(2)), packet(2)]


def test_limits_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="clock_rate is 0"):
        JitterBuffer(0)
    with pytest.raises(ValueError, match="max_held 0"):
        JitterBuffer(max_held=0)
    with pytest.raises(ValueError, match=r"0\.1 to 0\.05"):
        JitterBuffer(least_wait=0.1, most_wait=0.05)
    with pytest.raises(ValueError, match="negative"):
        JitterBuffer(max_silence=-1.0)
