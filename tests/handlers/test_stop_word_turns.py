"""Turns behind stop words, to the sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.models import SpeechToText
from antiphon.core.speech_meter import FrameMeter
from antiphon.core.stop_words import stop_words_of
from antiphon.core.turns import AlgoOptions, BargeIn, Paused, SpeechStarted, Turns
from antiphon.handlers.conversation import TurnEvent
from antiphon.handlers.spotter import Spotter
from antiphon.handlers.stop_word_events import Recognised, StopWordExpired, StopWordHeard
from antiphon.handlers.stop_word_turns import StopWordTurns
from tests.core.loudness import Loudness
from tests.handlers.spoken import RATE, WORD, Clerk, say_words

WORDS = ("hey computer", "stop")
CALL = "hey computer"
QUESTION = "what time is it"


Heard = SpeechStarted | BargeIn | Paused | StopWordHeard | StopWordExpired


def parts_of(
    clerk: SpeechToText,
    stop_words: Sequence[str] = WORDS,
    patience: float = 5.0,
    algo_options: AlgoOptions | None = None,
) -> tuple[StopWordTurns, Spotter]:
    options = algo_options or AlgoOptions()

    def inner() -> Turns:
        return Turns(FrameMeter(Loudness(), RATE, 0.6, 0.2), options, RATE)

    spotter = Spotter(
        FrameMeter(Loudness(), RATE, 0.01, 0.01), clerk, stop_words_of(stop_words), RATE
    )
    interrupts = options.interrupt_on == "speech"
    turns = StopWordTurns(spotter, inner, RATE, patience=patience, interrupts=interrupts)
    return turns, spotter


def turns_of(
    clerk: SpeechToText, stop_words: Sequence[str] = WORDS, **options: Any
) -> StopWordTurns:
    return parts_of(clerk, stop_words, **options)[0]


def hear(turns: StopWordTurns, sound: Samples, piece: int = RATE // 50) -> list[Heard]:
    """What is told, but for the questions to the recogniser."""
    pieces = (sound[at : at + piece] for at in range(0, len(sound), piece))
    events = [event for part in pieces for event in turns.receive(part)]
    return [event for event in events if not isinstance(event, Recognised)]


def kinds(events: Sequence[TurnEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def turn_in(events: Sequence[TurnEvent]) -> Paused:
    (turn,) = (event for event in events if isinstance(event, Paused))
    return turn


def start_of(turn: Paused) -> float:
    """Seconds."""
    return (turn.at - len(turn.audio)) / RATE


TURN = ["StopWordHeard", "SpeechStarted", "Paused"]


def test_without_a_stop_word_there_is_no_turn() -> None:
    sound = say_words("0.5 what time is it 1 computer hey 1 hey what computer 1")
    assert hear(turns_of(Clerk()), sound) == []


def test_a_question_in_the_same_breath_is_a_turn() -> None:
    sound = say_words(f"0.5 {CALL} {QUESTION} 1")
    events = hear(turns_of(Clerk()), sound)
    assert kinds(events) == TURN
    turn = turn_in(events)
    assert np.array_equal(turn.audio, sound[turn.at - len(turn.audio) : turn.at])
    assert 0.5 + 2 * WORD - 0.5 <= start_of(turn) <= 0.5 + 2 * WORD


def test_with_the_times_of_words_it_begins_exactly_behind_the_stop_word() -> None:
    sound = say_words(f"0.5 {CALL} {QUESTION} 1")
    events = hear(turns_of(Clerk(timed=True)), sound)
    assert kinds(events) == TURN
    assert turn_in(events).audio[0] == sound[int(0.5 * RATE) + 2 * int(WORD * RATE)]
    assert start_of(turn_in(events)) == pytest.approx(0.5 + 2 * WORD, abs=1 / RATE)


@pytest.mark.parametrize("timed", [False, True])
def test_one_word_behind_the_stop_word_is_a_turn(timed: bool) -> None:
    events = hear(turns_of(Clerk(timed)), say_words("0.5 hey computer stop 1"))
    assert kinds(events) == TURN
    assert start_of(turn_in(events)) <= 0.5 + 2 * WORD + 1 / RATE


@pytest.mark.parametrize("pause", [0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 3, 4.5])
@pytest.mark.parametrize("timed", [False, True])
def test_a_question_after_a_pause_is_the_turn(pause: float, timed: bool) -> None:
    """The pause behind the stop word is no turn."""
    sound = say_words(f"0.5 {CALL} {pause} {QUESTION} 1")
    events = hear(turns_of(Clerk(timed)), sound)
    assert kinds(events) == TURN
    question = 0.5 + 2 * WORD + pause
    assert question - 0.65 <= start_of(turn_in(events)) <= question - 0.25


def test_a_stop_word_alone_expires() -> None:
    events = hear(turns_of(Clerk(), patience=2), say_words(f"0.5 {CALL} 4 {QUESTION} 1"))
    assert kinds(events) == ["StopWordHeard", "StopWordExpired"]
    assert events[1].at / RATE == pytest.approx(0.5 + 2 * WORD + 2, abs=0.1)


def test_after_a_turn_the_stop_word_is_needed_again() -> None:
    breath = f"{CALL} {QUESTION} 1"
    sound = say_words(f"0.5 {breath} {QUESTION} 1 {breath}")
    assert kinds(hear(turns_of(Clerk()), sound)) == TURN * 2


def test_it_is_told_which_stop_word_was_said_and_when() -> None:
    first, second = (
        event
        for event in hear(turns_of(Clerk(), patience=1), say_words("0.5 stop 2 hey computer 2"))
        if isinstance(event, StopWordHeard)
    )
    assert (first.word, second.word) == ("stop", "hey computer")
    assert 0.5 + 0.7 * WORD <= first.at / RATE <= 0.5 + WORD + 0.35


def test_a_stop_word_with_a_pause_in_it_is_found() -> None:
    assert kinds(hear(turns_of(Clerk()), say_words("0.5 hey 0.6 computer what 1"))) == TURN


def test_a_stop_word_behind_other_words_is_found() -> None:
    sound = say_words(f"0.5 {'bla ' * 9} {CALL} {QUESTION} 1")
    events = hear(turns_of(Clerk(timed=True)), sound)
    assert kinds(events) == TURN
    assert start_of(turn_in(events)) == pytest.approx(0.5 + 11 * WORD, abs=1 / RATE)


def test_a_long_stop_word_is_found() -> None:
    long = "hey computer what time is it hey what"
    assert kinds(hear(turns_of(Clerk(), [long]), say_words(f"bla {long} stop 1"))) == TURN


SCRIPTS = st.lists(
    st.sampled_from(["hey", "computer", "hey computer", "what", "stop", "0.1", "0.35", "0.7", "2"]),
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(
    script=SCRIPTS,
    pieces=st.lists(st.integers(1, int(0.4 * RATE)), min_size=1, max_size=6),
    timed=st.booleans(),
)
def test_any_split_gives_the_same_turns(script: list[str], pieces: list[int], timed: bool) -> None:
    sound = say_words(" ".join([*script, "1"]))
    whole, split = turns_of(Clerk(timed), patience=1), turns_of(Clerk(timed), patience=1)
    expected = hear(whole, sound)
    events: list[Heard] = []
    at = turn = 0
    while at < len(sound):
        size = pieces[turn % len(pieces)]
        events += hear(split, sound[at : at + size], size)
        at, turn = at + size, turn + 1
    assert list(map(told, events)) == list(map(told, expected))


def told(event: TurnEvent) -> object:
    return (event.at, event.cut, event.audio.tobytes()) if isinstance(event, Paused) else event


@settings(deadline=None, max_examples=60)
@given(script=SCRIPTS, piece=st.integers(int(0.5 * RATE), 10 * RATE), timed=st.booleans())
def test_behind_the_sound_no_turn_is_missed(script: list[str], piece: int, timed: bool) -> None:
    """A recogniser that takes its time gets long pieces."""
    sound = say_words(" ".join(["1", *script, "1.5", CALL, QUESTION, "1"]))
    events = hear(turns_of(Clerk(timed), patience=1), sound, piece)
    turn = [event for event in events if isinstance(event, Paused)][-1]
    assert np.array_equal(turn.audio, sound[turn.at - len(turn.audio) : turn.at])
    asked_about = int(4 * WORD * RATE)
    question = len(sound) - RATE - asked_about
    assert question - (2 * WORD + 0.35) * RATE <= turn.at - len(turn.audio) <= question


def test_behind_the_sound_a_breath_is_asked_about_once() -> None:
    sound = say_words(f"1 {'bla ' * 12} 0.6")
    live, late = Clerk(), Clerk()
    hear(turns_of(live), sound)
    hear(turns_of(late), sound, 10 * RATE)
    assert len(live.asked) >= 10
    assert len(late.asked) <= 3
    assert sum(map(len, late.asked)) <= 1.5 * len(sound)


def test_long_talk_without_a_stop_word_is_bounded_in_memory_and_questions() -> None:
    clerk = Clerk(answers=dict.fromkeys(range(1, 1000), "nothing"))
    turns, spotter = parts_of(clerk)
    minute = say_words(f"{'bla ' * 130} 1.5")
    held: list[int] = []
    for _ in range(3):
        for at in range(0, len(minute), RATE // 50):
            turns.receive(minute[at : at + RATE // 50])
            held.append(spotter.held)
    assert max(held) <= 2.6 * RATE
    assert max(map(len, clerk.asked)) <= 2.6 * RATE
    seconds = 3 * 130 * WORD
    assert len(clerk.asked) <= seconds / 0.4 + 3


def test_what_waits_is_bounded() -> None:
    clerk = Clerk(answers=dict.fromkeys(range(1, 1000), "nothing"))
    turns, spotter = parts_of(clerk)
    hear(turns, say_words("bla " * 130), piece=1000 * RATE)
    assert max(map(len, clerk.asked)) <= 10.6 * RATE
    assert spotter.held <= 10.6 * RATE


def test_silence_and_clicks_are_not_asked_about() -> None:
    clerk = Clerk()
    click = np.full(RATE // 20, 3000, np.int16)
    turns = turns_of(clerk)
    for _ in range(30):
        hear(turns, np.concatenate((say_words("2"), click)))
    assert clerk.asked == []


def test_a_question_holds_the_speech_and_a_little_around_it() -> None:
    clerk = Clerk()
    hear(turns_of(clerk), say_words("5 bla 5"))
    lengths = [len(sound) / RATE for sound in clerk.asked]
    assert lengths == pytest.approx([0.3 + 0.4, 0.3 + WORD + 0.3], abs=0.06)


def test_the_array_is_the_recognisers_own() -> None:
    clerk = Clerk()
    turns = turns_of(clerk)
    sound = say_words("0.5 bla bla bla 1")
    hear(turns, sound)
    first = clerk.asked[0].copy()
    hear(turns, say_words(f"{CALL} {QUESTION} 5"))
    assert np.array_equal(clerk.asked[0], first)


def test_a_stop_word_interrupts_a_reply_once() -> None:
    turns = turns_of(Clerk())
    turns.reply_began()
    events = hear(turns, say_words(f"0.5 {CALL} {QUESTION} 1"))
    assert kinds(events) == ["StopWordHeard", "BargeIn", "SpeechStarted", "Paused"]
    assert isinstance(events[1], BargeIn)
    assert events[1].at / RATE <= 0.5 + 2 * WORD + 0.1


def test_other_speech_does_not() -> None:
    turns = turns_of(Clerk())
    turns.reply_began()
    assert hear(turns, say_words("0.5 bla bla what time is it 1")) == []


def test_a_reply_that_begins_behind_the_stop_word_is_interrupted() -> None:
    turns = turns_of(Clerk())
    hear(turns, say_words("0.5 hey computer what time"))
    turns.reply_began()
    assert kinds(hear(turns, say_words("is"))) == ["BargeIn"]


def test_interrupt_on_pause_leaves_the_interruption_to_the_turn() -> None:
    turns = turns_of(Clerk(), algo_options=AlgoOptions(interrupt_on="pause"))
    turns.reply_began()
    assert kinds(hear(turns, say_words(f"0.5 {CALL} {QUESTION} 1"))) == TURN


def test_nothing_is_listened_to_during_a_protected_reply() -> None:
    clerk = Clerk()
    turns = turns_of(clerk)
    turns.reply_began(protected=True)
    assert hear(turns, say_words("0.5 hey computer what time 0.1 hey")) == []
    assert clerk.asked == []
    turns.reply_ended()
    assert hear(turns, say_words("computer 1")) == []
    assert kinds(hear(turns, say_words(f"{CALL} {QUESTION} 1"))) == TURN


def test_places_count_what_was_not_listened_to() -> None:
    turns = turns_of(Clerk(), patience=1)
    turns.reply_began(protected=True)
    hear(turns, say_words("3.3"))
    turns.reply_ended()
    heard, _ = hear(turns, say_words("0.5 hey computer 2"))
    assert heard.at / RATE == pytest.approx(3.8 + 2 * WORD, abs=0.4)


def test_taking_a_turn_gives_what_was_said_behind_the_stop_word() -> None:
    turns = turns_of(Clerk(timed=True))
    sound = say_words("0.5 hey computer what time")
    hear(turns, sound)
    taken = turns.take()
    assert len(taken) == pytest.approx(2 * WORD * RATE, abs=Loudness().detector(RATE).frame_samples)
    assert np.array_equal(taken, sound[-int(2 * WORD * RATE) :][: len(taken)])
    assert hear(turns, say_words("is it 1")) == []


@pytest.mark.parametrize("script", ["0.5 what time", "0.5 hey computer 0.4", "hey computer 1"])
def test_taking_a_turn_gives_nothing_where_nothing_was_said(script: str) -> None:
    turns = turns_of(Clerk(timed=True))
    hear(turns, say_words(script))
    assert len(turns.take()) == 0
    assert hear(turns, say_words(f"{QUESTION} 1")) == []


def test_what_a_recogniser_raises_is_told_and_the_next_question_comes() -> None:
    clerk = Clerk(answers={1: RuntimeError("lost"), 2: 7})
    turns = turns_of(clerk)
    events = turns.receive(say_words("0.1")) + [
        event
        for part in np.array_split(say_words(f"0.5 {CALL} {QUESTION} 1"), 400)
        for event in turns.receive(part)
    ]
    failures = [event.failure for event in events if isinstance(event, Recognised)]
    assert str(failures[0]) == "lost"
    assert isinstance(failures[1], TypeError)
    assert failures[2:] == [None] * len(failures[2:])
    assert kinds([event for event in events if not isinstance(event, Recognised)]) == TURN


@pytest.mark.parametrize("answer", [RuntimeError("lost"), "hey commuter", "hey computer"])
def test_a_recogniser_that_changes_its_mind_starts_no_turn(answer: Any) -> None:
    """Asked again at the end of the breath, which has more sound of speech."""
    clerk = Clerk(answers={1: "hey computer", 2: answer})
    turns = turns_of(clerk)
    assert kinds(hear(turns, say_words("0.5 hey 0.2 6"))) == ["StopWordHeard", "StopWordExpired"]


def test_a_turn_that_is_too_long_is_cut_and_needs_the_stop_word_again() -> None:
    options = AlgoOptions(max_continuous_speech_s=1.2)
    turns = turns_of(Clerk(timed=True), algo_options=options)
    events = hear(turns, say_words(f"0.5 {CALL} {'bla ' * 8} 1"))
    assert kinds(events) == TURN
    assert turn_in(events).cut
    assert len(turn_in(events).audio) / RATE == pytest.approx(1.2, abs=0.04)
