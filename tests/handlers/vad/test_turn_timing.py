"""When turns of real speech begin, end and interrupt, at any phase, counted in samples."""

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.models import VoiceActivityModel
from antiphon.core.speech_meter import FrameMeter
from antiphon.core.turns import AlgoOptions, BargeIn, Paused, SpeechStarted, TurnEvent, Turns
from antiphon.handlers.vad.choose import voice_activity_model
from antiphon.handlers.vad.silero import SileroModel
from benchmarks.utterances import RATE, ROOM, Utterance, in_room, spoken
from tests.cli.sounds import espeak

PHASES = range(0, round(0.6 * RATE), round(0.025 * RATE))  # 24, in frames of 30 or 32 ms
LEAD = round(0.6 * RATE)
TAIL = round(0.9 * RATE)


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    espeak()
    return spoken(8)


@pytest.fixture(params=["compact", "silero"])
def model(request: pytest.FixtureRequest) -> VoiceActivityModel:
    if request.param == "silero":
        found = request.getfixturevalue("silero")
        assert isinstance(found, SileroModel)
        return found
    return voice_activity_model("compact")


@pytest.fixture(params=[0.0, ROOM], ids=["no noise", "room"])
def noise(request: pytest.FixtureRequest) -> float:
    return float(request.param)


def turns_of(model: VoiceActivityModel) -> Turns:
    """As ReplyOnPause makes them."""
    options = AlgoOptions()
    meter = FrameMeter(
        model,
        RATE,
        options.audio_chunk_duration,
        2 * options.interrupt_after,
        options.speech_threshold,
    )
    return Turns(meter, options, RATE)


def said(utterance: Utterance, phase: int, noise: float) -> Samples:
    """The utterance, LEAD + phase samples behind the beginning of the call."""
    quiet = np.zeros(LEAD + phase, np.int16)
    sound = np.concatenate((quiet, utterance.samples, np.zeros(TAIL, np.int16)))
    return in_room(sound, noise, seed=phase)


def heard(turns: Turns, sound: Samples) -> list[TurnEvent]:
    """In frames of 20 ms, as they come."""
    step = RATE // 50
    return [
        event for at in range(0, len(sound), step) for event in turns.receive(sound[at:][:step])
    ]


def test_a_pause_comes_550_to_750_ms_after_the_end_of_speech(
    model: VoiceActivityModel, noise: float, utterances: list[Utterance]
) -> None:
    late: list[float] = []
    for utterance in utterances:
        for phase in PHASES:
            paused = heard(turns_of(model), said(utterance, phase, noise))[-1]
            assert isinstance(paused, Paused), (utterance.name, phase)
            late.append((paused.at - LEAD - phase - len(utterance.samples)) / RATE)
    assert min(late) >= 0.55
    assert max(late) <= 0.75


def test_one_sentence_is_one_turn_that_holds_all_of_it_and_100_ms_before(
    model: VoiceActivityModel, noise: float, utterances: list[Utterance]
) -> None:
    for utterance in utterances:
        for phase in PHASES:
            sound = said(utterance, phase, noise)
            events = heard(turns_of(model), sound)
            assert [type(event) for event in events] == [SpeechStarted, Paused], utterance.name
            paused = events[-1]
            assert isinstance(paused, Paused)
            begins = paused.at - len(paused.audio)
            assert begins <= LEAD + phase + utterance.voiced - 0.1 * RATE, (utterance.name, phase)
            assert np.array_equal(paused.audio, sound[begins : paused.at])


def test_speech_interrupts_a_reply_within_200_ms_of_its_first_voiced_sample(
    model: VoiceActivityModel, noise: float, utterances: list[Utterance]
) -> None:
    for utterance in utterances:
        for phase in PHASES:
            turns = turns_of(model)
            turns.reply_began()
            first = heard(turns, said(utterance, phase, noise))[0]
            assert isinstance(first, BargeIn), (utterance.name, phase)
            late = (first.at - LEAD - phase - utterance.voiced) / RATE
            assert 0 < late <= 0.2, (utterance.name, phase)


def test_the_noise_of_a_room_interrupts_nothing(model: VoiceActivityModel) -> None:
    turns = turns_of(model)
    turns.reply_began()
    assert heard(turns, in_room(np.zeros(20 * RATE, np.int16), ROOM, seed=1)) == []
