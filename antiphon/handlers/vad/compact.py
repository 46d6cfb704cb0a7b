"""The voice activity engine that comes with the package: NumPy, a few tens of microseconds a frame.

Each frame of 30 ms is measured (spectrum.py), set against the quietest it has been of late, and
shown to a network: one layer that sees, one that remembers (a gated recurrent layer without reset
gate, as in Ravanelli et al. 2018), one that judges. The weights were trained for this project by
`benchmarks/train_voice_activity.py`; compact.md says on what. `benchmarks/voice_activity.py`
measures how well it hears and what a frame costs.
"""

import math
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples
from .spectrum import BANDS, MEASURES, QUIETEST, Spectrum, spectrum_of

__all__ = ("FALL", "INPUTS", "RISE", "CompactDetector", "CompactModel", "Weights")

Floats = npt.NDArray[np.float32]

FALL = 0.3
"""How much of the way down to a weaker frame the floor of a band falls."""
RISE = 0.02
"""Nepers of power by which it rises in a stronger one: 2.9 dB a second."""
INPUTS = MEASURES + BANDS
"""What the network sees of a frame: its measures, then how far the bands are above floor."""

_WEIGHTS_FILE = "compact.npz"


class Weights(msgspec.Struct, frozen=True, eq=False):
    """The network. In each matrix the last row belongs to an input that is always 1."""

    see: Floats
    """(INPUTS + 1, seen)"""
    gate: Floats
    """(seen + remembered + 1, 2 * remembered): halves of what opens a memory, then candidates."""
    judge: Floats
    """(seen + remembered + 1,)"""
    origin: str
    """Who trained this, on what, and under which licence it may be used."""


@cache
def weights() -> Weights:
    """Read the weights that come with the package, once."""
    with (
        files("antiphon.handlers.vad").joinpath(_WEIGHTS_FILE).open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return Weights(
            see=np.ascontiguousarray(arrays["see"], np.float32),
            gate=np.ascontiguousarray(arrays["gate"], np.float32),
            judge=np.ascontiguousarray(arrays["judge"], np.float32),
            origin=str(arrays["origin"]),
        )


class CompactModel:
    """The weights that all calls share; a `VoiceActivityModel`."""

    name = "compact"
    threshold = 0.5
    blocking = False

    def __init__(self) -> None:
        self._weights = weights()

    def detector(self, sample_rate: int) -> "CompactDetector":
        """A detector for one stream. ValueError for a rate that is not 8,000 to 48,000 Hz."""
        if not 8_000 <= sample_rate <= 48_000:
            raise ValueError(f"a detector hears 8000 to 48000 Hz, not {sample_rate}")
        return CompactDetector(self._weights, spectrum_of(sample_rate))


class CompactDetector:
    """Hears one stream, frame after frame; a `VoiceActivityDetector`."""

    def __init__(self, weights: Weights, spectrum: Spectrum) -> None:
        seen, remembered = weights.see.shape[1], weights.gate.shape[1] // 2
        self._weights = weights
        self._spectrum = spectrum
        self._shape = (spectrum.frame_samples,)
        self._windowed = np.empty(spectrum.frame_samples, np.float32)
        self._amplitudes = np.empty(len(spectrum.bands), np.float32)
        self._powers = np.empty(len(spectrum.bands), np.float32)
        self._combs = np.empty(spectrum.pitches.shape[1], np.float32)
        self._step = np.empty(BANDS, np.float32)
        self._floor = np.empty(BANDS, np.float32)
        # These two end in the 1 that carries the bias.
        self._inputs = np.ones(INPUTS + 1, np.float32)
        self._judged = np.ones(seen + remembered + 1, np.float32)
        self._driven = np.empty(2 * remembered, np.float32)
        self._levels = self._inputs[:BANDS]
        self._above = self._inputs[MEASURES:INPUTS]
        self._seen, self._memory = self._judged[:seen], self._judged[seen:-1]
        self._opening, self._candidate = self._driven[:remembered], self._driven[remembered:]
        self.reset()

    @property
    def frame_samples(self) -> int:
        """30 ms of samples, or up to 3 % less where 30 ms is no convenient number."""
        return self._spectrum.frame_samples

    def reset(self) -> None:
        """Forget all sound so far."""
        self._knows_floor = False
        self._memory.fill(0)

    def probability(self, frame: Samples) -> float:
        """That the next frame holds speech. Exact silence is 0, and what follows it is judged
        afresh. ValueError if the shape is not (frame_samples,).
        """
        if frame.shape != self._shape:
            raise ValueError(f"a frame of shape {frame.shape}; this detector takes {self._shape}")
        windowed = np.multiply(frame, self._spectrum.window, out=self._windowed)
        if windowed.dot(windowed) == 0:
            self._memory.fill(0)
            return 0.0
        self._look_at(windowed)
        return self._judge()

    def _look_at(self, windowed: Floats) -> None:
        spectrum = self._spectrum
        bins = np.fft.rfft(windowed)[spectrum.first_bin : spectrum.last_bin]
        amplitudes = np.abs(bins, out=self._amplitudes, casting="same_kind")
        powers = np.multiply(amplitudes, amplitudes, out=self._powers)
        levels = powers.dot(spectrum.bands, out=self._levels)
        levels += QUIETEST
        np.log(levels, out=levels)
        combs = amplitudes[: len(spectrum.pitches)].dot(spectrum.pitches, out=self._combs)
        self._inputs[BANDS] = combs[1 + combs[1:].argmax()] / (combs[0] + QUIETEST)
        self._compare_with_floor(levels)

    def _compare_with_floor(self, levels: Floats) -> None:
        if not self._knows_floor:
            self._knows_floor = True
            self._floor[:] = levels
        above = np.subtract(levels, self._floor, out=self._above)
        step = np.minimum(above, RISE, out=self._step)
        self._floor += np.maximum(step, FALL * step, out=step)

    def _judge(self) -> float:
        network, memory, opening = self._weights, self._memory, self._opening
        seen = self._inputs.dot(network.see, out=self._seen)
        np.maximum(seen, 0, out=seen)
        driven = self._judged.dot(network.gate, out=self._driven)
        np.tanh(driven, out=driven)
        # The logistic function of a is (1 + tanh(a / 2)) / 2; the weights are halved already.
        opening += 1
        opening *= 0.5
        opening *= np.subtract(self._candidate, memory, out=self._candidate)
        memory += opening
        return 0.5 + 0.5 * math.tanh(0.5 * float(self._judged.dot(network.judge)))
