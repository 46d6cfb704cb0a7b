"""How far a coded sound is from its original, in figures that stand for what is heard.

The two are first laid over each other, to a sixteenth of a sample and in strength. Only frames
within 50 dB of the loudest count. Frames are 40 ms, half over each other, unless said otherwise.
"""

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("Quality", "align", "compare")

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

# Hz: the critical bands of Zwicker (1961), with two more up to 20 kHz.
_BARK_EDGES = (
    *(20, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700),
    *(3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500, 20000),
)
_FINER = 16  # steps of a sample in which the delay is searched
_SEARCHED = 4.0  # seconds of sound in which the delay is searched
_ACTIVE = 1e-5  # of the loudest frame's power
_QUIET = 30.0  # an error of that power per sample (int16 steps, squared) is heard by nobody: -75 dB


class Quality(msgspec.Struct, frozen=True):
    """One coded sound beside its original."""

    segmental_snr: float
    """dB, the mean over frames of 20 ms, each held between -10 and 35."""
    noise_to_mask: float
    """dB, noise over what the sound hides by itself, averaged over bands and frames (after ITU-R
    BS.1387, 'total NMR'): below about -10 nobody hears it, above 0 it is heard.
    """
    disturbed: float
    """% of frames in which some band's noise stands more than 1.5 dB above what is hidden."""
    spectral_distance: float
    """dB, root mean square difference of band levels: does not ask for the waveform."""
    band: float
    """Hz up to which the mean spectrum is within 6 dB of the original's."""
    delay: float
    """ms by which it came late."""
    gain: float
    """dB by which it came stronger."""


def compare(original: Floats, coded: Floats, rate: int) -> Quality:
    """Judge int16-scaled mono samples of one rate."""
    laid, delay, gain = align(original, coded, rate)
    original, laid = original[_inner(rate)], laid[_inner(rate)]
    clean = _bands(_spectra(original, rate), rate)
    noise = _bands(_spectra(original - laid, rate), rate)
    active = _active(clean.sum(axis=1))
    ratio: Floats = np.divide(noise[active], _masks(clean[active], rate))
    worst: Floats = np.max(ratio, axis=1)
    levels = _bands(_spectra(laid, rate), rate)[active]
    difference: Floats = np.subtract(_decibels(levels), _decibels(clean[active]))
    distances: Floats = np.sqrt(np.mean(np.square(difference), axis=1))
    return Quality(
        segmental_snr=_segmental_snr(original, laid, rate),
        noise_to_mask=float(10 * np.log10(np.mean(ratio))),
        disturbed=float(100 * np.mean(np.greater(worst, 10**0.15))),
        spectral_distance=float(np.mean(distances)),
        band=_band_limit(original, laid, rate),
        delay=1000 * delay,
        gain=20 * float(np.log10(gain)),
    )


def align(original: Floats, coded: Floats, rate: int) -> tuple[Floats, float, float]:
    """`coded` laid over `original`, the seconds it was late and the factor it was stronger by."""
    length = len(original)
    coded = np.resize(np.concatenate((coded, np.zeros(length))), length)
    steps = _late_steps(original, coded, rate)
    spectrum: Complexes = np.fft.rfft(coded)
    turns = np.arange(len(spectrum)) / length * steps / _FINER
    laid: Floats = np.fft.irfft(spectrum * np.exp(2j * np.pi * turns), length)
    inner = _inner(rate)
    gain = float(np.dot(laid[inner], original[inner]) / np.dot(original[inner], original[inner]))
    return laid / gain, steps / _FINER / rate, gain


def _inner(rate: int) -> slice:
    """Without the ends, where a shift has nothing to take from."""
    return slice(rate // 10, -rate // 10)


def _late_steps(original: Floats, coded: Floats, rate: int) -> int:
    size = 2 * min(len(original), round(_SEARCHED * rate))
    first: Complexes = np.fft.rfft(original[: size // 2], size)
    second: Complexes = np.fft.rfft(coded[: size // 2], size)
    alike: Floats = np.fft.irfft(second * first.conj(), size * _FINER)
    most = rate // 10 * _FINER  # 100 ms
    return int(np.argmax(np.concatenate((alike[-most:], alike[:most])))) - most


def _frames(samples: Floats, length: int, hop: int) -> Floats:
    windows: Floats = np.lib.stride_tricks.sliding_window_view(samples, length)
    return windows[::hop]


def _spectra(samples: Floats, rate: int) -> Floats:
    """Power of each frame and frequency: (frames, frequencies)."""
    length = rate // 25
    window = np.hanning(length)
    spectra: Complexes = np.fft.rfft(_frames(samples, length, length // 2) * window)
    return np.abs(spectra) ** 2 / float(np.sum(window**2))


def _edges(rate: int) -> list[int]:
    return [edge for edge in _BARK_EDGES if edge <= rate / 2]


def _bands(spectra: Floats, rate: int) -> Floats:
    """Power in each critical band below half the rate: (frames, bands)."""
    starts = [edge * 2 * (spectra.shape[1] - 1) // rate for edge in _edges(rate)]
    sums: Floats = np.add.reduceat(spectra, starts, axis=1)
    return sums[:, : len(starts) - 1]


def _masks(bands: Floats, rate: int) -> Floats:
    """The noise power that each band hides: neighbours by Schroeder's (1979) spreading, less the
    offset of ITU-R BS.1387, and never less than what is not heard at all.
    """
    count = bands.shape[1]
    bark: Floats = np.arange(1, count + 1, dtype=np.float64)
    apart: Floats = bark[:, np.newaxis] - bark + 0.474  # masked less masking
    spreading: Floats = 10 ** ((15.81 + 7.5 * apart - 17.5 * np.sqrt(1 + apart**2)) / 10)
    offset: Floats = 10 ** (-np.where(bark <= 12, 3.0, 0.25 * bark) / 10)
    widths: Floats = np.diff(_edges(rate)) / rate * 2
    hidden: Floats = bands @ spreading.T * offset
    return np.maximum(hidden, _QUIET * widths * (rate // 50))


def _active(power: Floats) -> npt.NDArray[np.bool_]:
    active: npt.NDArray[np.bool_] = power > _ACTIVE * float(power.max())
    return active


def _decibels(bands: Floats) -> Floats:
    return 10 * np.log10(bands + _QUIET)


def _segmental_snr(original: Floats, laid: Floats, rate: int) -> float:
    length = rate // 50
    power = np.mean(_frames(original, length, length) ** 2, axis=1)
    noise = np.mean(_frames(original - laid, length, length) ** 2, axis=1)
    active = _active(power)
    ratios: Floats = 10 * np.log10(power[active] / (noise[active] + 1e-9))
    return float(np.mean(ratios.clip(-10, 35)))


def _band_limit(original: Floats, laid: Floats, rate: int) -> float:
    wide = 250  # Hz a step
    means = [_spectra(samples, rate).mean(axis=0) for samples in (original, laid)]
    width = round(wide * 2 * (len(means[0]) - 1) / rate)
    usable = len(means[0]) // width * width
    steps = [10 * np.log10(mean[:usable].reshape(-1, width).sum(axis=1) + 1e-9) for mean in means]
    kept = np.flatnonzero(steps[1] - steps[0] > -6)
    return float((kept[-1] + 1) * wide) if len(kept) else 0.0
