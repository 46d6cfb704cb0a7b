"""What the embedded speaker encoder is shown of speech: cepstra and how they change, per 10 ms.

Mel-frequency cepstra (Davis and Mermelstein 1980) without the one that is loudness. The mean of
each is taken away, and with it most of what a microphone or a line does to the spectrum.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from .spectrum import band_powers, framed, triangles

__all__ = ("DIMENSIONS", "FRAME", "RATE", "cepstra")

Floats = npt.NDArray[np.float32]

RATE = 16_000  # Hz
FRAME = 400  # samples, 25 ms
DIMENSIONS = 38
"""19 cepstra, then their slopes."""

_HOP = RATE // 100
_FFT = 512
_CEPSTRA = DIMENSIONS // 2
_BANDS = 30
_LOWEST, _HIGHEST = 60.0, 7600.0  # Hz
_EMPHASIS = 0.97
_SILENCE = 100.0  # about what rounding to int16 leaves in a band
_SLOPE_REACH = 2  # frames to either side


def cepstra(speech: Floats) -> Floats:
    """Speech at 16 kHz, int16-scaled, FRAME samples or more (else ValueError), as an array of
    shape (frames, DIMENSIONS).
    """
    if len(speech) < FRAME:
        raise ValueError(f"{len(speech)} samples; a frame has {FRAME}")
    found = np.log(_band_powers(speech) + _SILENCE) @ _cosines()
    found -= found.mean(axis=0)
    return np.hstack((found, _slopes(found)))


def _band_powers(speech: Floats) -> Floats:
    emphasised = speech.copy()
    emphasised[1:] -= np.float32(_EMPHASIS) * speech[:-1]
    return band_powers(framed(emphasised, FRAME, _HOP), _window(), _FFT, _bands())


def _slopes(found: Floats) -> Floats:
    """The line through five frames that fits best."""
    padded = np.pad(found, ((_SLOPE_REACH, _SLOPE_REACH), (0, 0)), mode="edge")
    near = padded[3:-1] - padded[1:-3]
    far = padded[4:] - padded[:-4]
    slopes: Floats = ((near + 2 * far) / 10).astype(np.float32)
    return slopes


@cache
def _window() -> Floats:
    return np.hamming(FRAME).astype(np.float32)


@cache
def _bands() -> Floats:
    """Triangles, evenly spaced in mels (O'Shaughnessy's formula): (bins, bands)."""
    mels = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), _BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.arange(_FFT // 2 + 1) * RATE / _FFT
    return triangles(hertz, edges).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


@cache
def _cosines() -> Floats:
    """The cosine transform of the bands' levels, orthonormal: (bands, cepstra)."""
    middles = np.arange(_BANDS)[:, np.newaxis] + 0.5
    waves = np.cos(np.pi * middles * np.arange(1, _CEPSTRA + 1) / _BANDS)
    cosines: Floats = (waves * np.sqrt(2 / _BANDS)).astype(np.float32)
    return cosines
