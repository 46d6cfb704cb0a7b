"""Which of a stream's sound is speech: the port that verification listens through."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from ..audio.frames import Samples
from ..models import VoiceActivityModel

__all__ = ("DetectedSpeech", "SpeechFrames")


class SpeechFrames(Protocol):
    """Cuts one stream into frames of 20 to 32 ms, and says which hold speech."""

    def receive(self, samples: Samples) -> Iterator[tuple[Samples, bool]]:
        """Each frame that is whole now, in order and without gaps, and whether it holds speech.
        int16 of any length comes in; what is over waits. Any cutting gives the same frames.
        """
        ...


class DetectedSpeech:
    """Frames as a voice activity engine takes them; a `SpeechFrames`.

    ValueError for a sample rate that the engine does not hear.
    """

    def __init__(self, model: VoiceActivityModel, sample_rate: int) -> None:
        self._detector = model.detector(sample_rate)
        self._threshold = model.threshold
        self._rest: Samples = np.empty(0, np.int16)

    def receive(self, samples: Samples) -> Iterator[tuple[Samples, bool]]:
        size = self._detector.frame_samples
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) // size * size
        self._rest = sound[whole:].copy()
        for start in range(0, whole, size):
            frame = sound[start : start + size]
            yield frame, self._detector.probability(frame) >= self._threshold
