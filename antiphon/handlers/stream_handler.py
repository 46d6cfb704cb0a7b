"""Handlers of sound as classes to subclass: one for methods that block, one for coroutines."""

from abc import abstractmethod

from ..core.audio.frames import Samples
from .classic import StreamHandlerBase
from .emitted import Emitted

__all__ = ("AsyncStreamHandler", "StreamHandler")


class StreamHandler(StreamHandlerBase):
    """Sound in by `receive`, sound out by `emit`, each in a thread of its own for each call, so
    that both may block. `StreamHandlerBase` describes the arguments and what else there is.

    An `emit` that blocks for ever leaves its thread behind when the call ends: give what it waits
    for a time-out, or let `shutdown` wake it. Exceptions are logged, told to the client, and
    survived, unless `max_failures` calls in a row raise.
    """

    @abstractmethod
    def receive(self, frame: tuple[int, Samples]) -> None:
        """Gets (sample rate, int16 array of shape (1, n)), 20 ms each time. Of sound that comes
        while it blocks, the newest 300 ms are kept; the log says so once, and
        `call.dropped_frames` counts.
        """

    @abstractmethod
    def emit(self) -> Emitted:
        """Returns sound to play, as (sample rate, array), `AdditionalOutputs`, `CloseStream`, a
        tuple of sound and these, or None for nothing.

        Called again when there is room for more sound. After None, when a frame was received or
        30 ms have passed; 100 ms, where it goes on and nothing is received.
        """


class AsyncStreamHandler(StreamHandlerBase):
    """The same in coroutines, on the event loop. `start_up` and `shutdown` may be either."""

    @abstractmethod
    async def receive(self, frame: tuple[int, Samples]) -> None:
        """As of `StreamHandler`."""

    @abstractmethod
    async def emit(self) -> Emitted:
        """As of `StreamHandler`."""
