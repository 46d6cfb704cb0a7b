import numpy as np
import pytest

from benchmarks.voice_calls import made_up_call
from benchmarks.voice_sounds import NOISES, RATE, SPEECH_LEVEL, at_level, filtered, level, mixed
from benchmarks.voice_speech import Utterance
from benchmarks.voice_trials import GRID, on_grid, sounds_without_speech, trials

TONE = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32) * 1000


def test_a_level_is_that_of_the_mean_power() -> None:
    assert level(np.full(10, 32768, np.float32)) == pytest.approx(0)
    assert level(TONE) == pytest.approx(20 * np.log10(1000 / 32768) - 3.01, abs=0.01)
    assert level(np.zeros(10, np.float32)) == level(np.zeros(0, np.float32)) == -200


def test_a_sound_is_brought_to_a_level_and_silence_stays_silence() -> None:
    assert level(at_level(TONE, -40)) == pytest.approx(-40, abs=0.01)
    assert not at_level(np.zeros(10, np.float32), -26).any()


@pytest.mark.parametrize("snr", [20, 0, -5])
def test_noise_is_mixed_in_below_the_level_of_speech(snr: int) -> None:
    speech = at_level(TONE, SPEECH_LEVEL)
    added = mixed(speech, np.random.default_rng(1).standard_normal(RATE), snr) - speech
    assert level(added) == pytest.approx(SPEECH_LEVEL - snr, abs=0.01)


def test_a_filter_has_the_gain_it_was_given() -> None:
    hertz, decibels = np.array([500.0, 1500.0]), np.array([-20.0, 0.0])
    assert level(filtered(TONE, hertz, decibels)) == pytest.approx(level(TONE) - 10, abs=0.01)


@pytest.mark.parametrize("kind", NOISES)
def test_every_noise_is_sound_of_the_length_asked_for(kind: str) -> None:
    for seed in range(5):
        noise = NOISES[kind](np.random.default_rng(seed), RATE + 7)
        assert noise.shape == (RATE + 7,)
        assert np.isfinite(noise).all()
        assert level(noise) > -200


def test_a_made_up_call_is_int16_sound_and_the_same_for_the_same_seed() -> None:
    talker = Utterance(TONE, np.arange(RATE) > RATE // 2)
    calls = [made_up_call(np.random.default_rng(seed), [talker], 5.0) for seed in range(12)]
    for call in calls:
        assert call.samples.shape == call.speech.shape == (5 * RATE,)
        assert np.abs(call.samples).max() <= 32768
        assert np.array_equal(call.samples, np.rint(call.samples))
    assert any(call.speech.any() for call in calls)
    again = made_up_call(np.random.default_rng(3), [talker], 5.0)
    assert np.array_equal(again.samples, calls[3].samples)
    assert np.array_equal(again.speech, calls[3].speech)


def test_trials_have_the_speech_clean_and_in_each_noise_at_each_ratio() -> None:
    found = list(trials(np.random.default_rng(1), at_level(TONE, SPEECH_LEVEL), [10, 0]))
    assert [trial.condition for trial in found] == ["clean", *["10 dB"] * 4, *["0 dB"] * 4]
    assert len({trial.noise for trial in found}) == 5
    for trial in found:
        assert len(trial.samples) == RATE


def test_sounds_without_speech_are_at_the_level_of_speech_or_silent() -> None:
    levels = {
        trial.noise: level(trial.samples)
        for trial in sounds_without_speech(np.random.default_rng(1), 2.0)
    }
    assert levels.pop("digital silence") == -200
    assert levels.pop("dither") == pytest.approx(-90.3, abs=1)
    assert all(abs(found - SPEECH_LEVEL) < 1 for found in levels.values())


def test_a_figure_counts_for_its_frame_and_is_known_when_that_has_ended() -> None:
    figures = np.array([1, 2, 3], np.float32)
    length = 3 * 2 * GRID
    assert on_grid(figures, 2 * GRID, length).tolist() == [1, 1, 2, 2, 3, 3]
    assert on_grid(figures, 2 * GRID, length, known=True).tolist() == [0, 0, 1, 1, 2, 2]
    assert on_grid(figures, 2 * GRID, length + 2 * GRID).tolist()[-2:] == [3, 3]
