"""A detector that takes what is loud for speech: turns can be counted to the sample with it."""

import numpy as np

from antiphon.core.audio.frames import Samples

__all__ = ("FRAME", "RATE", "Loudness", "loud", "quiet")

RATE = 16000
FRAME = 480  # samples: 30 ms


class Loudness:
    """A model and, having no state, its own detector."""

    name = "loudness"
    threshold = 0.5
    blocking = False
    frame_samples = FRAME

    def detector(self, sample_rate: int) -> "Loudness":
        made = Loudness()
        made.frame_samples = sample_rate * 3 // 100
        return made

    def probability(self, frame: Samples) -> float:
        return float(np.mean(np.abs(frame.astype(np.int32)) > 1000))

    def reset(self) -> None:
        pass


def loud(seconds: float, rate: int = RATE) -> Samples:
    """Speech to this detector; every sample has another value than its neighbours."""
    return (np.arange(round(seconds * rate)) % 5000 + 2000).astype(np.int16)


def quiet(seconds: float, rate: int = RATE) -> Samples:
    """Silence to it, that can be told from other silence."""
    return (np.arange(round(seconds * rate)) % 700).astype(np.int16)
