"""The spectrum that GE2E was trained on: mel power, as librosa has it since 0.10.

Frames of 25 ms each 10 ms, centred, with zeros beyond either end; bands as in Slaney's Auditory
Toolbox, each of area 1. Power, not its logarithm.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from .spectrum import band_powers, framed, triangles

__all__ = ("BANDS", "HOP", "RATE", "mel_powers")

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

RATE = 16_000  # Hz
HOP = 160  # samples
BANDS = 40
_FRAME = 400
_LINEAR = 1000.0  # Hz up to which a mel is 200 / 3 Hz; above, there are 27 to each factor of 6.4


def mel_powers(speech: Floats, frames: int) -> Floats:
    """The first `frames` of speech at 16 kHz, full scale 1, as an array of shape (frames, BANDS).

    Beyond its end is silence.
    """
    padded = np.zeros((frames - 1) * HOP + _FRAME, np.float32)
    heard = speech[: len(padded) - _FRAME // 2]
    padded[_FRAME // 2 :][: len(heard)] = heard
    return band_powers(framed(padded, _FRAME, HOP), _window(), _FRAME, _bands())


@cache
def _window() -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)


@cache
def _bands() -> Floats:
    """(bins, bands)"""
    highest = 15 + 27 * float(np.log(RATE / 2 / _LINEAR) / np.log(6.4))
    edges = _hertz(np.linspace(0, highest, BANDS + 2))
    hertz = np.arange(_FRAME // 2 + 1) * RATE / _FRAME
    areas = (edges[2:] - edges[:-2]) / 2
    return (triangles(hertz, edges) / areas).astype(np.float32)


def _hertz(mels: Doubles) -> Doubles:
    linear = mels * (_LINEAR / 15)
    return np.where(mels < 15, linear, _LINEAR * 6.4 ** ((mels - 15) / 27))
