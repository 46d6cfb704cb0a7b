"""Sound and pictures of one call, each by a handler of its own."""

from functools import partial
from typing import Any, cast

from ..core.ports import Call, Handler
from .kinds import check_handler
from .side_by_side import first_of
from .video import FrameFunction, PictureSource, as_video_handler

__all__ = ("AudioVideo",)


class AudioVideo:
    """Two handlers side by side in every call of an audio-video stream:
    `Stream(AudioVideo(echo, mirror), modality="audio-video")`.

    audio: a handler that minds `call.audio`; for it the call carries no video.
    video: a handler that minds `call.video`, or a function as for `VideoStreamHandler`.

    The first of the two to return ends the call, as with one handler; what one raises is the call's
    error. The other is then cancelled. What belongs to the whole call (`messages`, `interrupt`,
    waiting for inputs) is best left to one of them.
    """

    def __init__(self, audio: Handler, video: Handler | FrameFunction | PictureSource) -> None:
        self._audio = check_handler(audio)
        self._video = as_video_handler(video)

    async def __call__(self, call: Call) -> None:
        sound = cast(Call, _SoundOnly(call))
        await first_of(partial(self._audio, sound), partial(self._video, call))


class _SoundOnly:
    """A call as its handler of sound sees it: `echo` for one would return the pictures too."""

    carries_video = False

    def __init__(self, call: Call) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)
