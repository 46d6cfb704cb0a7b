"""Which engine tells voices apart."""

import logging
from collections.abc import Callable
from functools import cache

from ...core.models import SpeakerEncoder
from .ge2e import Ge2eEncoder
from .ge2e_weights import ge2e_file
from .gmm import GmmEncoder
from .onnx_encoder import OnnxEncoder

__all__ = ("ENCODERS", "speaker_encoder")

log = logging.getLogger("antiphon")

_NETWORK = ".onnx"
_SHAPE = ("name", "engine", "model_hash", "dimension", "calibration", "embedding")


def speaker_encoder(which: str | SpeakerEncoder) -> SpeakerEncoder:
    """The engine of that name, loaded once in a process; an encoder comes back as it is.

    "auto" is GE2E where its weights are installed, else the demonstration; a name that ends in
    ".onnx" is the path of a network. ValueError for another name, TypeError for what is no
    SpeakerEncoder; ConfigurationError for "ge2e" without its weights, or with damaged ones, and for
    a network that cannot be used; MissingExtraError for one without the extra `verify`.
    """
    if not isinstance(which, str):
        return _checked(which)
    if which == "auto":
        which = "ge2e" if ge2e_file().is_file() else "gmm"
    if which not in ENCODERS and not which.endswith(_NETWORK):
        raise ValueError(
            f"speaker encoder {which!r}; allowed: auto, {', '.join(ENCODERS)}, the path of a file"
            f" *{_NETWORK}"
        )
    return _loaded(which)


@cache
def _loaded(name: str) -> SpeakerEncoder:
    encoder = OnnxEncoder(name) if name.endswith(_NETWORK) else ENCODERS[name]()
    log.debug("voices are told apart by %s", encoder.name)
    return encoder


ENCODERS: dict[str, Callable[[], SpeakerEncoder]] = {
    "ge2e": Ge2eEncoder,
    "gmm": GmmEncoder,
}
"""By name, what loads it anew."""


def _checked(encoder: SpeakerEncoder) -> SpeakerEncoder:
    missing = [name for name in _SHAPE if not hasattr(encoder, name)]
    if isinstance(encoder, type) or missing:
        seen = repr(encoder) if isinstance(encoder, type) else f"a {type(encoder).__name__}"
        without = f" without {', '.join(missing)}" if missing else ""
        raise TypeError(
            f"speaker encoder {seen}{without}; allowed: auto, {', '.join(ENCODERS)},"
            f" or an object with {', '.join(_SHAPE)}"
        )
    return encoder
