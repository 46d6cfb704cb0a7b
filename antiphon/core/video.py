"""Video frames: pictures that become arrays only when somebody asks."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ("Picture", "Pixels", "VideoFrame")

Pixels = npt.NDArray[np.uint8]


class Picture(Protocol):
    """A decoded picture in a codec's own format."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    def to_bgr(self) -> Pixels:
        """The picture as a uint8 array of shape (height, width, 3), BGR."""
        ...


class VideoFrame:
    """One picture of a stream. Made from pixels, or by a transport from what it decoded: an echo
    that never looks at the pixels does not pay for their conversion (1.5 ms for 1280 x 720).
    """

    __slots__ = ("_picture", "_pixels", "height", "time", "width")

    def __init__(
        self,
        pixels: npt.NDArray[np.uint8] | None = None,
        *,
        picture: Picture | None = None,
        time: float = 0.0,
    ) -> None:
        """pixels: uint8, shape (height, width, 3), BGR; both sides even, as 4:2:0 sampling asks.
        time: seconds since the first frame of the stream. Raises ValueError for other arrays.
        """
        self._picture = picture
        self._pixels = None if pixels is None else check_pixels(pixels)
        self.time = time
        if picture is not None:
            self.width, self.height = picture.width, picture.height
        elif self._pixels is not None:
            self.height, self.width = self._pixels.shape[:2]
        else:
            raise ValueError("a video frame is made from pixels, or from a decoded picture")

    @property
    def bgr(self) -> Pixels:
        """The pixels: uint8, shape (height, width, 3), BGR. Converted once, when first asked."""
        if self._pixels is None:
            assert self._picture is not None
            self._pixels = self._picture.to_bgr()
        return self._pixels

    @property
    def picture(self) -> Picture | None:
        """What the transport decoded; None for a frame that was made from pixels."""
        return self._picture


def check_pixels(pixels: npt.NDArray[np.uint8]) -> Pixels:
    """The array itself. Raises ValueError that says what is wrong with it."""
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3:
        raise ValueError(
            "a picture is a uint8 array of shape (height, width, 3), BGR,"
            f" not {pixels.dtype} of shape {shape}"
        )
    if not shape[0] or not shape[1] or shape[0] % 2 or shape[1] % 2:
        raise ValueError(f"a picture's sides are even, not {shape[1]} x {shape[0]}")
    return pixels
