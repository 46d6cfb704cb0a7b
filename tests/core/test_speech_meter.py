"""Speech in the newest sound, counted frame by frame or asked of a model for whole windows."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.speech_meter import FrameMeter, Speech, WindowMeter
from tests.core.loudness import FRAME, RATE, Loudness, loud, quiet


class Says:
    """A model with the probabilities of a list."""

    name = "says"
    threshold = 0.5
    blocking = False
    frame_samples = 1

    def __init__(self, probabilities: list[float]) -> None:
        self._probabilities = probabilities

    def detector(self, sample_rate: int) -> "Says":
        return self

    def probability(self, frame: Samples) -> float:
        return self._probabilities.pop(0)

    def reset(self) -> None:
        pass


def hear(meter: FrameMeter | WindowMeter, sound: Samples) -> list[Speech]:
    frame = meter.frame_samples
    return [meter.add(sound[at : at + frame]) for at in range(0, len(sound) - frame + 1, frame)]


def test_speech_in_the_window_and_in_the_last_moment_is_counted() -> None:
    meter = FrameMeter(Loudness(), RATE, window=0.6, recent=0.18)
    heard = hear(meter, np.concatenate((quiet(0.3), loud(0.3), quiet(0.9))))
    assert [item.window // FRAME for item in heard] == (
        [0] * 10 + list(range(1, 11)) + [10] * 10 + list(range(9, -1, -1)) + [0] * 10
    )
    assert [item.recent // FRAME for item in heard][8:28] == (
        [0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    )


def test_the_first_speech_in_the_window_is_found() -> None:
    meter = FrameMeter(Loudness(), RATE, window=0.6, recent=0.18)
    heard = hear(meter, np.concatenate((quiet(0.3), loud(0.06), quiet(0.6))))
    since = [item.since // FRAME for item in heard]
    assert since == [0] * 10 + list(range(1, 21)) + [20] + [0]


def test_speech_goes_on_until_its_probability_is_well_below_the_threshold() -> None:
    meter = FrameMeter(Says([0.4, 0.5, 0.4, 0.36, 0.34, 0.4, 0.6]), 1, window=100, recent=10)
    assert [meter.add(quiet(1, 1)).window for _ in range(7)] == [0, 1, 2, 3, 3, 3, 4]


def test_what_is_forgotten_does_not_count() -> None:
    meter = FrameMeter(Loudness(), RATE, window=0.6, recent=0.18)
    hear(meter, loud(0.6))
    meter.forget()
    assert hear(meter, quiet(0.03)) == [Speech(0, 0, 0, FRAME)]
    assert hear(meter, loud(0.9))[-1] == Speech(20 * FRAME, 6 * FRAME, 20 * FRAME, 0)


def silences(*parts: Samples) -> list[int]:
    """In frames; shorter than 0.09 s is a stray."""
    meter = FrameMeter(Loudness(), RATE, window=0.6, recent=0.18, stray=0.09)
    return [item.silence // FRAME for item in hear(meter, np.concatenate(parts))]


def test_silence_lasts_from_the_end_of_the_last_speech() -> None:
    assert silences(quiet(0.06), loud(0.15), quiet(0.09)) == [1, 2, 3, 4, 0, 0, 0, 1, 2, 3]


def test_a_stray_does_not_end_a_silence() -> None:
    assert silences(loud(0.09), quiet(0.09), loud(0.06), quiet(0.03)) == [1, 2, 0, 1, 2, 3, 4, 5, 6]


def test_what_is_near_to_speech_is_no_stray() -> None:
    assert silences(loud(0.09), quiet(0.06), loud(0.03), quiet(0.06)) == [1, 2, 0, 1, 2, 0, 1, 2]


def test_strays_near_to_each_other_are_speech() -> None:
    near = [part for _ in range(3) for part in (loud(0.03), quiet(0.06))]
    assert silences(*near) == [1, 2, 3, 0, 1, 2, 0, 1, 2]


class Windows:
    """FastRTC's kind of model: remembers what it was asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[tuple[int, int, Any]] = []

    def vad(self, audio: tuple[int, Samples], options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        self.asked.append((rate, len(samples), options))
        return self.seconds, []


def test_a_model_of_windows_is_asked_every_100_ms_for_all_of_the_window() -> None:
    model = Windows(0.25)
    meter = WindowMeter(model, "options", RATE, window=0.6)
    heard = hear(meter, quiet(0.3))
    assert model.asked == [(RATE, 9600, "options")] * 3
    assert heard == [Speech(4000, 4000, 9600, 5600)] * 3


def test_a_model_of_windows_hears_the_newest_sound_in_order() -> None:
    heard: list[Samples] = []

    class Keeps:
        def vad(self, audio: tuple[int, Samples], options: Any) -> tuple[float, list[Any]]:
            heard.append(audio[1])
            return 0.0, []

    sound = np.arange(16000, dtype=np.int16)
    hear(WindowMeter(Keeps(), None, RATE, window=0.6), sound)
    assert np.array_equal(heard[-1], sound[-9600:])
    assert np.array_equal(heard[0], np.concatenate((np.zeros(8000, np.int16), sound[:1600])))


@pytest.mark.parametrize(("says", "counts"), [(inf, 9600), (-1.0, 0), (7.0, 9600)])
def test_a_model_of_windows_cannot_hear_more_than_there_is(says: float, counts: int) -> None:
    assert WindowMeter(Windows(says), None, RATE, 0.6).add(quiet(0.1)).window == counts


def test_a_model_that_says_nan_is_told() -> None:
    with pytest.raises(ValueError, match="NaN"):
        WindowMeter(Windows(nan), None, RATE, 0.6).add(quiet(0.1))
