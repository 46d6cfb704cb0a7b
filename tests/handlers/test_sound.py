"""Sound as bytes and files, and between sample formats."""

import io
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from antiphon.handlers.sound import (
    audio_to_bytes,
    audio_to_file,
    audio_to_float32,
    audio_to_int16,
)

RATE = 24000


def tone(frequency: float = 440, seconds: float = 0.5) -> npt.NDArray[np.int16]:
    at = np.arange(int(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * frequency * at) * 10_000).astype(np.int16)


def read_wav(contents: bytes) -> tuple[int, npt.NDArray[np.int16]]:
    """Rate and channels."""
    with wave.open(io.BytesIO(contents)) as file:
        assert file.getsampwidth() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return file.getframerate(), samples.reshape(-1, file.getnchannels()).T


def read_mp3(contents: bytes) -> tuple[int, npt.NDArray[np.float32]]:
    with av.open(io.BytesIO(contents), "r") as container:
        frames: list[Any] = list(container.decode(audio=0))
        return frames[0].sample_rate, np.concatenate([f.to_ndarray() for f in frames], axis=1)


def pitch(samples: npt.NDArray[Any], rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize(
    ("samples", "channels"),
    [
        (tone(), 1),
        (tone().reshape(1, -1), 1),
        (tone().reshape(-1, 1), 1),
        (tone().astype(np.int32), 1),
        (tone().astype(np.float32) / 32768, 1),
        (tone().astype(np.float64) / 32768, 1),
        (np.stack([tone(), tone(880)]), 2),
        (np.stack([tone(), tone(880)]).astype(np.float32) / 32768, 2),
    ],
)
def test_a_wav_file_has_every_sample(samples: Any, channels: int) -> None:
    rate, came = read_wav(audio_to_bytes((RATE, samples), format="wav"))
    assert (rate, len(came)) == (RATE, channels)
    assert np.array_equal(came[0], tone())
    assert channels == 1 or np.array_equal(came[1], tone(880))


@pytest.mark.parametrize(("rate", "written"), [(8000, 8000), (24000, 24000), (30000, 32000)])
def test_an_mp3_file_sounds_the_same(rate: int, written: int) -> None:
    samples = np.stack([tone(), tone(880)])
    for channels in (samples[:1], samples):
        got, came = read_mp3(audio_to_bytes((rate, channels)))
        assert (got, len(came)) == (written, len(channels))
        assert came.shape[1] == pytest.approx(samples.shape[1] * written / rate, rel=0.01)
        for channel, frequency in zip(came, (440, 880), strict=False):
            assert pitch(channel, got) == pytest.approx(frequency * rate / RATE, abs=4)
            assert np.abs(channel).max() == pytest.approx(10_000 / 32768, rel=0.1)


def test_what_is_no_file_of_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 48000 Hz"):
        audio_to_bytes((96000, tone()))
    with pytest.raises(ValueError, match="not 'ogg'"):
        audio_to_bytes((RATE, tone()), format="ogg")  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ValueError, match="shape"):
        audio_to_bytes((RATE, np.zeros((3, 4), np.int16)))
    with pytest.raises(TypeError, match="uint8"):
        audio_to_bytes((RATE, np.zeros(4, np.uint8)))


@pytest.mark.parametrize("name", ["mp3", "wav"])
def test_a_file_is_named_for_what_it_is(name: Any) -> None:
    path = Path(audio_to_file((RATE, tone()), format=name))
    try:
        assert path.suffix == f".{name}"
        assert path.read_bytes() == audio_to_bytes((RATE, tone()), format=name)
    finally:
        path.unlink()


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (2, 2)])
def test_formats_are_converted_there_and_back_in_any_shape(shape: Any) -> None:
    samples = np.array([-32768, -1, 0, 32767], np.int16).reshape(shape)
    floats = audio_to_float32(samples)
    assert (str(floats.dtype), floats.shape, floats.min()) == ("float32", shape, -1.0)
    back = audio_to_int16(floats)
    assert (str(back.dtype), back.shape) == ("int16", shape)
    assert np.array_equal(back, samples)


def test_what_is_out_of_range_is_clipped_not_wrapped() -> None:
    floats = np.array([-2, 1, 2, np.nan, np.inf])
    assert audio_to_int16(floats).tolist() == [-32768, 32767, 32767, 0, 32767]
    assert audio_to_int16(np.array([70000, -70000], np.int32)).tolist() == [32767, -32768]


def test_results_are_the_callers_own() -> None:
    samples, floats = np.zeros(4, np.int16), np.zeros(4, np.float32)
    audio_to_int16(samples)[:] = 1
    audio_to_float32(floats)[:] = 1
    assert not samples.any()
    assert not floats.any()


@pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
def test_the_old_form_with_a_rate_is_taken_with_a_warning(convert: Any) -> None:
    with pytest.warns(DeprecationWarning, match="the array alone"):
        old = convert((RATE, tone()))
    assert np.array_equal(old, convert(tone()))


@pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
def test_other_types_are_refused(convert: Any) -> None:
    with pytest.raises(TypeError, match="complex64"):
        convert(np.zeros(4, np.complex64))
