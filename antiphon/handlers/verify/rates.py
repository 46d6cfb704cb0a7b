"""Speech at the rate of a call as speech at the rate of a model."""

import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples
from ...core.audio.resample import Resampler

__all__ = ("at_rate",)

_LOWEST_RATE, _HIGHEST_RATE = 8000, 192_000  # Hz


def at_rate(speech: Samples, sample_rate: int, rate: int, least: int) -> npt.NDArray[np.float32]:
    """int16 of shape (n,) as float32 on the scale of int16, at `rate` Hz.

    ValueError for sample rates outside 8,000 to 192,000 Hz, or if fewer than `least` samples come
    out.
    """
    if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
        raise ValueError(
            f"sample rate is {sample_rate}; allowed: {_LOWEST_RATE} to {_HIGHEST_RATE} Hz"
        )
    resampler = Resampler(sample_rate, rate, live=False)
    pcm = resampler.process(speech.astype("<i2").tobytes()) + resampler.flush()
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    if len(samples) < least:
        raise ValueError(f"{len(speech)} samples at {sample_rate} Hz; needed: {least} at {rate} Hz")
    return samples
