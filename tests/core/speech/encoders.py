"""A speaker encoder whose embeddings can be told beforehand, and speech that it knows."""

from collections.abc import Iterator

import numpy as np

from antiphon.core.audio.frames import Samples
from antiphon.core.speech.calibration import Calibration
from antiphon.core.speech.template import Embedding

__all__ = ("ByLoudness", "LoudFrames")


class ByLoudness:
    """A voice is how often it is at full strength, and how often not: a `SpeakerEncoder`."""

    name = "loudness (demonstration)"
    engine = "loudness"
    model_hash = b"0123456789abcdef"
    dimension = 2
    demonstration = True
    blocking = False
    calibration = Calibration(10.0, -5.0)

    def __init__(self) -> None:
        self.heard: list[int] = []

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        self.heard.append(len(speech))
        full = float(np.mean(np.abs(speech) >= 20_000))
        return np.array([full, 1 - full], np.float32)


class LoudFrames:
    """Frames of 30 ms; those whose first sample is not zero are speech: a `SpeechFrames`."""

    def __init__(self, sample_rate: int) -> None:
        self._size = sample_rate * 30 // 1000
        self._rest: Samples = np.empty(0, np.int16)

    def receive(self, samples: Samples) -> Iterator[tuple[Samples, bool]]:
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) // self._size * self._size
        self._rest = sound[whole:]
        for frame in sound[:whole].reshape(-1, self._size):
            yield frame, bool(frame[0])
