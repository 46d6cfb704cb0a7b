import sys
import tracemalloc
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.core.models import VoiceActivityDetector, VoiceActivityModel
from antiphon.handlers.vad.compact import CompactModel, weights
from benchmarks import voice_sounds
from benchmarks.opus_sounds import melody

RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
MODEL = CompactModel()


def frames(samples: Samples, size: int) -> Iterator[Samples]:
    for start in range(0, len(samples) - size + 1, size):
        yield samples[start : start + size]


def heard(detector: VoiceActivityDetector, samples: Samples) -> list[float]:
    return [detector.probability(frame) for frame in frames(samples, detector.frame_samples)]


def flags(samples: Samples, rate: int = 16_000) -> list[bool]:
    """Of each frame from the beginning of a call, whether it is taken for speech."""
    return [found >= MODEL.threshold for found in heard(MODEL.detector(rate), samples)]


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


def scaled(sound: voice_sounds.Floats, decibels: float) -> Samples:
    louder = voice_sounds.at_level(sound, decibels)
    result: Samples = np.clip(np.rint(louder), -32768, 32767).astype(np.int16)
    return result


def resampled(samples: Samples, rate: int) -> Samples:
    if rate == 16_000:
        return samples
    resampler = Resampler(16_000, rate, live=False)
    return np.frombuffer(resampler.process(samples.tobytes()) + resampler.flush(), "<i2")


def with_noise(spoken: Samples, level: float) -> Samples:
    noise = scaled(np.random.default_rng(3).standard_normal(len(spoken)).astype("f4"), level)
    result: Samples = np.clip(spoken.astype(np.int32) + noise, -32768, 32767).astype(np.int16)
    return result


def test_it_is_what_turn_taking_asks_for() -> None:
    model: VoiceActivityModel = MODEL
    detector: VoiceActivityDetector = model.detector(16_000)
    assert (model.name, model.threshold, model.blocking) == ("compact", 0.5, False)
    assert detector.frame_samples == 480


@pytest.mark.parametrize("rate", RATES)
def test_a_frame_is_30_ms_or_a_little_less_at_any_rate(rate: int) -> None:
    assert 0.029 < MODEL.detector(rate).frame_samples / rate <= 0.03


@pytest.mark.parametrize("rate", [7999, 48_001, 0, -1])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"8000 to 48000 Hz, not {rate}"):
        MODEL.detector(rate)


@pytest.mark.parametrize("shape", [(479,), (481,), (1,), (0,), (1, 480)])
def test_a_frame_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="takes \\(480,\\)"):
        MODEL.detector(16_000).probability(np.ones(shape, np.int16))


@pytest.mark.parametrize("rate", RATES)
def test_speech_is_found_at_any_rate_and_the_pauses_around_it(spoken: Samples, rate: int) -> None:
    found = flags(resampled(with_noise(spoken, -70), rate), rate)
    pause = 10  # frames, of the 16 that the sentence has on each side
    assert share(found[pause + 8 : -pause - 16]) > 0.85
    assert share(found[3:pause]) == 0
    assert share(found[-pause + 3 :]) == 0


@pytest.mark.parametrize("gain", [-30, -12, 6])
def test_speech_is_found_at_any_strength(spoken: Samples, gain: float) -> None:
    louder = np.clip(spoken * 10 ** (gain / 20), -32768, 32767).astype(np.int16)
    assert share(flags(louder)[18:-26]) > 0.8


def test_speech_is_found_in_noise_10_db_weaker(spoken: Samples) -> None:
    level = voice_sounds.level(spoken[8000:-8000].astype(np.float32))
    found = flags(with_noise(spoken, level - 10))
    assert share(found[18:-26]) > 0.75
    assert share([*found[:12], *found[-8:]]) < 0.1


def test_a_loud_start_is_noticed_within_two_frames(spoken: Samples) -> None:
    loud = int(np.argmax(np.abs(spoken) > 6000))
    quiet = with_noise(np.zeros(480 * 40, np.int16), -65)
    found = flags(np.concatenate((quiet, spoken[loud : loud + 480 * 20])))
    assert not any(found[5:40])
    assert any(found[40:42])


def test_a_call_that_begins_amid_speech_hears_it_within_300_ms(spoken: Samples) -> None:
    loud = int(np.argmax(np.abs(spoken) > 6000))
    assert share(flags(spoken[loud : loud + 480 * 30])[10:]) > 0.8


@pytest.mark.parametrize("kind", ["white", "sloped", "coloured", "hum", "clicks"])
def test_sound_without_a_voice_is_not_taken_for_speech(kind: str) -> None:
    rng = np.random.default_rng(20)
    sounds = [voice_sounds.NOISES[kind](rng, 480 * 100) for _ in range(6)]
    assert np.mean([share(flags(scaled(sound, -26))) for sound in sounds]) < 0.08


def test_plucked_chords_with_a_beat_are_not_taken_for_speech() -> None:
    assert share(flags(scaled(melody(16_000).astype(np.float32), -26))) < 0.1


@pytest.mark.parametrize("hertz", [50.0, 60.0, 440.0, 1000.0])
def test_a_tone_is_not_taken_for_speech(hertz: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(480 * 100) / 16_000).astype(np.float32)
    assert share(flags(scaled(tone, -26))) < 0.1


def test_room_noise_that_starts_after_digital_silence_is_no_speech() -> None:
    noise = scaled(voice_sounds.NOISES["white"](np.random.default_rng(6), 480 * 60), -45)
    assert share(flags(np.concatenate((np.zeros(480 * 30, np.int16), noise)))) < 0.04


@pytest.mark.parametrize("rate", RATES)
def test_digital_silence_is_exactly_zero(rate: int) -> None:
    detector = MODEL.detector(rate)
    assert heard(detector, np.zeros(rate, np.int16)) == [0.0] * (rate // detector.frame_samples)


def test_what_follows_digital_silence_is_judged_without_what_was_before(spoken: Samples) -> None:
    detector, other = MODEL.detector(16_000), MODEL.detector(16_000)
    quiet, silent = with_noise(np.zeros(4800, np.int16), -65), np.zeros(480, np.int16)
    heard(detector, quiet)
    heard(other, quiet)
    detector.probability(silent)
    other.probability(silent)
    other.probability(silent)
    speech = spoken[12_000:24_000]
    assert heard(detector, speech) == heard(other, speech)


EXTREMES = {
    "least": np.full(480, -32768, np.int16),
    "most": np.full(480, 32767, np.int16),
    "square": np.resize(np.array([-32768, 32767], np.int16), 480),
    "one step": np.eye(1, 480, 240, dtype=np.int16)[0],
    "a sample of full scale": np.eye(1, 480, 240, dtype=np.int16)[0] * np.int16(-32768),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_sound_gives_a_probability_and_leaves_no_mark(name: str, spoken: Samples) -> None:
    detector = MODEL.detector(16_000)
    found = [detector.probability(EXTREMES[name]) for _ in range(100)]
    assert all(0 <= probability <= 1 for probability in found)
    later = [probability >= 0.5 for probability in heard(detector, spoken)]
    assert share(later[18:-26]) > 0.7


def test_a_frame_may_be_read_only_and_of_any_stride(spoken: Samples) -> None:
    wide = np.repeat(spoken, 2)[::2]
    locked = np.frombuffer(spoken.tobytes(), "<i2")
    assert not wide.flags.contiguous
    assert heard(MODEL.detector(16_000), wide) == heard(MODEL.detector(16_000), locked)


def test_the_same_frames_give_the_same_probabilities_and_reset_is_a_fresh_start(
    spoken: Samples,
) -> None:
    detector, other = MODEL.detector(16_000), CompactModel().detector(16_000)
    first = heard(detector, spoken)
    detector.reset()
    assert heard(detector, spoken) == first
    assert heard(other, spoken) == first


def test_calls_do_not_hear_each_other(spoken: Samples) -> None:
    alone = heard(MODEL.detector(16_000), spoken)
    one, two = MODEL.detector(16_000), MODEL.detector(16_000)
    together: list[float] = []
    for frame in frames(spoken, 480):
        together.append(one.probability(frame))
        two.probability(frame[::-1])
    assert together == alone


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_a_call_takes_a_few_kilobytes(rate: int) -> None:
    MODEL.detector(rate)  # the layout of a rate is kept, and shared
    tracemalloc.start()
    kept = [MODEL.detector(rate) for _ in range(20)]
    taken = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    assert taken < 16_000


def test_hearing_leaves_no_memory_behind(spoken: Samples) -> None:
    detector = MODEL.detector(16_000)
    heard(detector, spoken)
    before = sys.getallocatedblocks()
    for frame in frames(spoken, 480):
        detector.probability(frame)
    assert sys.getallocatedblocks() - before < 20


def test_the_weights_say_where_they_come_from() -> None:
    origin = weights().origin
    beside = files("antiphon.handlers.vad").joinpath("compact.md").read_text(encoding="utf-8")
    for word in ("this project", "MIT", "LibriSpeech", "CC BY 4.0", "espeak-ng", "Silero VAD"):
        assert word in origin
        assert word in beside


def test_the_weights_are_small_and_need_no_pickle() -> None:
    file = files("antiphon.handlers.vad").joinpath("compact.npz")
    assert len(file.read_bytes()) < 100_000
    assert weights().see.dtype == np.float32
