"""Tells whether what comes back is an echo of what was sent, so that loss can be counted."""

import numpy as np
import numpy.typing as npt

from .meter import level

__all__ = ("EchoProbe",)

REFERENCE = 1.0  # seconds of sent sound that are looked for
SHORTEST = 0.1  # seconds; less than that is found in anything
SEARCH = 6.0  # seconds of the answer in which they are looked for
QUIET = -50.0  # dBFS: the reference begins with the first frame above it
ALIKE = 0.5  # of 1: speech through G.711 and two resamplers has 0.99, other speech below 0.2


class EchoProbe:
    """Keeps the first second that is not silent, and the answer from then on for six seconds."""

    def __init__(self, sample_rate: int) -> None:
        self._sent = bytearray()
        self._heard = bytearray()
        self._sent_bound = int(REFERENCE * sample_rate) * 2
        self._heard_bound = int(SEARCH * sample_rate) * 2
        self._least = int(SHORTEST * sample_rate) * 2

    def sent(self, pcm: bytes) -> None:
        """A frame goes out."""
        if len(self._sent) < self._sent_bound and (self._sent or level(pcm) > QUIET):
            self._sent += pcm

    def heard(self, pcm: bytes) -> None:
        """A frame came in."""
        if self._sent and len(self._heard) < self._heard_bound:
            self._heard += pcm

    @property
    def found(self) -> bool:
        """Whether the sent sound is in the answer."""
        if min(len(self._sent), len(self._heard)) < self._least:
            return False
        return _likeness(_floats(self._sent), _floats(self._heard)) >= ALIKE


def _floats(pcm: bytearray) -> npt.NDArray[np.float64]:
    return np.frombuffer(bytes(pcm), "<i2").astype(np.float64)


def _likeness(reference: npt.NDArray[np.float64], answer: npt.NDArray[np.float64]) -> float:
    """The highest normalised cross-correlation, 0 to 1, over all places that the reference may
    have in the answer.
    """
    # Where frames were lost, what follows comes before its time.
    answer = np.concatenate((np.zeros(len(reference)), answer))
    size = 1 << (len(reference) + len(answer)).bit_length()
    spectrum = np.fft.rfft(answer, size) * np.conj(np.fft.rfft(reference, size))
    products = np.fft.irfft(spectrum, size)[: len(answer)]
    sums = np.concatenate(((0.0,), np.cumsum(answer * answer)))
    ends = np.minimum(np.arange(len(answer)) + len(reference), len(answer))
    energies = sums[ends] - sums[:-1]
    whole = float(reference @ reference)
    # A place where little of the answer lies under the reference proves nothing.
    scale = np.sqrt(whole * np.maximum(energies, 0.25 * whole))
    return float(np.max(products / scale))
