"""What the measured servers answer: a tone, as long as nobody interrupts, made in three ways.

Imported by FastRTC's server too, so it needs NumPy and nothing else.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ("HEAD", "REPLIES", "Turn", "tone")

HEAD = 0.5  # seconds of a turn that are told to the client
RATE = 24_000
SECONDS = 10.0
_FRAME = 480
_FIRST = 3.0
_BUSY = 4.0

Turn = tuple[int, npt.NDArray[Any]]


def tone(seconds: float) -> npt.NDArray[np.int16]:
    """A loud 440 Hz, (n,)."""
    time_line = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * 440 * time_line) * 12_000).astype(np.int16)


def whole(turn: Turn) -> Iterator[Turn]:
    """Ten seconds in one piece."""
    yield RATE, tone(SECONDS).reshape(1, -1)


def pieces(turn: Turn) -> Iterator[Turn]:
    """The same by 20 ms, as fast as it is taken."""
    sound = tone(SECONDS).reshape(-1, 1, _FRAME)
    for piece in sound:
        yield RATE, piece


def busy(turn: Turn) -> Iterator[Turn]:
    """Three seconds, then a step that blocks its thread for four and cannot be stopped."""
    yield RATE, tone(_FIRST).reshape(1, -1)
    time.sleep(_BUSY)
    yield RATE, tone(SECONDS - _FIRST).reshape(1, -1)


REPLIES: dict[str, Callable[[Turn], Iterator[Turn]]] = {
    "whole": whole,
    "pieces": pieces,
    "busy": busy,
}
