"""Frames of a call at any rate to frames of 512 samples at 16 kHz, for a detector.

One matrix product a frame does it: 32 stretches of 16 results, each from the input around it,
through a windowed sine. It waits for nothing but the half of its window, 1.1 ms at 48 kHz and
2.4 at 8 kHz (`core.audio.resample`: 13 and 30), and costs 3 to 5 us a frame.

A frame of 32 ms holds no whole number of samples at 44.1 kHz and its like. It is cut to one that
does: 1408 for 1411.2, so that the detector hears all 0.23 % higher, a 25th of a semitone.
"""

from functools import lru_cache
from math import ceil

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples

__all__ = ("FRAME_16K", "FramesTo16k")

FRAME_16K = 512  # samples in 32 ms at 16 kHz
_RATE = 16_000
_LOWEST_RATE, _HIGHEST_RATE = 8000, 48_000
_OFF_PITCH = 0.0025  # how much higher a cut frame may sound
_STRETCHES = (32, 16, 8, 4, 2)  # of a frame; each must hold a whole number of samples

_TRANSITION = 0.2  # of the lower Nyquist frequency: 7.2 to 8.8 kHz, where speech is faint
_STOP_BAND = 60.0  # dB below
_KAISER_BETA = 0.1102 * (_STOP_BAND - 8.7)  # Kaiser's formulas, for the shape and the length

_FULL_SCALE = 32768

Floats = npt.NDArray[np.float32]


class _Plan(msgspec.Struct, frozen=True, eq=False):
    """How frames of one rate are converted."""

    frame_samples: int
    stretches: int
    history: int
    """Samples from before the frame that its first results need."""
    kernel: Floats
    """Shape (samples of a stretch and its history, results of a stretch)."""


class FramesTo16k:
    """One stream at `sample_rate`, 8,000 to 48,000 Hz (else ValueError), frame by frame."""

    def __init__(self, sample_rate: int) -> None:
        if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
            raise ValueError(
                f"sample rate is {sample_rate}; allowed: {_LOWEST_RATE} to {_HIGHEST_RATE} Hz"
            )
        plan = _plan(sample_rate)
        history, hop = plan.history, plan.frame_samples // plan.stretches
        self.frame_samples = plan.frame_samples
        self._kernel = plan.kernel
        self._sound: Floats = np.zeros(history + plan.frame_samples, np.float32)
        self._before, self._latest = self._sound[:history], self._sound[plan.frame_samples :]
        self._frame = self._sound[history:]
        spans = np.lib.stride_tricks.sliding_window_view(self._sound, len(plan.kernel))
        self._spans = spans[::hop]
        self._copied: Floats = np.empty(self._spans.shape, np.float32)

    def process(self, frame: Samples, out: Floats) -> None:
        """Fill `out`, contiguous (512,), with the next frame, full scale 1.0.

        ValueError unless `frame` has `frame_samples`.
        """
        if frame.shape != self._frame.shape:
            raise ValueError(f"frame has shape {frame.shape}; allowed: {self._frame.shape}")
        np.copyto(self._before, self._latest)
        np.copyto(self._frame, frame)
        np.copyto(self._copied, self._spans)
        np.matmul(self._copied, self._kernel, out=out.reshape(len(self._copied), -1))

    def reset(self) -> None:
        """Forget the end of the last frame."""
        self._sound.fill(0)


@lru_cache(maxsize=16)  # up to 1.7 MB each, and clients name the rate
def _plan(sample_rate: int) -> _Plan:
    exact = sample_rate * FRAME_16K / _RATE
    fitting = (n for n in _STRETCHES if exact // n * n >= exact * (1 - _OFF_PITCH))
    stretches = next(fitting, 1)
    frame_samples = int(exact // stretches * stretches)
    step = frame_samples / FRAME_16K
    if step == 1:
        return _Plan(frame_samples, stretches, 0, _unchanged(FRAME_16K // stretches))
    lower_nyquist = 0.5 * min(1, 1 / step)  # cycles a sample of the input
    width = (_STOP_BAND - 7.95) / (14.36 * _TRANSITION * lower_nyquist)
    reach = ceil(width / 2)
    return _Plan(frame_samples, stretches, 2 * reach, _kernel(step, stretches, reach))


def _unchanged(samples: int) -> Floats:
    return (np.eye(samples) / _FULL_SCALE).astype(np.float32)


def _kernel(step: float, stretches: int, reach: int) -> Floats:
    """The last result of a frame stands `reach` samples before the frame's end."""
    results = FRAME_16K // stretches
    inputs = np.arange(2 * reach + round(results * step)) - 2 * reach
    places = (np.arange(results) + 1) * step - 1 - reach
    away = places - inputs[:, np.newaxis]
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (away / reach) ** 2, 0)))
    taps: npt.NDArray[np.float64] = np.where(
        np.abs(away) <= reach, window * np.sinc(away / max(step, 1)), 0
    )
    taps /= taps.sum(axis=0) * _FULL_SCALE
    return taps.astype(np.float32)
