"""Arrays of handlers to PCM."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.audio.convert import to_float32, to_int16, to_pcm

STEPS = [0, 1, -1, 300, -32768, 32767]
FLOATS = [np.float32, np.float64]


def heard(audio: npt.NDArray[Any]) -> list[int]:
    return [int(sample) for sample in np.frombuffer(to_pcm(audio), "<i2")]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, ">i2", ">i4"])
def test_integers_count_int16_steps(dtype: npt.DTypeLike) -> None:
    assert heard(np.array(STEPS, dtype)) == STEPS


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_have_one_at_32768(dtype: npt.DTypeLike) -> None:
    assert heard(np.array(STEPS, dtype) / 32768) == STEPS


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_rounded_to_the_nearest_step(dtype: npt.DTypeLike) -> None:
    assert heard(np.array([0.4, 0.6, -0.4, -0.6, 1.6], dtype) / 32768) == [0, 1, 0, -1, 2]


def test_int32_is_clipped_not_wrapped() -> None:
    loud = np.array([32768, 65536, -32769, 2**31 - 1, -(2**31)], np.int32)
    assert heard(loud) == [32767, 32767, -32768, 32767, -32768]


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_are_clipped_not_wrapped(dtype: npt.DTypeLike) -> None:
    loud = np.array([1.0, 1.5, -1.5, np.inf, -np.inf, np.finfo(dtype).max], dtype)
    assert heard(loud) == [32767, 32767, -32768, 32767, -32768, 32767]


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_is_silence(dtype: npt.DTypeLike) -> None:
    assert heard(np.array([0.5, np.nan, -0.5], dtype)) == [16384, 0, -16384]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6,), (1, 6), (6, 1)])
def test_mono_shapes_are_one_stretch(dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    scale = 32768 if np.dtype(dtype).kind == "f" else 1
    assert heard((np.array(STEPS) / scale).astype(dtype).reshape(shape)) == STEPS


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_stereo_becomes_the_mean_of_its_channels(dtype: npt.DTypeLike) -> None:
    scale = 32768 if np.dtype(dtype).kind == "f" else 1
    both = np.array([[100, 32767, -32768, 32767], [300, 32767, -32768, -32767]]) / scale
    assert heard(both.astype(dtype)) == [200, 32767, -32768, 0]


def test_stereo_is_clipped_after_the_mean() -> None:
    assert heard(np.array([[1.5, 4.0], [-0.5, 0.0]])) == [16384, 32767]


def test_nan_in_one_channel_is_silence() -> None:
    assert heard(np.array([[np.nan, 0.5], [0.5, 0.5]])) == [0, 16384]


def test_infinite_channels_raise_no_warning() -> None:
    assert heard(np.array([[np.inf, np.inf], [np.inf, -np.inf]])) == [32767, 0]
    assert heard(np.full((2, 1), np.finfo(np.float64).max)) == [32767]


@pytest.mark.parametrize("shape", [(0,), (1, 0), (2, 0), (0, 1)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_no_samples_give_no_bytes(dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    assert to_pcm(np.empty(shape, dtype)) == b""


def test_strided_and_read_only_arrays_are_taken() -> None:
    audio = np.arange(10, dtype=np.int16)[::2]
    audio.flags.writeable = False
    assert heard(audio) == [0, 2, 4, 6, 8]


def test_result_does_not_follow_the_array() -> None:
    audio = np.ones(3, np.int16)
    pcm = to_pcm(audio)
    audio[:] = 7
    assert pcm == b"\x01\x00" * 3


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.uint16, np.int64, np.float16, np.complex64]
)
def test_other_dtypes_are_refused_by_name(dtype: npt.DTypeLike) -> None:
    with pytest.raises(TypeError) as refusal:
        to_pcm(np.zeros(4, dtype))
    assert str(refusal.value) == (
        f"audio is {np.dtype(dtype)}; allowed: int16, int32, float32, float64"
    )


@pytest.mark.parametrize("shape", [(), (3, 4), (4, 2), (1, 1, 4), (0, 4)])
def test_other_shapes_are_refused_by_name(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError) as refusal:
        to_pcm(np.zeros(shape, np.int16))
    assert str(refusal.value) == (f"audio has shape {shape}; allowed: (n,), (1, n), (n, 1), (2, n)")


@pytest.mark.parametrize("dtype", [np.int16, np.int32, ">i2", *FLOATS])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (6, 1)])
def test_int16_is_what_pcm_is_in_the_same_shape(
    dtype: npt.DTypeLike, shape: tuple[int, ...]
) -> None:
    scale = 32768 if np.dtype(dtype).kind == "f" else 1
    audio = (np.array(STEPS) / scale).astype(dtype).reshape(shape)
    steps = to_int16(audio)
    assert (str(steps.dtype), steps.shape) == ("int16", shape)
    assert steps.ravel().tolist() == heard(audio.ravel()) == STEPS


@pytest.mark.parametrize("dtype", [np.int16, np.int32, *FLOATS])
def test_float32_has_one_at_32768(dtype: npt.DTypeLike) -> None:
    scale = 32768 if np.dtype(dtype).kind == "f" else 1
    floats = to_float32((np.array(STEPS) / scale).astype(dtype))
    assert str(floats.dtype) == "float32"
    assert (floats * 32768).tolist() == STEPS


@pytest.mark.parametrize("convert", [to_int16, to_float32, to_pcm])
def test_other_types_are_refused_by_all_conversions(convert: Any) -> None:
    with pytest.raises(TypeError, match="uint8"):
        convert(np.zeros(4, np.uint8))
