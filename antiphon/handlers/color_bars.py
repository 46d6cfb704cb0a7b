"""A moving test card, for streams whose client only watches."""

from collections.abc import Iterator

import numpy as np

from ..core.ports import Call
from ..core.video import Pixels
from .video import VideoStreamHandler

__all__ = ("ColorBars",)

LEAST = (64, 36)  # pixels: below, the clock has no place
SWEEP = 4  # seconds in which the line crosses the picture

# BGR at 75 % of full scale: white, yellow, cyan, green, magenta, red, blue.
_BARS = np.array(
    [[1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]], np.uint8
) * np.uint8(191)
_SHADOW = np.array([34, 26, 24], np.uint8)
_LIGHT = np.array([235, 235, 235], np.uint8)

# Five rows of three dots each, from the top.
_GLYPHS = {
    "0": ("111", "101", "101", "101", "111"),
    "1": ("010", "110", "010", "010", "111"),
    "2": ("111", "001", "111", "100", "111"),
    "3": ("111", "001", "111", "001", "111"),
    "4": ("101", "101", "111", "001", "001"),
    "5": ("111", "100", "111", "001", "111"),
    "6": ("111", "100", "111", "101", "111"),
    "7": ("111", "001", "001", "001", "001"),
    "8": ("111", "101", "111", "101", "111"),
    "9": ("111", "101", "111", "001", "111"),
    ":": ("000", "010", "000", "010", "000"),
    ".": ("000", "000", "000", "000", "010"),
}


class ColorBars:
    """Colour bars, a line that crosses them every four seconds, a running grey scale and a clock
    that shows minutes, seconds and hundredths, for `seconds`; then the end. No two pictures within
    an hour are alike up to 100 pictures a second.

    width, height: even, at least 64 x 36. fps: pictures a second. Raises ValueError for others.
    """

    def __init__(
        self, width: int = 640, height: int = 360, *, fps: float = 30.0, seconds: float = 3600.0
    ) -> None:
        if width % 2 or height % 2 or width < LEAST[0] or height < LEAST[1]:
            raise ValueError(
                f"a test card has even sides of at least {LEAST[0]} x {LEAST[1]},"
                f" not {width} x {height}"
            )
        if not 0 < fps <= 1000:
            raise ValueError(f"fps is more than 0 and at most 1000, not {fps!r}")
        if not seconds > 0:
            raise ValueError(f"seconds is more than 0, not {seconds!r}")
        self._fps = fps
        self._count = max(1, round(seconds * fps))
        self._bars = height * 3 // 4
        self._card = _still(width, height, self._bars)
        self._ramp = np.linspace(16, 235, width).astype(np.uint8)[:, np.newaxis]
        self._handler = VideoStreamHandler(self._pictures, fps)

    async def __call__(self, call: Call) -> None:
        await self._handler(call)

    def picture(self, number: int) -> Pixels:
        """The picture of that number from 0, as a new array."""
        time = number / self._fps
        pixels = self._card.copy()
        width = pixels.shape[1]
        across = int(time % SWEEP / SWEEP * width)
        thick = max(2, width // 160)
        pixels[: self._bars, across : across + thick] = _LIGHT
        pixels[self._bars :] = np.roll(self._ramp, across, axis=0)
        self._draw_clock(pixels, int(number * 100 / self._fps))
        return pixels

    def _draw_clock(self, pixels: Pixels, hundredths: int) -> None:
        height, width = pixels.shape[:2]
        minutes, seconds = hundredths // 6000 % 60, hundredths // 100 % 60
        dots = _text(f"{minutes:02}:{seconds:02}.{hundredths % 100:02}")
        scale = max(1, min(width // 2 // dots.shape[1], height // 4 // dots.shape[0]))
        dots = dots.repeat(scale, axis=0).repeat(scale, axis=1)
        top, left = (self._bars - dots.shape[0]) // 2, (width - dots.shape[1]) // 2
        edge = 2 * scale
        box = pixels[
            max(0, top - edge) : top + dots.shape[0] + edge,
            max(0, left - edge) : left + dots.shape[1] + edge,
        ]
        box //= 4
        box += _SHADOW
        pixels[top : top + dots.shape[0], left : left + dots.shape[1]][dots] = _LIGHT

    def _pictures(self) -> Iterator[Pixels]:
        for number in range(self._count):
            yield self.picture(number)


def _still(width: int, height: int, bars: int) -> Pixels:
    """What does not move: the bars."""
    card = np.zeros((height, width, 3), np.uint8)
    card[:bars] = _BARS[np.arange(width) * len(_BARS) // width]
    return card


def _text(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Dots of shape (5, 4 n - 1): three columns each, one between."""
    rows = ["0".join(_GLYPHS[letter][row] for letter in text) for row in range(5)]
    return np.array([[dot == "1" for dot in row] for row in rows])
