"""Sound on its way to a call's peer, which any thread may take back."""

import threading

import anyio

from ..core.audio.frames import AudioFrame
from ..core.ports import Call
from .from_thread import CallLoop

__all__ = ("Outgoing",)


class Outgoing:
    """What a handler plays. Sound belongs to the stretch between two calls of `clear` in which it
    was made: a clear drops all that was made before it, wherever it has got to, and nothing of what
    is made after.
    """

    def __init__(self, call: Call, loop: CallLoop) -> None:
        self._call = call
        self._loop = loop
        self._lock = threading.Lock()
        self._clears = 0
        self._carried_out = 0
        self._playing: anyio.CancelScope | None = None

    @property
    def stretch(self) -> int:
        """What sound that is made now belongs to; to be asked where and when it was made."""
        return self._clears

    def clear(self) -> None:
        """Drop all sound that was made so far and not heard yet. From any thread, without a wait;
        whoever waits to play it goes on.
        """
        with self._lock:
            self._clears += 1
        self._loop.soon(self._carry_out)

    async def play(self, frame: AudioFrame, stretch: int) -> None:
        """Play sound of some stretch. Raises as `Call.send_audio`."""
        self._carry_out()
        if stretch != self._clears:
            return
        with anyio.CancelScope() as self._playing:
            try:
                await self._call.send_audio(frame)
            finally:
                self._playing = None
        self._carry_out()

    def _carry_out(self) -> None:
        # A clear is carried out once, before anything newer is given (by the time its own callback
        # runs, newer sound may have come by another way) and after what is being given: woken up
        # by the interruption, that would be given behind it.
        if self._carried_out == self._clears:
            return
        if self._playing is not None:
            self._playing.cancel()
            return
        self._carried_out = self._clears
        self._call.interrupt()
