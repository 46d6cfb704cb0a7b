import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.speech.frames import VoiceFrames, frame_end
from tests.core.loudness import Loudness, loud, quiet
from tests.core.memory import kept_by

RATES = (8000, 11_025, 16_000, 22_050, 44_100, 48_000)
REDUCED = (48_001, 64_000, 96_000, 176_400, 192_000)


class Witness:
    """A detector that keeps what it is asked about; speech is what it is told to be."""

    name = "witness"
    threshold = 0.5
    blocking = False

    def __init__(self, frame_samples: int, *said: float) -> None:
        self.frame_samples = frame_samples
        self.rate = 0
        self.asked: list[Samples] = []
        self._said = said

    def detector(self, sample_rate: int) -> "Witness":
        self.rate = sample_rate
        return self

    def probability(self, frame: Samples) -> float:
        self.asked.append(frame.copy())
        return self._said[len(self.asked) - 1] if self._said else 0.0

    def reset(self) -> None:
        raise AssertionError("a stream has no pauses in it")


@pytest.mark.parametrize("rate", RATES + REDUCED)
def test_frame_k_ends_at_the_floor_of_30_ms_times_k_plus_1(rate: int) -> None:
    frames = VoiceFrames(Loudness(), rate)
    for k in range(40):
        missing = frame_end(k, rate) - frames.samples
        assert missing in (rate * 30 // 1000, rate * 30 // 1000 + 1)
        assert frames.receive(quiet(1, rate)[: missing - 1]) == []
        assert len(frames.receive(np.zeros(1, np.int16))) == 1
        assert frames.end_of(k) == frames.samples == 30 * (k + 1) * rate // 1000


@pytest.mark.parametrize("length", [330, 480, 512])
def test_a_detector_hears_the_newest_samples_that_end_with_the_frame(length: int) -> None:
    sound = np.arange(1, 16_001, dtype=np.int16)
    witness = Witness(length)
    VoiceFrames(witness, 16_000).receive(sound)
    before = np.concatenate((np.zeros(512, np.int16), sound))
    assert len(witness.asked) == 33
    for k, heard in enumerate(witness.asked):
        end = 512 + 480 * (k + 1)
        assert np.array_equal(heard, before[end - length : end])


def test_a_probability_at_the_threshold_is_speech_and_no_other_frame_matters() -> None:
    said = (0.5, 0.49, 0.5, 0.499, 1.0, 0.0)
    frames = VoiceFrames(Witness(480, *said), 16_000)
    assert frames.receive(np.zeros(480 * 6, np.int16)) == [True, False, True, False, True, False]


@given(
    cuts=st.lists(st.integers(0, 700), max_size=40),
    rate=st.sampled_from((*RATES, *REDUCED)),
)
def test_any_cutting_of_the_same_samples_gives_the_same_frames(cuts: list[int], rate: int) -> None:
    sound = np.random.default_rng(7).integers(-3000, 3000, rate // 4).astype(np.int16)
    whole = Witness(240)
    VoiceFrames(whole, rate).receive(sound)
    cut = Witness(240)
    frames = VoiceFrames(cut, rate)
    at = 0
    for size in [*cuts, len(sound)]:
        frames.receive(sound[at : at + size])
        at += size
    assert frames.frames == len(whole.asked)
    assert np.array_equal(np.array(cut.asked), np.array(whole.asked))


@pytest.mark.parametrize("rate", REDUCED)
def test_above_48_khz_a_detector_hears_the_same_sound_at_a_rate_it_takes(rate: int) -> None:
    witness = Witness(600)
    seconds = np.arange(rate // 4) / rate
    tones = 8000 * np.sin(2 * np.pi * 3000 * seconds) + 8000 * np.sin(
        2 * np.pi * 0.46 * rate * seconds
    )
    VoiceFrames(witness, rate).receive(np.rint(tones).astype(np.int16))
    assert witness.rate in range(24_000, 48_001)
    last = witness.asked[-1].astype(float)
    spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last))))
    strongest = np.argmax(spectrum) * witness.rate / len(last)
    assert abs(strongest - 3000) < witness.rate / len(last)
    # A Hann window's tone of 8000 is a peak of 8000 * n / 4; an alias would be another like it.
    away = np.abs(np.arange(len(spectrum)) - np.argmax(spectrum)) > 15
    assert spectrum.max() == pytest.approx(8000 * len(last) / 4, rel=0.2)
    assert spectrum[away].max() < spectrum.max() / 300


@pytest.mark.parametrize("rate", [7999, 192_001])
def test_a_rate_that_is_no_speech_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="8000 to 192000"):
        VoiceFrames(Loudness(), rate)


def test_a_stream_holds_no_more_than_its_newest_sound() -> None:
    frames = VoiceFrames(Loudness(), 16_000)
    second = loud(1.0)
    frames.receive(second)

    def receive() -> None:
        for _ in range(50):
            frames.receive(second)

    assert kept_by(receive) < 20_000
