"""Turns, to the sample."""

from itertools import pairwise
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.speech_meter import FrameMeter, Speech, WindowMeter
from antiphon.core.turns import (
    MAX_TURN,
    AlgoOptions,
    BargeIn,
    EndOfTurn,
    Paused,
    SpeechStarted,
    TurnEvent,
    Turns,
)
from tests.core.loudness import FRAME, RATE, Loudness, loud, quiet


def turns_of(end_of_turn: EndOfTurn | None = None, **options: Any) -> Turns:
    made = AlgoOptions(**options)
    meter = FrameMeter(Loudness(), RATE, made.audio_chunk_duration, 2 * made.interrupt_after)
    return Turns(meter, made, RATE, end_of_turn)


def join(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def numbered(sound: Samples) -> Samples:
    """The same sound with its place in the lowest bits: equal stretches become different ones."""
    return (sound // 8 * 8 + np.arange(len(sound)) % 7).astype(np.int16)


def pauses(events: list[TurnEvent]) -> list[Paused]:
    return [event for event in events if isinstance(event, Paused)]


def kinds(events: list[TurnEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


ONE_TURN = join(quiet(1), loud(0.9), quiet(1))


def test_a_reply_that_ends_while_sound_is_measured_leaves_the_meter_alone() -> None:
    """Measuring may go on in a worker thread, where replies end on the event loop."""

    class Meter(FrameMeter):
        busy = False

        def add(self, frame: Samples) -> Speech:
            self.busy = True
            turns.reply_ended()
            self.busy = False
            return super().add(frame)

        def forget(self) -> None:
            assert not self.busy
            super().forget()

    turns = Turns(Meter(Loudness(), RATE, 0.6, 0.2), AlgoOptions(), RATE)
    turns.reply_began(protected=True)
    assert kinds(turns.receive(ONE_TURN)) == ["SpeechStarted", "Paused"]


def test_a_turn_starts_after_its_speech_and_pauses_0_58_s_after_its_end() -> None:
    events = turns_of().receive(ONE_TURN)
    assert kinds(events) == ["SpeechStarted", "Paused"]
    started, paused = events
    # 7 frames hold more than 0.2 s; 1 s ends in the middle of frame 33, which counts as speech.
    assert started.at == 33 * FRAME + 7 * FRAME
    # 20 frames are the first that last 0.58 s: all but 0.1 s of the window, and 0.08 s.
    assert paused.at == (33 + 30 + 20) * FRAME


def test_the_turn_begins_300_ms_before_the_first_speech_and_ends_at_the_pause() -> None:
    paused = pauses(turns_of().receive(ONE_TURN))[0]
    assert np.array_equal(paused.audio, ONE_TURN[33 * FRAME - int(0.3 * RATE) : paused.at])


def test_a_call_that_begins_with_speech_gives_all_there_is() -> None:
    sound = join(loud(0.9), quiet(1))
    paused = pauses(turns_of().receive(sound))[0]
    assert np.array_equal(paused.audio, sound[: paused.at])


@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.19])
def test_a_click_starts_no_turn(seconds: float) -> None:
    assert turns_of().receive(join(quiet(0.5), loud(seconds), quiet(2))) == []


def test_clicks_a_second_apart_start_no_turn() -> None:
    clicks = [join(loud(0.09), quiet(0.9)) for _ in range(30)]
    assert turns_of().receive(join(*clicks)) == []


def test_a_breath_between_words_is_no_pause() -> None:
    sound = join(quiet(0.5), loud(0.6), quiet(0.36), loud(0.6), quiet(1))
    assert kinds(turns_of().receive(sound)) == ["SpeechStarted", "Paused"]


@pytest.mark.parametrize("closure", [0.06, 0.09])
def test_a_word_lasts_until_its_last_sound_as_short_as_that_is(closure: float) -> None:
    stop = join(quiet(0.9), loud(0.3), quiet(closure), loud(0.03), quiet(1))
    paused = pauses(turns_of().receive(stop))[0]
    assert paused.at / RATE - (1.23 + closure) == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize("after", [0.12, 0.3, 0.45])
def test_a_click_after_the_end_puts_off_no_pause(after: float) -> None:
    clicked = join(quiet(0.9), loud(0.6), quiet(after), loud(0.06), quiet(1))
    plain = join(quiet(0.9), loud(0.6), quiet(1))
    assert pauses(turns_of().receive(clicked))[0].at == pauses(turns_of().receive(plain))[0].at


def test_a_word_after_the_end_goes_on_with_the_turn() -> None:
    sound = join(quiet(0.9), loud(0.6), quiet(0.45), loud(0.12), quiet(1))
    paused = pauses(turns_of().receive(sound))[0]
    assert paused.at / RATE - 2.07 == pytest.approx(0.6, abs=0.001)


def test_a_model_of_windows_pauses_whatever_the_threshold() -> None:
    class Loud:
        def vad(self, audio: tuple[int, Samples], options: Any) -> tuple[float, list[Any]]:
            return float(np.count_nonzero(np.abs(audio[1]) > 1000)) / RATE, []

    for threshold in (0.001, 0.1, 0.2):
        options = AlgoOptions(speech_threshold=threshold)
        turns = Turns(WindowMeter(Loud(), None, RATE, 0.6), options, RATE)
        paused = pauses(turns.receive(ONE_TURN))[0]
        expected = 0.65 - max(threshold, 0.05)
        assert paused.at / RATE - 1.9 == pytest.approx(expected, abs=0.11)


def test_clicks_enough_to_be_speech_put_off_the_pause_until_there_are_fewer() -> None:
    clicks = [join(quiet(0.12), loud(0.06)) for _ in range(4)]
    sound = join(quiet(0.9), loud(0.6), *clicks, quiet(1))
    end = (0.9 + 0.6 + 4 * 0.18) * RATE
    # Two of them are 0.12 s, until half of one has left the window.
    assert pauses(turns_of().receive(sound))[0].at - end == pytest.approx(0.39 * RATE, abs=FRAME)


def test_the_next_turn_has_its_own_sound() -> None:
    sound = numbered(join(ONE_TURN, ONE_TURN))
    first, second = pauses(turns_of().receive(sound))
    assert np.array_equal(first.audio, sound[first.at - len(first.audio) : first.at])
    assert np.array_equal(second.audio, sound[second.at - len(second.audio) : second.at])
    assert second.at - len(second.audio) > first.at


def test_a_turn_that_is_too_long_is_cut_and_no_sound_is_lost_or_told_twice() -> None:
    sound = numbered(join(quiet(0.5), loud(6), quiet(1)))
    found = pauses(turns_of(max_continuous_speech_s=1.8).receive(sound))
    assert [turn.cut for turn in found] == [True, True, True, False]
    joined = join(*(turn.audio for turn in found))
    start = found[0].at - len(found[0].audio)
    assert np.array_equal(joined, sound[start : found[-1].at])
    assert all(len(turn.audio) / RATE == pytest.approx(1.8, abs=0.03) for turn in found[:3])


def test_a_turn_without_an_end_is_cut_all_the_same() -> None:
    turns = turns_of()
    minute = loud(60)
    found = [paused for _ in range(11) for paused in pauses(turns.receive(minute))]
    assert [turn.cut for turn in found] == [True, True]
    assert len(found[0].audio) == pytest.approx(MAX_TURN * RATE, abs=FRAME)


def test_silence_is_not_kept() -> None:
    turns = turns_of()
    for _ in range(100):
        turns.receive(quiet(1))
    turns.receive(join(loud(0.3)))
    assert len(turns.take()) <= RATE


def test_speech_during_a_reply_interrupts_it_once_within_200_ms() -> None:
    turns = turns_of()
    turns.reply_began()
    events = turns.receive(join(quiet(0.5), loud(1.5), quiet(1)))
    assert kinds(events) == ["BargeIn", "SpeechStarted", "Paused"]
    assert 0.09 <= events[0].at / RATE - 0.5 <= 0.15


def test_a_click_during_a_reply_does_not_interrupt_it() -> None:
    turns = turns_of()
    turns.reply_began()
    assert turns.receive(join(quiet(0.5), loud(0.06), quiet(0.5))) == []


def test_without_a_reply_nothing_is_interrupted() -> None:
    turns = turns_of()
    turns.reply_began()
    turns.reply_ended()
    assert kinds(turns.receive(ONE_TURN)) == ["SpeechStarted", "Paused"]


def test_a_reply_that_begins_while_somebody_talks_is_interrupted_at_once() -> None:
    turns = turns_of()
    turns.receive(join(quiet(0.5), loud(1)))
    turns.reply_began()
    assert kinds(turns.receive(loud(0.05))) == ["BargeIn"]


def test_interrupt_on_pause_leaves_the_interruption_to_the_turn() -> None:
    turns = turns_of(interrupt_on="pause")
    turns.reply_began()
    assert kinds(turns.receive(ONE_TURN)) == ["SpeechStarted", "Paused"]


def test_what_is_said_into_a_protected_reply_is_not_heard() -> None:
    turns = turns_of()
    turns.reply_began(protected=True)
    assert turns.receive(join(quiet(0.5), loud(1))) == []
    turns.reply_ended()
    assert turns.receive(quiet(2)) == []
    assert kinds(turns.receive(ONE_TURN)) == ["SpeechStarted", "Paused"]


def test_who_goes_on_talking_after_a_protected_reply_is_heard_from_then_on() -> None:
    turns = turns_of()
    turns.reply_began(protected=True)
    turns.receive(loud(3))
    turns.reply_ended()
    paused = pauses(turns.receive(join(loud(0.9), quiet(1))))[0]
    assert len(paused.audio) / RATE == pytest.approx(0.3 + 0.9 + 0.57, abs=0.06)


def test_a_turn_is_taken_before_its_end_with_all_that_was_heard() -> None:
    turns = turns_of()
    sound = numbered(join(quiet(1), loud(0.5)))
    turns.receive(sound)
    taken = turns.take()
    heard = len(sound) // FRAME * FRAME
    assert np.array_equal(taken, sound[33 * FRAME - int(0.3 * RATE) : heard])
    assert not turns.talking
    assert turns.receive(quiet(2)) == []


def test_a_turn_taken_while_nobody_talks_is_empty() -> None:
    turns = turns_of()
    turns.receive(quiet(1))
    assert len(turns.take()) == 0
    assert kinds(turns.receive(ONE_TURN)) == ["SpeechStarted", "Paused"]


def test_the_sound_of_a_turn_is_its_receivers_own() -> None:
    turns = turns_of()
    paused = pauses(turns.receive(ONE_TURN))[0]
    before = paused.audio.copy()
    turns.receive(ONE_TURN)
    assert np.array_equal(paused.audio, before)
    paused.audio[:] = 0


class Predictor:
    """Says the next number of a list, and remembers what it was asked."""

    def __init__(self, *says: float) -> None:
        self.says = list(says)
        self.asked: list[tuple[int, int]] = []

    def __call__(self, samples: Samples, sample_rate: int) -> float:
        self.asked.append((len(samples), sample_rate))
        return self.says.pop(0)


def test_a_predictor_that_says_now_changes_nothing() -> None:
    predictor = Predictor(0)
    turns = turns_of(predictor)
    assert turns.blocking
    plain = pauses(turns_of().receive(ONE_TURN))[0]
    paused = pauses(turns.receive(ONE_TURN))[0]
    assert paused.at == plain.at
    assert predictor.asked == [(len(paused.audio), RATE)]


def test_a_predictor_may_wait_for_the_end_of_the_turn() -> None:
    paused = pauses(turns_of(Predictor(0.6)).receive(join(ONE_TURN, quiet(1))))[0]
    plain = pauses(turns_of().receive(ONE_TURN))[0]
    assert (paused.at - plain.at) / RATE == pytest.approx(0.6, abs=0.03)


def test_who_goes_on_within_the_wait_has_one_turn_and_the_predictor_is_asked_again() -> None:
    predictor = Predictor(2, 0)
    sound = join(quiet(0.5), loud(0.6), quiet(1.2), loud(0.6), quiet(1))
    assert kinds(turns_of(predictor).receive(sound)) == ["SpeechStarted", "Paused"]
    assert len(predictor.asked) == 2


@pytest.mark.parametrize("says", [-1.0, nan, inf])
def test_a_predictor_that_says_no_time_is_told(says: float) -> None:
    with pytest.raises(ValueError, match="0 or more seconds"):
        turns_of(Predictor(says)).receive(ONE_TURN)


SOUNDS = st.lists(
    st.tuples(st.sampled_from((loud, quiet)), st.floats(0.01, 1.2)), min_size=1, max_size=12
)


def described(event: TurnEvent) -> tuple[Any, ...]:
    audio = (event.audio.tobytes(), event.cut) if isinstance(event, Paused) else ()
    return (type(event), event.at, *audio)


@given(
    SOUNDS,
    st.lists(st.integers(1, 9000), min_size=1, max_size=20),
    st.sampled_from((inf, 0.7, 1.8)),
    st.booleans(),
)
def test_any_split_of_the_same_samples_gives_the_same_events(
    parts: list[tuple[Any, float]], splits: list[int], longest: float, replying: bool
) -> None:
    sound = numbered(join(*(make(seconds) for make, seconds in parts), quiet(0.1)))

    def heard(pieces: list[Samples]) -> list[tuple[Any, ...]]:
        turns = turns_of(max_continuous_speech_s=longest)
        if replying:
            turns.reply_began()
        return [described(event) for piece in pieces for event in turns.receive(piece)]

    pieces: list[Samples] = []
    at = 0
    while at < len(sound):
        size = splits[len(pieces) % len(splits)]
        pieces.append(sound[at : at + size])
        at += size
    whole = heard([sound])
    assert heard(pieces) == whole
    assert heard([sound[i : i + 160] for i in range(0, len(sound), 160)]) == whole


@given(SOUNDS)
def test_no_turn_overlaps_the_speech_of_another(parts: list[tuple[Any, float]]) -> None:
    sound = numbered(join(*(make(seconds) for make, seconds in parts), quiet(1)))
    found = pauses(turns_of().receive(sound))
    for turn in found:
        assert np.array_equal(turn.audio, sound[turn.at - len(turn.audio) : turn.at])
    for before, after in pairwise(found):
        assert after.at - len(after.audio) >= before.at - int(0.3 * RATE)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"audio_chunk_duration": 0}, "audio_chunk_duration is more than 0"),
        ({"audio_chunk_duration": 11}, "at most 10"),
        ({"audio_chunk_duration": 0.2}, "more than started_talking_threshold"),
        ({"started_talking_threshold": nan}, "started_talking_threshold is 0 or more"),
        ({"speech_threshold": 0.3}, "not above started_talking_threshold"),
        ({"speech_threshold": -0.1}, "speech_threshold is 0 or more"),
        ({"max_continuous_speech_s": 0}, "max_continuous_speech_s is more than 0"),
        ({"pre_roll": 11}, "pre_roll is at most 10"),
        ({"interrupt_after": 0}, "interrupt_after is more than 0"),
        ({"interrupt_on": "never"}, "'speech' or 'pause'"),
    ],
)
def test_options_that_no_turn_could_follow_from_are_refused(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        AlgoOptions(**options)


def test_the_defaults_are_those_that_users_know() -> None:
    options = AlgoOptions(0.6, 0.2, 0.1, inf)
    assert options == AlgoOptions()


def test_events_tell_when() -> None:
    assert SpeechStarted(3) == SpeechStarted(3)
    assert BargeIn(3) != BargeIn(4)
