"""The speaker encoder that comes with the package: a demonstration, NumPy alone, small and quick.

Speech becomes cepstra (cepstra.py), cepstra become shifts of a mixture's means (mixture.py), and a
linear discriminant keeps of them what tells speakers apart and channels do not change (as in
Dehak et al. 2011, without their factor analysis). The weights and the calibration were trained for
this project by `benchmarks/train_speaker_model.py`; gmm.md says on what. What it is worth is
measured by `benchmarks/speaker_verification.py` and told in docs/verification.md: similarity to
show and to test with, nothing to open doors by.
"""

import hashlib
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples
from ...core.speech.calibration import Calibration
from ...core.speech.template import MODEL_HASH
from .cepstra import FRAME, RATE, cepstra
from .mixture import Mixture, shifts
from .rates import at_rate

__all__ = ("GmmEncoder", "Weights", "weights")

Floats = npt.NDArray[np.float32]

_WEIGHTS_FILE = "gmm.npz"


class Weights(msgspec.Struct, frozen=True, eq=False):
    """All that was trained."""

    mixture: Mixture
    mean: Floats
    """Of the shifts of all speakers: (shifts,)."""
    projection: Floats
    """(shifts, dimension)"""
    centre: Floats
    """Of the projected, (dimension,)."""
    calibration: Calibration
    origin: str
    """Who trained this, on what, and under which licence it may be used."""


@cache
def weights() -> Weights:
    """Read the weights that come with the package, once."""
    with (
        files("antiphon.handlers.verify").joinpath(_WEIGHTS_FILE).open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        scale, offset = arrays["calibration"].tolist()
        return Weights(
            mixture=Mixture(arrays["shares"], arrays["means"], arrays["variances"]),
            mean=arrays["mean"].astype(np.float32),
            projection=arrays["projection"] * arrays["steps"],
            centre=arrays["centre"],
            calibration=Calibration(scale, offset),
            origin=str(arrays["origin"]),
        )


@cache
def _hash() -> bytes:
    """Of the file: another training makes other templates. A test holds the code to its results."""
    file = files("antiphon.handlers.verify").joinpath(_WEIGHTS_FILE)
    return hashlib.sha256(file.read_bytes()).digest()[:MODEL_HASH]


class GmmEncoder:
    """A `SpeakerEncoder`."""

    name = "gmm (demonstration)"
    engine = "gmm"
    demonstration = True
    blocking = True

    def __init__(self) -> None:
        self._weights = weights()
        self.model_hash = _hash()
        self.dimension = self._weights.projection.shape[1]
        self.calibration = self._weights.calibration

    def embedding(self, speech: Samples, sample_rate: int) -> Floats:
        """Speech at 8,000 to 192,000 Hz, 25 ms or more (else ValueError), as (dimension,)."""
        return _embedding(at_rate(speech, sample_rate, RATE, FRAME), self._weights)


def _embedding(speech: Floats, trained: Weights) -> Floats:
    """Of speech at 16 kHz, int16-scaled."""
    shifted = shifts(cepstra(speech), trained.mixture) - trained.mean
    # To length 1, for the length tells how long the speech was, and nothing of the speaker.
    unit = (shifted / np.linalg.norm(shifted)).astype(np.float32)
    embedding: Floats = unit @ trained.projection - trained.centre
    return embedding
