"""The sound that is followed through a server, and the delays that are read from it."""

import numpy as np
import pytest

from benchmarks.delays import Onset, Pair, onsets, pair_onsets, summary
from benchmarks.marked_speech import (
    FRAME,
    MARK_FRAME,
    PROFILES,
    RATE,
    SECOND,
    decode,
    find_marks,
    marked_speech,
    prepare,
)

LOOK_AHEAD = 312  # samples, 6.5 ms: what libopus gives for OPUS_GET_LOOKAHEAD at 48 kHz
MILLISECOND = RATE // 1000


def test_the_tone_is_found_once_a_second_where_it_sets_in() -> None:
    marks = find_marks(marked_speech() / 32768)
    expected = (np.arange(4) * SECOND + MARK_FRAME) * FRAME
    assert np.abs(marks - expected).max() < MILLISECOND


@pytest.mark.parametrize("profile", PROFILES)
def test_the_codec_shifts_the_tone_by_its_look_ahead_alone(profile: str) -> None:
    packets = prepare(PROFILES[profile])
    sound, starts = decode(packets)
    expected = (np.arange(4) * SECOND + MARK_FRAME) * FRAME + LOOK_AHEAD
    assert np.abs(find_marks(sound) - expected).max() < MILLISECOND
    assert starts.tolist() == [FRAME * number for number in range(4 * SECOND)]


def test_speech_and_silence_have_no_onset() -> None:
    sound = marked_speech().reshape(-1, SECOND, FRAME)[:, :MARK_FRAME] / 32768
    assert find_marks(sound.ravel()).tolist() == []
    assert find_marks(np.zeros(RATE)).tolist() == []
    assert find_marks(np.zeros(0)).tolist() == []


def test_packets_sent_on_later_are_kept_for_just_that_time() -> None:
    packets = prepare(PROFILES["mono32"])
    times = [0.02 * number for number in range(len(packets))]
    sent = onsets(times, packets)
    pairs = pair_onsets(sent, onsets([time + 0.083 for time in times], packets))
    assert [pair.packet for pair in pairs] == pytest.approx([0.083] * 4)
    assert [pair.sound for pair in pairs] == pytest.approx([0.083] * 4)


def test_frames_put_before_the_sound_delay_it_by_their_length() -> None:
    packets = prepare(PROFILES["mono32"])
    times = [0.02 * number for number in range(len(packets) + 2)]
    pairs = pair_onsets(onsets(times, packets), onsets(times, packets[:2] + packets))
    assert [pair.packet for pair in pairs] == pytest.approx([0.04] * 4)


def test_an_onset_that_did_not_come_back_has_no_pair() -> None:
    sent = [Onset(float(second), second + 0.006) for second in range(4)]
    back = [Onset(0.08, 0.09), Onset(2.3, 2.31), Onset(3.97, 3.98)]
    assert [pair.at for pair in pair_onsets(sent, back)] == [0, 2]


def test_a_summary_tells_how_many_were_found() -> None:
    found = summary(4, [Pair(0, 0.080, 0.087), Pair(1, 0.082, 0.089), Pair(2, 0.1, 0.107)])
    assert found is not None
    assert (found.sent, found.found) == (4, 3)
    assert (found.packet_p50, found.sound_p50) == pytest.approx((82, 89))
    assert found.packet_worst == pytest.approx(100)
    assert summary(4, []) is None
