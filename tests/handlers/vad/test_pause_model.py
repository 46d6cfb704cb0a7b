import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.models import PauseDetectionModel, VoiceActivityDetector
from antiphon.handlers.vad.pause_model import PauseModel, get_silero_model, with_threshold
from antiphon.handlers.vad.segments import AudioChunk, SileroVadOptions
from antiphon.handlers.vad.silero import SileroModel

EXACT = SileroVadOptions(min_speech_duration_ms=0, min_silence_duration_ms=100, speech_pad_ms=0)


class LoudIsSpeech:
    """A model whose answers can be foretold, at any rate, in frames of 25 ms."""

    name = "loud"
    threshold = 0.8
    blocking = False

    def detector(self, sample_rate: int) -> VoiceActivityDetector:
        return _Loudness(sample_rate // 40)


class _Loudness:
    def __init__(self, frame_samples: int) -> None:
        self.frame_samples = frame_samples

    def probability(self, frame: Samples) -> float:
        assert frame.dtype == np.dtype(np.int16)
        assert frame.shape == (self.frame_samples,)
        return float(np.abs(frame.astype(np.int32)).max()) / 32768

    def reset(self) -> None:
        raise NotImplementedError


def loud_between(start: float, end: float, rate: int, seconds: float = 1.0) -> Samples:
    samples = np.zeros(round(seconds * rate), np.int16)
    samples[round(start * rate) : round(end * rate)] = 29_491  # 0.9
    return samples


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
def test_segments_are_told_in_samples_at_16_khz_whatever_the_rate(rate: int) -> None:
    model = PauseModel(LoudIsSpeech())
    seconds, segments = model.vad((rate, loud_between(0.25, 0.75, rate)), EXACT)
    assert seconds == 0.5
    assert segments == [{"start": 4000, "end": 12_000}]


def test_float32_has_1_as_full_scale() -> None:
    samples = loud_between(0.25, 0.75, 16_000).astype(np.float32) / 32768
    assert PauseModel(LoudIsSpeech()).vad((16_000, samples), EXACT)[0] == 0.5


def test_the_last_frame_need_not_be_whole() -> None:
    model = PauseModel(LoudIsSpeech())
    samples = loud_between(0.5, 0.51, 16_000, seconds=0.51)
    assert model.vad((16_000, samples), EXACT) == (0.01, [{"start": 8000, "end": 8160}])


def test_without_options_the_models_own_threshold_holds() -> None:
    model = PauseModel(LoudIsSpeech())
    samples = (loud_between(0, 1, 16_000) * 0.75).astype(np.int16)  # 0.67
    assert model.vad((16_000, samples)) == (0.0, [])
    assert model.vad((16_000, samples), SileroVadOptions(threshold=0.6))[0] == 1.0


def test_no_sound_has_no_speech() -> None:
    assert PauseModel(LoudIsSpeech()).vad((16_000, np.empty(0, np.int16))) == (0.0, [])


def test_a_threshold_of_ones_own_leaves_the_rest_of_the_model() -> None:
    loud = LoudIsSpeech()
    model = with_threshold(loud, 0.25)
    assert (model.name, model.threshold, model.blocking) == ("loud", 0.25, False)
    assert model.detector(16_000).frame_samples == 400
    assert loud.threshold == 0.8


def test_silero_finds_the_sentence(silero: SileroModel, spoken: Samples) -> None:
    model: PauseDetectionModel = get_silero_model()
    seconds, (segment,) = model.vad((16_000, spoken), None)
    chunk: AudioChunk = segment
    spoken_for = len(spoken) - 16_000  # half a second of silence on either side
    assert 1600 <= chunk["start"] < 9600
    assert seconds == (chunk["end"] - chunk["start"]) / 16_000
    assert spoken_for * 0.8 < chunk["end"] - chunk["start"] < spoken_for + 2 * 7000


def test_silero_finds_nothing_in_silence(silero: SileroModel) -> None:
    assert get_silero_model().vad((24_000, np.zeros(24_000, np.float32))) == (0.0, [])


def test_every_stretch_is_heard_afresh(silero: SileroModel, spoken: Samples) -> None:
    model = get_silero_model()
    model.warmup()
    assert model.vad((16_000, spoken)) == model.vad((16_000, spoken))
    assert get_silero_model() is model
