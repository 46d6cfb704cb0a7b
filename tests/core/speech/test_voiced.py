from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
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


def test_a_rate_that_the_engine_does_not_hear_is_refused() -> None:
    with pytest.raises(ValueError, match="8000 to 48000"):
        DetectedSpeech(CompactModel(), 96_000)
