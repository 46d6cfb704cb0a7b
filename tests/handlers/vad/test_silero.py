from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.core.errors import MissingExtraError
from antiphon.core.models import VoiceActivityDetector, VoiceActivityModel
from antiphon.handlers.vad import silero as silero_module
from antiphon.handlers.vad.silero import SileroModel
from tests.handlers.vad.conftest import Hear

RATES = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def frames(samples: Samples, size: int) -> Iterator[Samples]:
    for start in range(0, len(samples) - size + 1, size):
        yield samples[start : start + size]


def heard(detector: VoiceActivityDetector, samples: Samples) -> list[float]:
    return [detector.probability(frame) for frame in frames(samples, detector.frame_samples)]


def test_it_is_what_turn_taking_asks_for(silero: SileroModel) -> None:
    model: VoiceActivityModel = silero
    detector: VoiceActivityDetector = model.detector(16_000)
    assert (model.name, model.threshold, model.blocking) == ("silero", 0.5, False)
    assert detector.frame_samples == 512


def test_speech_is_heard_as_by_the_native_runtime(
    silero: SileroModel, native: Hear, spoken: Samples
) -> None:
    ours = heard(silero.detector(16_000), spoken)
    assert ours == pytest.approx(native(spoken), abs=1e-3)
    assert max(ours) > 0.9
    assert min(ours) < 0.1


@pytest.mark.parametrize("sound", ["silence", "noise", "full scale", "melody"])
def test_other_sound_is_heard_as_by_the_native_runtime(
    silero: SileroModel, native: Hear, sounds: Mapping[str, Samples], sound: str
) -> None:
    assert heard(silero.detector(16_000), sounds[sound]) == pytest.approx(
        native(sounds[sound]), abs=1e-3
    )


def resampled(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    resampler = Resampler(rate_in, rate_out, live=False)
    return np.frombuffer(resampler.process(samples.tobytes()) + resampler.flush(), "<i2")


def seconds_of_speech(model: SileroModel, samples: Samples, rate: int) -> float:
    """The mean over eight places where frames may begin, which makes more of a difference than
    the rate does.
    """
    detector = model.detector(rate)
    found = 0
    for start in range(0, detector.frame_samples, -(-detector.frame_samples // 8)):
        detector.reset()
        found += sum(p >= model.threshold for p in heard(detector, samples[start:]))
    return found * detector.frame_samples / rate / 8


@pytest.mark.parametrize("rate", RATES)
def test_as_much_speech_is_found_at_every_rate_of_a_call(
    silero: SileroModel, spoken: Samples, rate: int
) -> None:
    sent = resampled(spoken, 16_000, rate)
    at_16k = seconds_of_speech(silero, resampled(sent, rate, 16_000), 16_000)
    assert at_16k > 0.8
    assert seconds_of_speech(silero, sent, rate) == pytest.approx(at_16k, rel=0.04)


def test_calls_do_not_hear_each_other(
    silero: SileroModel, spoken: Samples, sounds: Mapping[str, Samples]
) -> None:
    alone = heard(silero.detector(16_000), spoken)
    one, other = silero.detector(16_000), silero.detector(16_000)
    beside: list[float] = []
    for mine, theirs in zip(frames(spoken, 512), frames(np.tile(sounds["noise"], 4), 512)):  # noqa: B905
        beside.append(one.probability(mine))
        other.probability(theirs)
    assert beside == alone


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_reset_forgets_all_sound(
    silero: SileroModel, sounds: Mapping[str, Samples], rate: int
) -> None:
    detector = silero.detector(rate)
    first = heard(detector, sounds["melody"])
    detector.reset()
    assert heard(detector, sounds["melody"]) == first


@pytest.mark.parametrize("shape", [(1,), (511,), (1, 512), (0,)])
def test_a_frame_of_another_size_is_refused(silero: SileroModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"allowed: \(512,\)"):
        silero.detector(16_000).probability(np.zeros(shape, np.int16))


@pytest.mark.parametrize("rate", [7999, 48_001, 0, -16_000])
def test_other_rates_are_refused(silero: SileroModel, rate: int) -> None:
    with pytest.raises(ValueError, match="allowed: 8000 to 48000 Hz"):
        silero.detector(rate)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero_module, "_PACKAGES", ("no_such_package_anywhere",))
    with pytest.raises(MissingExtraError, match=r"pip install 'antiphon\[vad\]'"):
        SileroModel()


def test_another_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "silero_vad.onnx"
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="not Silero's network"):
        SileroModel(file)
