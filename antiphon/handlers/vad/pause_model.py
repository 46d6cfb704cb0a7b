"""An engine in the shape that FastRTC's users know: asked about a whole stretch of sound."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.audio.convert import to_pcm
from ...core.audio.frames import Samples
from ...core.models import VoiceActivityDetector, VoiceActivityModel
from .choose import voice_activity_model
from .segments import RATE, AudioChunk, SileroVadOptions, speech_segments

__all__ = ("PauseModel", "get_silero_model", "with_threshold")


class PauseModel:
    """A PauseDetectionModel over `model`, for any thread: every stretch is heard afresh."""

    def __init__(self, model: VoiceActivityModel) -> None:
        self.model = model

    def vad(
        self, audio: tuple[int, npt.NDArray[Any]], options: SileroVadOptions | None = None
    ) -> tuple[float, list[AudioChunk]]:
        """Seconds of speech, padding included, and its segments in samples at 16 kHz.

        `audio` is (Hz, array (n,) of int16 or of float32 with 1.0 as full scale). Without options
        the model's own threshold holds. ValueError for a rate that the model does not take.
        """
        sample_rate, samples = audio
        options = options or SileroVadOptions(threshold=self.model.threshold)
        sound = np.frombuffer(to_pcm(samples), "<i2")
        detector = self.model.detector(sample_rate)
        probabilities = [detector.probability(frame) for frame in _frames(detector, sound)]
        starts = [at * detector.frame_samples for at in range(len(probabilities))]
        edges = [at * RATE // sample_rate for at in (*starts, len(sound))]
        segments = speech_segments(probabilities, edges, options)
        return sum(one["end"] - one["start"] for one in segments) / RATE, segments

    def warmup(self) -> None:
        """Hear a frame of silence, so that what is made at first use is made."""
        self.vad((RATE, np.zeros(1, np.int16)))


def _frames(detector: VoiceActivityDetector, sound: Samples) -> Iterator[Samples]:
    """The last one filled up with silence."""
    size = detector.frame_samples
    for start in range(0, len(sound), size):
        frame = sound[start : start + size]
        yield frame if len(frame) == size else np.pad(frame, (0, size - len(frame)))


@cache
def get_silero_model() -> PauseModel:
    """Silero as a PauseDetectionModel, one for the process. Nothing is downloaded:
    MissingExtraError without the extra `vad`.
    """
    return PauseModel(voice_activity_model("silero"))


def with_threshold(model: VoiceActivityModel, threshold: float) -> VoiceActivityModel:
    """The same engine for a handler with a threshold of its own, as in `SileroVadOptions`."""
    return _Rethresholded(model, model.name, threshold, model.blocking)


class _Rethresholded(msgspec.Struct, frozen=True, eq=False):
    model: VoiceActivityModel
    name: str
    threshold: float
    blocking: bool

    def detector(self, sample_rate: int) -> VoiceActivityDetector:
        return self.model.detector(sample_rate)
