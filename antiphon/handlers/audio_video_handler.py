"""Handlers of sound and pictures as classes to subclass."""

from abc import abstractmethod

from ..core.video import Pixels
from .stream_handler import AsyncStreamHandler, StreamHandler
from .video import Shown

__all__ = ("AsyncAudioVideoStreamHandler", "AudioVideoStreamHandler")


class AudioVideoStreamHandler(StreamHandler):
    """A `StreamHandler` for streams with modality "audio-video". In a call whose client has no
    video the two methods for pictures are not called.
    """

    @abstractmethod
    def video_receive(self, frame: Pixels) -> None:
        """Gets the newest picture: uint8, shape (height, width, 3), BGR, its own to write on. Those
        that come while it blocks are left out.
        """

    @abstractmethod
    def video_emit(self) -> Shown:
        """Returns a picture to show (such an array with even sides), `AdditionalOutputs`,
        `CloseStream`, a tuple of a picture and these, or None for nothing now. Called `fps` times a
        second at most.
        """


class AsyncAudioVideoStreamHandler(AsyncStreamHandler):
    """The same in coroutines, on the event loop."""

    @abstractmethod
    async def video_receive(self, frame: Pixels) -> None:
        """As of `AudioVideoStreamHandler`."""

    @abstractmethod
    async def video_emit(self) -> Shown:
        """As of `AudioVideoStreamHandler`."""
