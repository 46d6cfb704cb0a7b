"""Sound as bytes and files, and between sample formats, for handlers that talk to services."""

import io
import os
import tempfile
import warnings
import wave
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from ..core.audio.convert import channels_first, to_float32, to_int16
from ..core.audio.frames import Samples

__all__ = ("Format", "audio_to_bytes", "audio_to_file", "audio_to_float32", "audio_to_int16")

Array = npt.NDArray[Any]
Format = Literal["mp3", "wav"]


def audio_to_bytes(audio: tuple[int, Array], format: Format = "mp3") -> bytes:
    """The contents of a file with this sound: (sample rate in Hz, array).

    Arrays are int16, int32 or float, of shape (n,), (1, n), (n, 1) or stereo (2, n), which stays
    stereo. WAV is int16 at this rate. MP3 has 128 kbit/s, and a rate that MP3 does not know becomes
    the next higher one. It blocks some 20 ms for each second of MP3. Raises TypeError, ValueError.
    """
    sample_rate, samples = audio
    channels = channels_first(to_int16(samples))
    match format:
        case "wav":
            return _wav(sample_rate, channels)
        case "mp3":
            # PyAV is loaded when it is first used: it takes as long as all the rest.
            module: Any = import_module("antiphon.handlers.mp3")
            return cast(bytes, module.encode_mp3(sample_rate, channels))
        case _:
            raise ValueError(f"the format is 'mp3' or 'wav', not {format!r}")


def audio_to_file(audio: tuple[int, Array], format: Format = "mp3") -> str:
    """The path of a new temporary file with this sound, as `audio_to_bytes` makes it. Deleting it
    is left to the caller.
    """
    contents = audio_to_bytes(audio, format)
    handle, path = tempfile.mkstemp(suffix=f".{format}")
    os.close(handle)
    Path(path).write_bytes(contents)
    return path


def audio_to_float32(audio: Array | tuple[int, Array]) -> npt.NDArray[np.float32]:
    """An array of sound as float32, -1.0 to 1.0, of the same shape. int16 and int32 count steps of
    1/32768. Raises TypeError.
    """
    return to_float32(_alone(audio))


def audio_to_int16(audio: Array | tuple[int, Array]) -> Samples:
    """An array of sound as int16, of the same shape. Float has 1.0 at 32768; what is out of range
    is clipped. Raises TypeError.
    """
    return to_int16(_alone(audio))


def _alone(audio: Array | tuple[int, Array]) -> Array:
    if isinstance(audio, tuple):
        text = "give the array alone, not (sample rate, array)"
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        return audio[1]
    return audio


def _wav(sample_rate: int, channels: Samples) -> bytes:
    contents = io.BytesIO()
    with wave.open(contents, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(channels.T.astype("<i2").tobytes())
    return contents.getvalue()
