"""How the delays of turns and interruptions are reckoned."""

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from benchmarks import barge_in, turn_taking
from benchmarks.talkers import Heard
from benchmarks.utterances import RATE, Utterance

SPEECH: Samples = np.random.default_rng(1).normal(0, 3000, RATE).astype(np.int16)
UTTERANCE = Utterance("noise", SPEECH, 240)
CASE = turn_taking.Case(server="ours", transport="websocket", utterance="noise", noise=0.0)
CUT = barge_in.Case(server="ours", transport="websocket", reply="whole", utterance="noise")


def heard(
    pauses: tuple[float, ...] = (),
    clears: tuple[float, ...] = (),
    sound: tuple[tuple[float, float], ...] = (),
    head: bytes = b"",
) -> Heard:
    return Heard(pauses=[*pauses], clears=[*clears], sound=[*sound], head=head)


def test_phases_fill_the_window_without_its_end() -> None:
    assert turn_taking.phases(3) == pytest.approx([0.0, 0.2, 0.4])


def test_all_timelines_of_an_utterance_have_one_length() -> None:
    lengths = {len(turn_taking.timeline(UTTERANCE, p, 0.0, 1.0)[0]) for p in (0.0, 0.15, 0.575)}
    assert lengths == {round((0.5 + 1.0 + 0.6 + 1.0) * RATE)}
    sound, begins = turn_taking.timeline(UTTERANCE, 0.1, 0.0, 1.0)
    assert begins == round(0.6 * RATE)
    assert np.array_equal(sound[begins:][: len(SPEECH)], SPEECH)


def test_a_pause_counts_from_the_end_of_speech_and_the_last_one_counts() -> None:
    sound, begins = turn_taking.timeline(UTTERANCE, 0.1, 0.0, 1.0)
    end = (begins + len(SPEECH)) / RATE
    row = turn_taking.row_of(CASE, 0.1, UTTERANCE, sound, heard((end - 0.2, end + 0.65)))
    assert row.pause == pytest.approx(0.65)
    assert (row.turns, row.pre_roll) == (2, None)
    assert turn_taking.met(row)


def test_no_pause_is_not_in_time() -> None:
    sound, _ = turn_taking.timeline(UTTERANCE, 0.1, 0.0, 1.0)
    assert not turn_taking.met(turn_taking.row_of(CASE, 0.1, UTTERANCE, sound, heard()))


@pytest.mark.parametrize("noise", [0.0, 8.0])
def test_the_pre_roll_is_found_in_what_was_sent(noise: float) -> None:
    sound, begins = turn_taking.timeline(UTTERANCE, 0.1, noise, 1.0)
    first = begins - round(0.25 * RATE)
    head = sound[first : first + RATE // 2].astype("<i2").tobytes()
    row = turn_taking.row_of(CASE, 0.1, UTTERANCE, sound, heard((2.5,), head=head))
    assert row.pre_roll == pytest.approx(0.25 + 240 / RATE)
    assert turn_taking.enough(row)


def test_another_sound_is_not_found() -> None:
    other = np.random.default_rng(2).normal(0, 3000, RATE // 2).astype(np.int16)
    assert turn_taking.found_at(other, SPEECH) is None
    assert turn_taking.found_at(other[:100], SPEECH) is None
    assert turn_taking.found_at(np.zeros(RATE // 2, np.int16), SPEECH) is None


def test_a_frame_can_be_sent_when_its_last_sample_is_captured() -> None:
    assert barge_in.sendable(0) == pytest.approx(0.02)
    assert barge_in.sendable(479) == pytest.approx(0.02)
    assert barge_in.sendable(480) == pytest.approx(0.04)


def test_the_last_sound_of_the_interrupted_reply_counts_and_not_the_next_reply() -> None:
    told = heard((1.0, 4.0), (3.15,), ((1.1, 0.02), (3.12, 0.02), (4.1, 0.02)))
    row = barge_in.row_of(CUT, 0.0, told, 3.0)
    assert row.sound == pytest.approx(0.12)
    assert row.clear == pytest.approx(0.15)
    assert barge_in.met(row)


def test_an_interruption_of_nothing_is_not_met() -> None:
    for told in (heard(), heard((1.0,)), heard((1.0,), (), ((3.2, 0.02),))):
        row = barge_in.row_of(CUT, 0.0, told, 3.0)
        assert row.sound is None
        assert not barge_in.met(row)


def test_a_client_plays_what_it_has_unless_it_is_told_to_clear() -> None:
    sound = ((1.0, 10.0),)
    assert barge_in.silent_at(sound, None) == pytest.approx(11.0)
    assert barge_in.silent_at(sound, 3.1) == pytest.approx(3.1)
    assert barge_in.silent_at(((1.0, 0.5), (1.1, 0.5), (2.5, 0.1)), None) == pytest.approx(2.6)


def test_over_webrtc_nothing_is_cleared_in_the_client() -> None:
    case = barge_in.Case(server="ours", transport="webrtc", reply="whole", utterance="noise")
    told = heard((1.0,), (3.1,), ((2.0, 0.02), (3.25, 0.02), (3.25, 0.02), (3.3, 0.02)))
    row = barge_in.row_of(case, 0.0, told, 3.0)
    assert row.silent == pytest.approx(0.32)
    assert not barge_in.met(row)
