"""Received sound in frames of one length."""

import numpy as np

from ..core.audio.frames import AudioFrame, Samples

__all__ = ("FRAMES_PER_SECOND", "Blocks")

FRAMES_PER_SECOND = 50  # 20 ms; docs/protocol.md

_INT16 = np.dtype("<i2")


class Blocks:
    """Cuts and joins frames of one rate into blocks of 20 ms (rounded down to whole samples)."""

    def __init__(self, sample_rate: int) -> None:
        self._size = sample_rate // FRAMES_PER_SECOND * 2
        self._rest = b""

    def cut(self, frame: AudioFrame) -> list[Samples]:
        """The blocks that this frame completes: int16 arrays of shape (1, n), for their taker to
        write on. What is left over waits for the next frame.
        """
        pcm = self._rest + frame.pcm if self._rest else frame.pcm
        whole = len(pcm) - len(pcm) % self._size
        self._rest = pcm[whole:]
        return [
            np.frombuffer(pcm, _INT16, self._size // 2, at).reshape(1, -1).copy()
            for at in range(0, whole, self._size)
        ]
