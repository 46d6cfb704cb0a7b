import numpy as np
import pytest

from benchmarks.speaker_sounds import CONDITIONS, made_up_channel, noise_pool
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, Floats, at_level, level


def speech() -> Floats:
    rng = np.random.default_rng(1)
    return at_level(rng.standard_normal(2 * RATE).astype(np.float32), SPEECH_LEVEL)


def band(sound: Floats, lowest: float, highest: float) -> float:
    """dB in a band."""
    powers = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(10 * np.log10(powers[(hertz >= lowest) & (hertz < highest)].sum()))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_channel_keeps_the_length_and_changes_the_same_way_again(condition: str) -> None:
    once, again = (CONDITIONS[condition](np.random.default_rng(3), speech()) for _ in range(2))
    assert once.shape == speech().shape
    assert np.array_equal(once, again)
    assert np.array_equal(once, speech()) == (condition == "clean")


def test_a_telephone_line_has_no_more_than_its_band() -> None:
    heard = CONDITIONS["telephone"](np.random.default_rng(3), speech())
    assert band(heard, 300, 3400) - band(speech(), 300, 3400) == pytest.approx(0, abs=0.5)
    assert band(heard, 4100, 8000) < band(heard, 300, 3400) - 50


def test_the_tilt_is_4_db_an_octave_and_the_noise_10_db_weaker() -> None:
    rng = np.random.default_rng(3)
    tilted = CONDITIONS["tilt"](rng, speech())
    changed = [band(tilted, at, 1.1 * at) - band(speech(), at, 1.1 * at) for at in (800, 3200)]
    assert changed[1] - changed[0] == pytest.approx(-8, abs=0.5)
    noise = CONDITIONS["noise 10 dB"](rng, speech()) - speech()
    assert level(noise) == pytest.approx(SPEECH_LEVEL - 10, abs=0.1)


def test_the_small_room_answers_after_the_direct_sound_and_dies_away() -> None:
    click = np.zeros(RATE, np.float32)
    click[0] = 1000
    heard = np.abs(CONDITIONS["small room"](np.random.default_rng(3), click))
    direct = int(np.argmax(heard))
    assert direct == round(np.linalg.norm([1.4, 0.8, 0.3]) / 343 * RATE)
    assert level(heard[direct + 10 : 1600]) > level(heard[4000:5600]) + 15


def test_made_up_channels_differ_and_stay_finite() -> None:
    rng = np.random.default_rng(4)
    noises = noise_pool(rng, 1)
    heard = [made_up_channel(rng, speech(), noises) for _ in range(20)]
    assert all(np.isfinite(one).all() and len(one) == 2 * RATE for one in heard)
    assert sum(np.array_equal(one, speech()) for one in heard) < 10
