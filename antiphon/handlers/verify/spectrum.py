"""What the front ends of speaker encoders have in common."""

import numpy as np
import numpy.typing as npt

__all__ = ("band_powers", "framed", "triangles")

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_BLOCK = 256  # frames looked at together: 2 MB however long the speech is


def framed(sound: Floats, size: int, hop: int) -> Floats:
    """The frames that fit into it whole, as a view (frames, size)."""
    return np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]


def triangles(places: Doubles, edges: Doubles) -> Doubles:
    """How much each of (places,) belongs to each band, between an edge and the next but one:
    (places, edges - 2).
    """
    column = places[:, np.newaxis]
    rising = (column - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - column) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def band_powers(frames: Floats, window: Floats, fft: int, bands: Floats) -> Floats:
    """Frames (n, size) by a window (size,) and bands (bins, bands) as powers (n, bands). `fft` is
    the length of the transform; it has as many bins as the bands have, or more.
    """
    powers = np.empty((len(frames), bands.shape[1]), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectra = np.fft.rfft(frames[start : start + _BLOCK] * window, fft, axis=1)
        strengths = (spectra.real**2 + spectra.imag**2).astype(np.float32)
        powers[start : start + _BLOCK] = strengths[:, : len(bands)] @ bands
    return powers
