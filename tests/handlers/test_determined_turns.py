"""Turns by a user's own rule, and FastRTC's rule for whole windows."""

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.turns import MAX_TURN, AlgoOptions, BargeIn, Paused, SpeechStarted, TurnEvent
from antiphon.handlers.determined_turns import AppState, DeterminedTurns, determine
from tests.core.loudness import RATE, loud, quiet

OPTIONS = AlgoOptions()


def windows(audio: Samples, sampling_rate: int, state: AppState) -> bool:
    """FastRTC's rule, as its users' overrides have it; what is loud is speech."""
    if len(audio) < OPTIONS.audio_chunk_duration * sampling_rate:
        return False
    speech = float(np.sum(np.abs(audio) > 1000)) / sampling_rate
    return determine(audio, sampling_rate, state, OPTIONS, speech)


def hear(turns: DeterminedTurns, *parts: Samples, step: int = 320) -> list[TurnEvent]:
    sound = np.concatenate(parts)
    pieces = [sound[at : at + step] for at in range(0, len(sound), step)]
    return [event for piece in pieces for event in turns.receive(piece)]


@pytest.mark.parametrize("step", [1, 80, 320, 500, 100_000])
def test_any_split_gives_the_same_turns(step: int) -> None:
    turns = DeterminedTurns(windows, OPTIONS, RATE)
    started, paused = hear(turns, quiet(0.6), loud(1.2), quiet(1.2), step=step)
    assert started == SpeechStarted(int(1.2 * RATE))
    assert isinstance(paused, Paused)
    assert (paused.at, len(paused.audio)) == (int(2.4 * RATE), int(1.8 * RATE))


def test_speech_into_a_reply_interrupts_it() -> None:
    turns = DeterminedTurns(windows, OPTIONS, RATE)
    turns.reply_began()
    events = hear(turns, loud(1.2), quiet(1.2))
    assert [type(event) for event in events] == [BargeIn, SpeechStarted, Paused]


def test_a_protected_reply_is_not_interrupted() -> None:
    turns = DeterminedTurns(windows, OPTIONS, RATE)
    turns.reply_began(protected=True)
    assert hear(turns, loud(1.2)) == []
    turns.reply_ended()
    assert [type(event) for event in hear(turns, loud(1.2), quiet(1.2))] == [SpeechStarted, Paused]


def test_a_turn_is_cut_at_its_longest() -> None:
    options = AlgoOptions(max_continuous_speech_s=1.2)

    def rule(audio: Samples, rate: int, state: AppState) -> bool:
        return len(audio) >= 9600 and determine(audio, rate, state, options, 0.6)

    events = hear(DeterminedTurns(rule, options, RATE), loud(2.4))
    assert [len(event.audio) for event in events if isinstance(event, Paused)] == [19200, 19200]


def test_a_buffer_that_nobody_empties_is_bounded() -> None:
    held: list[int] = []

    def never(audio: Samples, sampling_rate: int, state: AppState) -> bool:
        held.append(len(audio))
        return False

    turns = DeterminedTurns(never, OPTIONS, 50)
    turns.receive(quiet(MAX_TURN + 10, 50))
    assert max(held) == MAX_TURN * 50


def test_a_turn_that_nobody_ends_is_ended() -> None:
    def collects(audio: Samples, sampling_rate: int, state: AppState) -> bool:
        state.started_talking = True
        state.stream = audio
        return False

    events = DeterminedTurns(collects, OPTIONS, 50).receive(quiet(MAX_TURN + 10, 50))
    assert [event.cut for event in events if isinstance(event, Paused)] == [True]


def test_the_turn_so_far_can_be_taken() -> None:
    turns = DeterminedTurns(windows, OPTIONS, RATE)
    hear(turns, loud(0.7))
    assert len(turns.take()) == 9600
    assert len(turns.take()) == 0
