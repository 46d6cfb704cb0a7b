"""The speaker encoder GE2E as the package Resemblyzer has it, run by NumPy on weights that
`antiphon models install ge2e` brings.

Wan, Wang, Papir and Lopez Moreno (2018) tell how it is trained. What it is worth is measured by
`benchmarks/speaker_verification.py` and told in docs/verification.md.

Speech is raised to a level, and its mel powers are heard in stretches of 1.6 s that overlap; the
mean of what the network says of each is the embedding.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples
from ...core.speech.calibration import Calibration
from ...core.speech.template import MODEL_HASH
from .ge2e_network import network, voices
from .ge2e_weights import ge2e_file, read_weights, weights_hash
from .mel import HOP, RATE, mel_powers
from .rates import at_rate

__all__ = ("Ge2eEncoder", "stretches")

Floats = npt.NDArray[np.float32]

_STRETCH = 160  # frames
_STEP = 77  # frames: 1.3 stretches a second
_LEAST_FILLED = 0.75  # of the last stretch, if it is not the only one
_LEVEL = 10 ** (-30 / 20)  # -30 dBFS: what is weaker is raised to it
_FULL_SCALE = 32768


class Ge2eEncoder:
    """A `SpeakerEncoder` on the weights in `file`, or else on those installed.

    ConfigurationError where they are not, or are damaged.
    """

    name = "ge2e"
    engine = "ge2e"
    demonstration = False
    blocking = True
    dimension = 256
    # `benchmarks.speaker_verification --encoder ge2e --fit` on 251 speakers of LibriSpeech's
    # train-clean-100: clean templates, 1 to 5 s through other channels. A fit on half of them costs
    # the other half 0.50 bits (Cllr). Clean trials alone would put the threshold, a cosine of 0.60
    # here, at 0.70, above most of what one speaker scores over a telephone.
    calibration = Calibration(20.6, -12.4)

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or ge2e_file()
        weights = read_weights(self.file)
        self.model_hash = bytes.fromhex(weights_hash(weights))[:MODEL_HASH]
        self._network = network(weights)

    def embedding(self, speech: Samples, sample_rate: int) -> Floats:
        """Speech at 8,000 to 192,000 Hz, 10 ms or more (else ValueError), as (256,)."""
        sound = _raised(at_rate(speech, sample_rate, RATE, HOP) / np.float32(_FULL_SCALE))
        starts = stretches(len(sound))
        mels = mel_powers(sound, starts[-1] + _STRETCH)
        total = np.zeros(self.dimension, np.float32)
        for some in _shared_out(starts):
            heard = np.stack([mels[start : start + _STRETCH] for start in some])
            total += voices(heard, self._network).sum(axis=0)
        return total / max(float(np.linalg.norm(total)), 1e-9)


def stretches(samples: int) -> range:
    """The frames at which stretches begin, for so many samples: one at least."""
    frames = samples // HOP + 1
    count = max(1, -(-(frames - _STRETCH + _STEP + 1) // _STEP))
    last = (count - 1) * _STEP
    filled = (samples / HOP - last) / _STRETCH
    if count > 1 and filled < _LEAST_FILLED:
        count -= 1
    return range(0, count * _STEP, _STEP)


def _raised(sound: Floats) -> Floats:
    strength = float(np.sqrt(np.mean(np.square(sound))))
    return sound * np.float32(_LEVEL / strength) if 0 < strength < _LEVEL else sound


def _shared_out(starts: range) -> Iterator[range]:
    """By threes or sixteens: products of four to seven columns take OpenBLAS longer than their
    parts do.
    """
    size = 16 if len(starts) > 7 else 3
    for first in range(0, len(starts), size):
        yield starts[first : first + size]
