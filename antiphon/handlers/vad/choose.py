"""Which engine tells speech from other sound."""

import logging
from collections.abc import Callable
from functools import cache

from ...core.models import VoiceActivityModel
from .compact import CompactModel
from .silero import SileroModel, silero_file

__all__ = ("ENGINES", "voice_activity_model")

log = logging.getLogger("antiphon")

_SHAPE = ("name", "threshold", "blocking", "detector")


def voice_activity_model(which: str | VoiceActivityModel) -> VoiceActivityModel:
    """The engine of that name, loaded once in a process; a model comes back as it is.

    "auto" is Silero where the extra `vad` is installed, else compact. ValueError for another name,
    TypeError for what is no VoiceActivityModel, MissingExtraError for "silero" without the extra.
    """
    if not isinstance(which, str):
        return _checked(which)
    if which == "auto":
        which = "silero" if silero_file() is not None else "compact"
    if which not in ENGINES:
        raise ValueError(f"voice activity by {which!r}; allowed: auto, {', '.join(ENGINES)}")
    return _loaded(which)


@cache
def _loaded(name: str) -> VoiceActivityModel:
    model = ENGINES[name]()
    log.debug("voice activity by %s", name)
    return model


ENGINES: dict[str, Callable[[], VoiceActivityModel]] = {
    "silero": SileroModel,
    "compact": CompactModel,
}
"""By name, what loads it anew."""


def _checked(model: VoiceActivityModel) -> VoiceActivityModel:
    missing = [name for name in _SHAPE if not hasattr(model, name)]
    if isinstance(model, type) or missing:
        seen = repr(model) if isinstance(model, type) else f"a {type(model).__name__}"
        without = f" without {', '.join(missing)}" if missing else ""
        raise TypeError(
            f"voice activity by {seen}{without}; allowed: auto, {', '.join(ENGINES)},"
            f" or an object with {', '.join(_SHAPE)}"
        )
    return model
