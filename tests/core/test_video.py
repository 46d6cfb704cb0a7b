"""Pictures: what is one, and when it is converted."""

from typing import Any, cast

import numpy as np
import pytest

from antiphon import VideoFrame
from antiphon.core.video import Pixels


class Decoded:
    """A picture of some codec that counts its conversions."""

    width, height = 6, 4

    def __init__(self) -> None:
        self.conversions = 0

    def to_bgr(self) -> Pixels:
        self.conversions += 1
        return np.zeros((4, 6, 3), np.uint8)


def test_pixels_are_kept_as_they_are() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    frame = VideoFrame(pixels, time=0.5)
    assert frame.bgr is pixels
    assert (frame.width, frame.height, frame.time, frame.picture) == (6, 4, 0.5, None)


def test_a_decoded_picture_is_converted_once_and_only_when_asked() -> None:
    decoded = Decoded()
    frame = VideoFrame(picture=decoded)
    assert (frame.width, frame.height, decoded.conversions) == (6, 4, 0)
    assert frame.bgr is frame.bgr
    assert decoded.conversions == 1
    assert frame.picture is decoded


@pytest.mark.parametrize(
    ("shape", "dtype", "text"),
    [
        ((4, 6), np.uint8, r"shape \(height, width, 3\), BGR, not uint8 of shape \(4, 6\)"),
        ((4, 6, 4), np.uint8, r"not uint8 of shape \(4, 6, 4\)"),
        ((4, 6, 3), np.float32, "not float32"),
        ((4, 5, 3), np.uint8, "sides are even, not 5 x 4"),
        ((3, 6, 3), np.uint8, "sides are even, not 6 x 3"),
        ((0, 6, 3), np.uint8, "not 6 x 0"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(
    shape: tuple[int, ...], dtype: Any, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        VideoFrame(cast(Any, np.zeros(shape, dtype)))


def test_a_frame_is_made_from_something() -> None:
    with pytest.raises(ValueError, match="from pixels, or from a decoded picture"):
        VideoFrame()
