"""Where an utterance begins and ends."""

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from benchmarks.utterances import (
    PEAK,
    RATE,
    audible,
    first_voiced,
    in_room,
    noise_level,
    spoken,
    trim,
)
from tests.cli.sounds import espeak


def tone(seconds: float, hertz: float, loud: float) -> Samples:
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return (wave * loud).astype(np.int16)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def test_a_weak_end_is_audible_and_a_weaker_one_is_not() -> None:
    sound = np.concatenate(
        (quiet(0.3), tone(0.5, 300, 10_000), tone(0.1, 300, 150), tone(0.2, 300, 60))
    )
    assert audible(sound) == (round(0.3 * RATE), round(0.9 * RATE))


def test_a_hiss_before_the_voice_is_not_voiced() -> None:
    hiss = tone(0.12, 5000, 8000)
    soft = (hiss * np.minimum(np.hanning(len(hiss)) * 4, 1)).astype(np.int16)  # without a click
    sound = np.concatenate((soft, tone(0.5, 200, 8000)))
    assert audible(sound)[0] == 0
    assert first_voiced(sound) / RATE == pytest.approx(0.12, abs=0.011)


def test_silence_has_nothing_to_hear() -> None:
    with pytest.raises(ValueError, match="nothing to hear"):
        audible(quiet(0.5))


def test_an_utterance_is_cut_to_what_is_audible_and_made_as_loud_as_others() -> None:
    utterance = trim("tone", np.concatenate((quiet(0.2), tone(0.5, 200, 3000), quiet(0.2))))
    assert utterance.seconds == 0.5
    assert np.abs(utterance.samples).max() == PEAK
    assert utterance.voiced == 0


def test_the_noise_of_a_recording_is_told_from_its_speech() -> None:
    speech = np.concatenate((quiet(0.5), tone(0.5, 200, 10_000)))
    assert noise_level(in_room(speech, 300, seed=1)) == pytest.approx(-27.5, abs=1.5)
    assert noise_level(in_room(speech, 8, seed=1)) == pytest.approx(-59, abs=1.5)


def test_the_same_room_sounds_the_same() -> None:
    silence = quiet(0.1)
    assert in_room(silence, 0.0, seed=1) is silence
    assert np.array_equal(in_room(silence, 8.0, seed=1), in_room(silence, 8.0, seed=1))
    assert not np.array_equal(in_room(silence, 8.0, seed=1), in_room(silence, 8.0, seed=2))


def test_what_espeak_says_begins_and_ends_audibly() -> None:
    espeak()
    for utterance in spoken(3):
        assert audible(utterance.samples) == (0, len(utterance.samples))
        assert 0.5 < utterance.seconds < 4
