"""One reply of a conversation, and what an interruption leaves of it."""

import anyio
import msgspec

from ..core.audio.frames import AudioFrame
from ..core.playout import Interruption
from ..core.ports import Call

__all__ = ("Interrupted", "Reply")


_MARKED = 0.25  # seconds of sound between two marks; a talker says a syllable in that time


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """A reply was cut off by whoever it is for."""

    heard_samples: int
    """Of the reply's sound the listener has heard, in samples at its own rate: cut a transcript
    here.
    """
    given_samples: int
    """Of its sound was given to play."""
    sample_rate: int
    """Hz: the rate of its first sound; 0 when there was none."""


class Reply:
    """From the question to the end of the sound; `scope` ends what makes it."""

    __slots__ = ("_call", "_given", "_start", "_unmarked", "sample_rate", "scope")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._given = 0.0  # seconds
        self._start = 0.0  # seconds of the call's sound before its own
        self._unmarked = 0.0  # seconds since the last mark
        self.scope = anyio.CancelScope()
        self.sample_rate = 0

    @property
    def spoken(self) -> bool:
        """Whether it has given any sound."""
        return self.sample_rate > 0

    async def play(self, frame: AudioFrame) -> None:
        """Give the next sound to play; waits while the listener is behind."""
        if not self.spoken:
            self._start = self._call.given
            self.sample_rate = frame.sample_rate
        self._given += frame.duration
        self._unmarked += frame.duration
        await self._call.send_audio(frame)
        if self._unmarked >= _MARKED:
            self._unmarked = 0.0
            self._call.mark()

    async def played(self) -> None:
        """Wait until the listener has heard all of it."""
        if self._unmarked:
            self._call.mark()
        await self._call.drain()

    def cut_off(self, interruption: Interruption) -> Interrupted:
        """What the listener has heard of it, when it was interrupted."""
        heard = min(max(interruption.heard - self._start, 0.0), self._given)
        return Interrupted(
            heard_samples=round(heard * self.sample_rate),
            given_samples=round(self._given * self.sample_rate),
            sample_rate=self.sample_rate,
        )
