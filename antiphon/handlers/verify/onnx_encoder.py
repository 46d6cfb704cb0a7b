"""A speaker network of the user's own, run by ONNX Runtime (extra `verify`).

Beside `model.onnx` lies `model.json`, which says what the network wants to hear and what its
scores are worth; docs/verification.md tells how to write and to fit one.
"""

import hashlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import msgspec
import numpy as np
import numpy.typing as npt

from ...core.audio.frames import Samples
from ...core.errors import ConfigurationError, MissingExtraError
from ...core.speech.calibration import Calibration
from ...core.speech.template import MAX_DIMENSION, MAX_ENGINE_ID, MODEL_HASH
from .fbank import Window, fbank, frame_size
from .rates import at_rate

__all__ = ("OnnxDescription", "OnnxEncoder", "read_description")

Floats = npt.NDArray[np.float32]

_FULL_SCALE = np.float32(32768)


class OnnxDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the JSON file. ValueError for what cannot be."""

    engine: str
    """For templates: 1 to 16 printable ASCII characters."""
    scale: float
    """The calibration: probability = 1 / (1 + exp(-(scale * cosine + offset)))."""
    offset: float
    input: Literal["waveform", "fbank"]
    """float32 (1, samples) with a full scale of 1; or float32 (1, frames, bands), see fbank.py."""
    sample_rate: int = 16_000
    """Hz, of what the network hears."""
    bands: int = 80
    """Of "fbank"."""
    window: Window = "hamming"
    """Of "fbank"."""

    def __post_init__(self) -> None:
        text = self.engine
        if not (text.isascii() and text.isprintable() and 0 < len(text) <= MAX_ENGINE_ID):
            raise ValueError(f"engine has 1 to {MAX_ENGINE_ID} printable ASCII characters")
        if not 8000 <= self.sample_rate <= 48_000:
            raise ValueError(f"sample_rate is {self.sample_rate}; allowed: 8000 to 48000")
        if not 8 <= self.bands <= 256:
            raise ValueError(f"bands is {self.bands}; allowed: 8 to 256")
        Calibration(self.scale, self.offset)


class _Value(Protocol):
    """An input or output of a network, as ONNX Runtime tells of it."""

    name: str
    type: str
    shape: list[int | str | None]


class _Session(Protocol):
    """What is used of `onnxruntime.InferenceSession`."""

    def get_inputs(self) -> list[_Value]: ...

    def get_outputs(self) -> list[_Value]: ...

    def run(
        self, output_names: list[str], input_feed: dict[str, Floats], /
    ) -> list[npt.NDArray[Any]]: ...


class OnnxEncoder:
    """A `SpeakerEncoder` on the network in `model`, described by the JSON file of the same name or
    by `description`.

    MissingExtraError without ONNX Runtime. ConfigurationError for a file that cannot be read, for a
    network that is not in one file, and for one that takes or gives something else.
    """

    demonstration = False
    blocking = True

    def __init__(self, model: str | Path, description: OnnxDescription | None = None) -> None:
        self.file = Path(model)
        self._wants = description or read_description(self.file.with_suffix(".json"))
        content = _content(self.file)
        self._session = _session(self.file, content)
        try:
            self._input, self._output = _ends(self.file, self._session, self._wants)
        except UnicodeDecodeError as error:  # the runtime decodes names when they are asked for
            raise ConfigurationError(f"{self.file} is damaged: a name is no text") from error
        self.engine = self._wants.engine
        self.name = f"onnx {self.engine}"
        self.calibration = Calibration(self._wants.scale, self._wants.offset)
        self.model_hash = _hash(content, self._wants)
        self.dimension = self._tried()

    def embedding(self, speech: Samples, sample_rate: int) -> Floats:
        """Speech at 8,000 to 192,000 Hz, 25 ms or more (else ValueError), as (dimension,).

        ConfigurationError where the network gives another number of figures for it, or such that
        are not finite: they would spoil the mean of all that is in a stream's context.
        """
        rate = self._wants.sample_rate
        found = self._heard(at_rate(speech, sample_rate, rate, frame_size(rate)))
        if len(found) != self.dimension:
            raise ConfigurationError(
                f"{self.file} gives {len(found)} figures, not {self.dimension} as before"
            )
        if not np.isfinite(found).all():
            raise ConfigurationError(f"{self.file} gives figures that are not finite")
        return found

    def _heard(self, sound: Floats) -> Floats:
        if self._wants.input == "waveform":
            given = sound / _FULL_SCALE
        else:
            given = fbank(sound, self._wants.sample_rate, self._wants.bands, self._wants.window)
        (found,) = self._session.run([self._output], {self._input: given[np.newaxis]})
        return np.asarray(found, np.float32).ravel()

    def _tried(self) -> int:
        """How many figures a second of noise gives, and two: the same number."""
        noise = np.random.default_rng(1).normal(0, 1000, 2 * self._wants.sample_rate)
        sound = noise.astype(np.float32)
        try:
            found = [self._heard(sound[: len(sound) // 2]), self._heard(sound)]
        except Exception as error:  # ONNX Runtime has no common class for its errors
            raise ConfigurationError(f"{self.file} does not run: {error}") from error
        sizes = [len(one) for one in found]
        if sizes[0] != sizes[1] or not 0 < sizes[0] <= MAX_DIMENSION:
            raise ConfigurationError(
                f"{self.file} gives {sizes[0]} figures for a second of sound and {sizes[1]} for"
                f" two; needed: as many, 1 to {MAX_DIMENSION}"
            )
        if not all(np.isfinite(one).all() and one.any() for one in found):
            raise ConfigurationError(f"{self.file} gives figures that are not finite, or only 0")
        return sizes[0]


def read_description(path: Path) -> OnnxDescription:
    """ConfigurationError for a file that is not there or not of this kind."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=OnnxDescription)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} has to describe the network beside it: {error}; see docs/verification.md"
        ) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"no network can be read: {error}") from error


def _session(path: Path, content: bytes) -> _Session:
    """Made from bytes, not the path: what runs is what was hashed, whole."""
    if find_spec("onnxruntime") is None:
        raise MissingExtraError("ONNX Runtime", "verify")
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    # Threads of its own would fight with those of other calls.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors, which are raised as well
    try:
        made = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common class for its errors
        raise ConfigurationError(
            f"ONNX Runtime does not take {path} (weights in a file beside it are not read): {error}"
        ) from error
    return cast("_Session", made)  # ONNX Runtime ships no types


def _ends(path: Path, session: _Session, wants: OnnxDescription) -> tuple[str, str]:
    """The names of the input and the output. ConfigurationError for others than are needed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or not _takes(inputs[0], wants):
        needed = "(1, samples)" if wants.input == "waveform" else f"(1, frames, {wants.bands})"
        raise ConfigurationError(
            f"{path} takes {_told(inputs)}; needed for {wants.input!r}: float {needed},"
            " with samples or frames of any number"
        )
    if len(outputs) != 1 or outputs[0].type != "tensor(float)":
        raise ConfigurationError(f"{path} gives {_told(outputs)}; needed: one embedding of floats")
    return inputs[0].name, outputs[0].name


def _takes(value: _Value, wants: OnnxDescription) -> bool:
    """Numbers in a shape are fixed sizes; anything else is free."""
    last = [] if wants.input == "waveform" else [wants.bands]
    needed = [1, None, *last]
    return (
        value.type == "tensor(float)"
        and len(value.shape) == len(needed)
        and all(not isinstance(s, int) or s == n for s, n in zip(value.shape, needed, strict=True))
    )


def _told(values: list[_Value]) -> str:
    return ", ".join(
        f"{one.name}: {one.type.removeprefix('tensor(').removesuffix(')')}"
        f" ({', '.join(str(size or '?') for size in one.shape)})"
        for one in values
    )


def _hash(content: bytes, wants: OnnxDescription) -> bytes:
    """Of all that changes embeddings."""
    digest = hashlib.sha256(content)
    heard = (wants.input, wants.sample_rate, wants.bands, wants.window)
    digest.update(repr(heard[:2] if wants.input == "waveform" else heard).encode("ascii"))
    return digest.digest()[:MODEL_HASH]
