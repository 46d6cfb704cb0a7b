"""What the compact voice activity network is shown of a frame: band levels and how periodic it is.

Everything is laid out in Hz, so a frame of 30 ms gives the same figures at every sample rate.
"""

from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("BANDS", "MEASURES", "QUIETEST", "Spectrum", "measure", "spectrum_of")

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

BANDS = 20
MEASURES = BANDS + 1
"""Figures about a frame: log powers of the bands, and its periodicity, 0 to 1."""

_LOWEST, _HIGHEST = 80.0, 7700.0  # Hz: below is hum, above is little that speech needs
_VOICE_HIGHEST = 2500.0  # Hz: above it, harmonics are lost in breath
_PITCHES = np.geomspace(60.0, 400.0, 48)  # Hz
QUIETEST = 1.0
"""int16 steps, squared: what is weaker than noise of that power is as good as nothing."""
_REFERENCE_RATE = 16_000  # Hz: powers are those of the same sound at this rate


class Spectrum(msgspec.Struct, frozen=True, eq=False):
    """How frames of one sample rate are measured."""

    frame_samples: int
    window: Floats
    """(frame_samples,)"""
    first_bin: int
    last_bin: int
    """Of the Fourier transform, the bins first_bin <= n < last_bin are looked at."""
    bands: Floats
    """(bins, BANDS): power in each band. What lies above half the sample rate stays empty, as it
    is in a call that came through a telephone line.
    """
    pitches: Floats
    """(lower bins, 1 + pitches): column 0 sums amplitudes, the others add those at the harmonics
    of one pitch and take away those between.
    """


@lru_cache(maxsize=16)
def spectrum_of(sample_rate: int) -> Spectrum:
    """The layout for one sample rate, 8,000 to 48,000 Hz."""
    samples = frame_samples_of(sample_rate)
    step = sample_rate / samples
    # Flat in the middle half: frames do not overlap, and no onset may fall between two.
    window = np.minimum(1.0, 2 * np.sin(np.pi * (np.arange(samples) + 0.5) / samples) ** 2)
    window *= np.sqrt(_REFERENCE_RATE / sample_rate / np.sum(window**2))
    first = int(np.ceil(_LOWEST / step))
    last = min(int(_HIGHEST / step), samples // 2) + 1
    hertz: Doubles = step * np.arange(first, last, dtype=np.float64)
    return Spectrum(
        frame_samples=samples,
        window=window.astype(np.float32),
        first_bin=first,
        last_bin=last,
        bands=_band_weights(hertz, step).astype(np.float32),
        pitches=_pitch_weights(hertz[hertz < _VOICE_HIGHEST]).astype(np.float32),
    )


def frame_samples_of(sample_rate: int) -> int:
    """30 ms, or a little less where its Fourier transform would be slow: 11025, 22050 Hz."""
    return sample_rate * 3 // 100 // 30 * 30


def _band_weights(hertz: Doubles, step: float) -> Doubles:
    """Triangles, evenly spaced in mels (O'Shaughnessy's formula)."""
    mels = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz[:, np.newaxis] - low) / (middle - low)
    falling = (high - hertz[:, np.newaxis]) / (high - middle)
    triangles: Doubles = np.maximum(0, np.minimum(rising, falling))
    return np.multiply(triangles, step / ((high - low) / 2))


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _pitch_weights(hertz: Doubles) -> Doubles:
    taper = np.cos(np.pi / 2 * hertz / _VOICE_HIGHEST)
    harmonics = np.cos(2 * np.pi * hertz[:, np.newaxis] / _PITCHES)
    weights: Doubles = np.hstack((np.ones((len(hertz), 1)), harmonics))
    return np.multiply(taper[:, np.newaxis], weights)


def measure(frames: npt.NDArray[np.float32], spectrum: Spectrum) -> Floats:
    """Many frames (n, frame_samples) of int16-scaled sound at once: (n, MEASURES)."""
    spectra = np.fft.rfft(frames * spectrum.window, axis=1)
    amplitudes: Floats = np.abs(spectra[:, spectrum.first_bin : spectrum.last_bin])
    amplitudes = amplitudes.astype(np.float32)
    levels = np.log(amplitudes**2 @ spectrum.bands + QUIETEST)
    combs = amplitudes[:, : len(spectrum.pitches)] @ spectrum.pitches
    periodicity = combs[:, 1:].max(axis=1) / (combs[:, 0] + QUIETEST)
    return np.column_stack((levels, periodicity)).astype(np.float32)
