"""Whatever a function gives as sound becomes frames of half a second at most."""

from typing import Any

import numpy as np
import pytest

from antiphon import AudioFrame
from antiphon.handlers.sounds import frames_of

RATE = 8000


def joined(media: object) -> bytes:
    return b"".join(frame.pcm for frame in frames_of(media))


@pytest.mark.parametrize("shape", [(10000,), (1, 10000), (10000, 1)])
def test_long_sound_is_cut_and_nothing_is_lost(shape: tuple[int, ...]) -> None:
    samples = np.arange(10000, dtype=np.int16)
    frames = list(frames_of((RATE, samples.reshape(shape))))
    assert [len(frame) for frame in frames] == [4000, 4000, 2000]
    assert [frame.pts for frame in frames] == [0, 4000, 8000]
    assert joined((RATE, samples.reshape(shape))) == samples.tobytes()


def test_a_frame_is_handed_on_as_it_is_when_it_is_short() -> None:
    frame = AudioFrame(bytes(320), RATE)
    assert list(frames_of(frame)) == [frame]


def test_a_long_frame_is_cut() -> None:
    pcm = np.arange(9000, dtype=np.int16).tobytes()
    frames = list(frames_of(AudioFrame(pcm, RATE, pts=100)))
    assert [(len(frame), frame.pts) for frame in frames] == [
        (4000, 100),
        (4000, 4100),
        (1000, 8100),
    ]
    assert b"".join(frame.pcm for frame in frames) == pcm


def test_stereo_is_mixed_to_the_last_sample() -> None:
    stereo = np.vstack((np.full(4001, 1000), np.full(4001, 2000))).astype(np.int16)
    mixed = np.frombuffer(joined((RATE, stereo, "stereo")), np.int16)
    assert mixed.tolist() == [1500] * 4001


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_scaled_and_clipped(dtype: Any) -> None:
    samples = np.array([0.5, -1.5, 1.5], dtype)
    assert np.frombuffer(joined((RATE, samples)), np.int16).tolist() == [16384, -32768, 32767]


def test_no_samples_make_no_frame() -> None:
    assert list(frames_of((RATE, np.empty((1, 0), np.int16)))) == []


def test_a_rate_may_be_any_kind_of_whole_number() -> None:
    assert next(frames_of((np.int64(RATE), np.zeros(3, np.int16)))).sample_rate == RATE


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ("sound", r"not str"),
        ((RATE, [1, 2]), r"not \(int, list\)"),
        ((8000.5, np.zeros(3, np.int16)), r"not \(float, ndarray\)"),
        ((RATE, np.zeros(3, np.int16), "quad"), r"not \(int, ndarray, str\)"),
        ((RATE, np.zeros(3, np.uint8)), "uint8"),
    ],
)
def test_what_is_no_sound_is_named(media: object, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        list(frames_of(media))


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ((0, np.zeros(3, np.int16)), "more than 0 Hz"),
        ((RATE, np.zeros((3, 3), np.int16)), "shape"),
        ((RATE, np.zeros(3, np.int16), "stereo"), "stereo sound does not have shape"),
        ((RATE, np.zeros((2, 3), np.int16), "mono"), "mono sound does not have shape"),
    ],
)
def test_sound_of_a_wrong_shape_is_named(media: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list(frames_of(media))
