from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.speech.frames import VoiceFrames
from antiphon.core.speech.voiced import DetectedSpeech
from antiphon.handlers.vad.compact import CompactModel

RATE = 8000


class ByStrength:
    """Speech is what is strong in its mean: a voice activity engine for frames of 240 samples."""

    name = "strength"
    threshold = 0.5
    blocking = False
    frame_samples = 240

    def detector(self, sample_rate: int) -> "ByStrength":
        return self

    def probability(self, frame: Samples) -> float:
        return float(np.abs(frame).mean()) / 32768

    def reset(self) -> None:
        """It has no memory."""


def frames(samples: Samples, sizes: Sequence[int]) -> list[tuple[bytes, bool]]:
    speech = DetectedSpeech(ByStrength(), RATE)
    ends = np.cumsum([0, *sizes])
    pieces = [samples[start:end] for start, end in pairwise(ends)]
    return [(frame.tobytes(), found) for piece in pieces for frame, found in speech.receive(piece)]


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_any_cutting_gives_the_same_frames_without_gaps(sizes: list[int]) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32767, 4000).astype("<i2")
    samples[::500] = 0
    whole = frames(samples, [len(samples)])
    assert frames(samples, [*sizes, max(0, len(samples) - sum(sizes))]) == whole
    assert b"".join(frame for frame, _ in whole) == samples[:3840].tobytes()


def test_a_frame_is_speech_from_the_engines_threshold_on() -> None:
    found = frames(np.repeat(np.array([16_383, 16_384], "<i2"), 240), [480])
    assert [is_speech for _, is_speech in found] == [False, True]


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 96_000, 192_000])
def test_frames_are_whole_at_every_rate_of_the_endpoints(rate: int) -> None:
    """Engines hear up to 48 kHz; what is kept of a voice is not reduced with what they hear."""
    samples = np.random.default_rng(2).integers(-32768, 32767, rate // 2).astype("<i2")
    found = [
        (frame.copy(), is_speech)
        for frame, is_speech in DetectedSpeech(CompactModel(), rate).receive(samples)
    ]
    joined = np.concatenate([frame for frame, _ in found])
    assert len(found) == 16
    assert np.array_equal(joined, samples[: 48 * rate // 100])
    wanted = VoiceFrames(CompactModel(), rate).receive(samples)
    assert [is_speech for _, is_speech in found] == wanted


def test_a_rate_that_is_no_speech_is_refused() -> None:
    with pytest.raises(ValueError, match="8000 to 192000"):
        DetectedSpeech(CompactModel(), 192_001)
