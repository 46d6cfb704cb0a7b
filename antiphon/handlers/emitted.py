"""What functions return or yield as sound."""

import operator
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..core.audio.convert import to_pcm
from ..core.audio.frames import AudioFrame
from ..core.audio.resample import check_rate
from .results import AdditionalOutputs, CloseStream, Parts, parts_of

__all__ = ("Emitted", "Sound", "sound_of")

Sound = AudioFrame | tuple[int, npt.NDArray[Any]] | tuple[int, npt.NDArray[Any], str]
"""A frame, or (sample rate in Hz, array), or these and "mono" or "stereo"."""

_Control = AdditionalOutputs | CloseStream

Emitted = Sound | _Control | tuple[Sound | _Control | None, ...] | None
"""What an `emit` returns, or a generator yields; None for nothing."""

_LAYOUTS = ("mono", "stereo")


def sound_of(result: object) -> Parts:
    """A result whose media is an `AudioFrame`, or None: no sound is none, too.

    Arrays are as `Call.send_audio` takes them. The layout "stereo" is for shape (2, n). Raises
    TypeError, ValueError.
    """
    parts = parts_of(result)
    frame = _frame(parts.media)
    return Parts(frame if frame is not None and frame.pcm else None, parts.outputs, parts.close)


def _frame(media: Any) -> AudioFrame | None:
    match media:
        case None | AudioFrame():
            return media
        case (rate, np.ndarray()):
            return _made(rate, media[1])
        case (rate, np.ndarray(), layout):
            if layout not in _LAYOUTS:
                raise ValueError(f"the layout of sound is one of {_LAYOUTS}, not {layout!r}")
            if layout == "stereo" and media[1].shape[:-1] != (2,):
                raise ValueError(f"stereo sound has shape (2, n), not {media[1].shape}")
            return _made(rate, media[1])
        case _:
            raise TypeError(
                "sound is (sample rate, array) or an AudioFrame, alone or in a tuple before"
                f" AdditionalOutputs and CloseStream, not {_described(media)}"
            )


def _made(rate: Any, samples: npt.NDArray[Any]) -> AudioFrame:
    try:
        checked = check_rate(operator.index(rate))
    except TypeError:
        raise TypeError(f"a sample rate is a whole number, not {rate!r}") from None
    return AudioFrame(to_pcm(samples), checked)


def _described(media: Any) -> str:
    if isinstance(media, tuple):
        return f"({', '.join(type(item).__name__ for item in cast(tuple[object, ...], media))})"
    return type(media).__name__
