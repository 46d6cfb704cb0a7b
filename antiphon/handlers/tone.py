"""A steady tone, for streams whose client only listens."""

import numpy as np

from ..core.audio.frames import AudioFrame
from ..core.ports import Call

__all__ = ("Tone",)


class Tone:
    """A sine of `frequency` Hz at `level` (0 to 1 of full scale) for `seconds`, then the end.

    The blocks are whole seconds of a whole number of periods when the frequency is a whole number,
    so that no seam is heard. ValueError for a frequency the rate cannot carry.
    """

    def __init__(
        self,
        frequency: int = 440,
        *,
        level: float = 0.25,
        seconds: int = 3600,
        sample_rate: int = 24000,
    ) -> None:
        if not 0 < frequency < sample_rate / 2:
            raise ValueError(f"a tone at {sample_rate} Hz is below {sample_rate // 2} Hz")
        if not 0 <= level <= 1:
            raise ValueError(f"level is 0 to 1, not {level!r}")
        phase = np.arange(sample_rate) * (2 * np.pi / sample_rate)
        wave = np.sin(frequency * phase) * (level * 32767)
        self._second = AudioFrame(wave.astype("<i2").tobytes(), sample_rate)
        self._seconds = seconds

    async def __call__(self, call: Call) -> None:
        for _ in range(self._seconds):
            await call.send_audio(self._second)
        await call.drain()
