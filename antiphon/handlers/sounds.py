"""The sound that a function gives, made frames."""

from collections.abc import Iterator
from operator import index
from typing import Any, SupportsIndex, TypeGuard, cast

import numpy as np
import numpy.typing as npt

from ..core.audio.convert import channels_first, to_pcm
from ..core.audio.frames import AudioFrame

__all__ = ("AudioEmitType", "frames_of")

AudioEmitType = AudioFrame | tuple[int, npt.NDArray[Any]] | tuple[int, npt.NDArray[Any], str]
"""A frame; (sample rate in Hz, array); or that and "mono" or "stereo". Arrays are int16, int32 or
float (full scale 1.0), of shape (n,), (1, n), (n, 1), or (2, n) for stereo, which is mixed to mono.
"""

_LAYOUTS: tuple[list[object], ...] = ([], ["mono"], ["stereo"])
_PIECE = 0.5  # seconds; converting and resampling more at a time would hold up other calls


def frames_of(media: object) -> Iterator[AudioFrame]:
    """The frames of a sound, of half a second at most. Raises TypeError, ValueError at the first
    step.
    """
    if isinstance(media, AudioFrame):
        yield from _cut(media)
        return
    match _items(media):
        case [SupportsIndex() as rate, samples, *layout] if (
            _is_array(samples) and layout in _LAYOUTS
        ):
            pass
        case _:
            raise TypeError(
                "a sound is (sample rate, array), or that and 'mono' or 'stereo', or an AudioFrame,"
                f" not {_described(media)}"
            )
    if layout:
        _check_layout(samples, str(layout[0]))
    yield from _convert(index(rate), samples)


def _items(media: object) -> list[object]:
    return [*cast(tuple[object, ...], media)] if isinstance(media, tuple) else []


def _is_array(item: object) -> TypeGuard[npt.NDArray[Any]]:
    return isinstance(item, np.ndarray)


def _cut(frame: AudioFrame) -> Iterator[AudioFrame]:
    step = 2 * max(1, int(_PIECE * frame.sample_rate))
    if len(frame.pcm) <= step:
        yield frame
        return
    for start in range(0, len(frame.pcm), step):
        yield AudioFrame(frame.pcm[start : start + step], frame.sample_rate, frame.pts + start // 2)


def _convert(sample_rate: int, samples: npt.NDArray[Any]) -> Iterator[AudioFrame]:
    if sample_rate <= 0:
        raise ValueError(f"a sample rate is more than 0 Hz, not {sample_rate}")
    channels = channels_first(samples)
    step = max(1, int(_PIECE * sample_rate))
    for start in range(0, channels.shape[1], step):
        yield AudioFrame(to_pcm(channels[:, start : start + step]), sample_rate, start)


def _check_layout(samples: npt.NDArray[Any], layout: str) -> None:
    count = len(channels_first(samples))
    if count != (2 if layout == "stereo" else 1):
        raise ValueError(f"{layout} sound does not have shape {samples.shape}")


def _described(media: object) -> str:
    if isinstance(media, tuple):
        return f"({', '.join(type(item).__name__ for item in _items(media))})"
    return type(media).__name__
