"""The features that most speaker networks are trained on: log mel energies as Kaldi makes them.

Frames of 25 ms each 10 ms, those alone that fit whole; without their mean, pre-emphasised,
windowed; triangles that are straight in mels, from 20 Hz up; the logarithm; each band without its
mean over the recording. No dither. torchaudio's `compliance.kaldi.fbank` has the same.
"""

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from .spectrum import band_powers, framed, triangles

__all__ = ("Window", "fbank", "frame_size")

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

Window = Literal["hamming", "povey"]
"""Kaldi's own window is "povey"; WeSpeaker takes "hamming"."""

_LOWEST = 20.0  # Hz
_EMPHASIS = np.float32(0.97)
_BLOCK = 1024  # frames held apart at a time: 6 MB however long the speech is
_LEAST = np.finfo(np.float32).eps  # energies below it are raised to it


def frame_size(sample_rate: int) -> int:
    """Samples in a frame: speech has one or more."""
    return sample_rate * 25 // 1000


def fbank(speech: Floats, sample_rate: int, bands: int, window: Window) -> Floats:
    """Speech, int16-scaled, as an array of shape (frames, bands).

    ValueError for less than a frame.
    """
    size = frame_size(sample_rate)
    if len(speech) < size:
        raise ValueError(f"{len(speech)} samples; a frame has {size}")
    frames = framed(speech, size, sample_rate // 100)
    fft = 1 << (size - 1).bit_length()
    shape, triangular = _window(size, window), _bands(sample_rate, fft, bands)
    energies = np.concatenate(
        [
            band_powers(_emphasised(frames[start : start + _BLOCK]), shape, fft, triangular)
            for start in range(0, len(frames), _BLOCK)
        ]
    )
    logarithms: Floats = np.log(np.maximum(energies, _LEAST))
    logarithms -= logarithms.mean(axis=0)
    return logarithms


def _emphasised(frames: Floats) -> Floats:
    """Each frame by itself, without its mean."""
    levelled: Floats = frames - frames.mean(axis=1, keepdims=True)
    levelled -= _EMPHASIS * np.hstack((levelled[:, :1], levelled[:, :-1]))
    return levelled


@cache
def _window(size: int, window: Window) -> Floats:
    shape = np.hamming(size) if window == "hamming" else np.hanning(size) ** 0.85
    return shape.astype(np.float32)


@cache
def _bands(sample_rate: int, fft: int, bands: int) -> Floats:
    """(bins, bands). Kaldi leaves out the last bin, at half the sample rate."""
    edges = np.linspace(_mel(np.array(_LOWEST)), _mel(np.array(sample_rate / 2)), bands + 2)
    hertz = np.arange(fft // 2) * sample_rate / fft
    return triangles(_mel(hertz), edges).astype(np.float32)


def _mel(hertz: Doubles) -> Doubles:
    return 1127 * np.log(1 + hertz / 700)
