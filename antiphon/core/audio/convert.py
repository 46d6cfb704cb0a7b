"""What handlers give, made int16 PCM."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ("channels_first", "odd_pcm", "to_float32", "to_int16", "to_pcm")

_INT16 = np.dtype("<i2")
_LOWEST, _HIGHEST = -32768, 32767
_FULL_SCALE = 32768  # 1.0 is one step above the highest sample, so that -1.0 is the lowest


def odd_pcm(pcm: bytes) -> ValueError:
    """The error to raise for PCM that ends in half a sample."""
    return ValueError(f"int16 PCM takes two bytes a sample, got an odd count of {len(pcm)} bytes")


def to_pcm(audio: npt.NDArray[Any]) -> bytes:
    """Mono int16 little-endian PCM of one stretch of sound, of any byte order and memory layout.

    Takes shapes (n,), (1, n), (n, 1) and stereo (2, n), which becomes the mean of its channels;
    (2, 1) is stereo. int16 and int32 count int16 steps (int32 is room for sums, not a finer
    scale), float32 and float64 have 1.0 at 32768. What is out of range is clipped, NaN is 0.
    TypeError for another dtype, ValueError for another shape.
    """
    full_scale = _full_scale(audio.dtype)
    channels = channels_first(audio)
    if len(channels) == 1 and channels.dtype.kind == "i":
        return _clipped(channels).tobytes()
    with np.errstate(over="ignore", invalid="ignore"):  # clipped as infinity, or NaN: inf - inf
        steps = channels.sum(axis=0, dtype=np.float64) * (full_scale / len(channels))
    return _rounded(steps).tobytes()


def to_int16(audio: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """The same sound as int16, in an array of its own of the same shape, whatever that is. Scales,
    clipping and TypeError as of `to_pcm`.
    """
    full_scale = _full_scale(audio.dtype)
    if audio.dtype.kind == "i":
        return _clipped(audio)
    return _rounded(np.asarray(audio, np.float64) * full_scale)


def to_float32(audio: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """The same sound as float32, 1.0 at 32768, in an array of its own of the same shape. Nothing is
    clipped. TypeError as of `to_pcm`.
    """
    return np.asarray(audio * (_full_scale(audio.dtype) / _FULL_SCALE), np.float32)


def _rounded(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    steps[np.isnan(steps)] = 0
    return _clipped(np.rint(steps))


def _clipped(steps: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    if steps.dtype.itemsize > 2:
        steps = steps.clip(_LOWEST, _HIGHEST)
    return steps.astype(_INT16)


def _full_scale(dtype: np.dtype[Any]) -> int:
    match dtype.kind, dtype.itemsize:
        case ("i", 2 | 4):
            return 1
        case ("f", 4 | 8):
            return _FULL_SCALE
        case _:
            raise TypeError(f"audio is {dtype}; allowed: int16, int32, float32, float64")


def channels_first(audio: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sound of any of the allowed shapes as (1 or 2, n), a view. ValueError for another shape."""
    match audio.shape:
        case (n,):
            return audio.reshape(1, n)
        case (1 | 2, _):
            return audio
        case (_, 1):
            return audio.T
        case shape:
            raise ValueError(f"audio has shape {shape}; allowed: (n,), (1, n), (n, 1), (2, n)")
