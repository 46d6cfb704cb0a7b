"""Video files that are sent: pictures in the encoders' format, sound as WAV files give it."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import av
import av.error
import numpy as np
from av.container import InputContainer

from ..core.audio.frames import AudioFrame
from ..core.audio.resample import Resampler
from ..core.video import VideoFrame
from ..transports.rtc_pictures import DecodedPicture
from .files import FileError, in_frames

__all__ = ("MediaReader",)

_TURNS = {90: 1, 180: 2, -180: 2, -90: 3}  # of numpy.rot90, for the degrees that FFmpeg tells


class MediaReader:
    """A file with pictures, of any format that FFmpeg reads; it may hold sound.

    Each iterator reads the file by itself, so that they may be in different threads. FileError,
    here and there, for a file without pictures and for one that cannot be decoded; OSError.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._opened() as container:
            if not container.streams.video:
                raise FileError("no video: the file holds no pictures")
            first = next(container.decode(video=0), None)
            if first is None:
                raise FileError("no video: not one picture can be decoded")
            upright = _upright(first)
            self.stored_size = upright.width, upright.height
            """Width and height as the file has them."""
            self.size = upright.width & ~1, upright.height & ~1
            """Width and height as they are sent: 4:2:0 sampling asks for even sides."""
            if not all(self.size):
                raise FileError(f"pictures of {upright.width} x {upright.height} cannot be sent")
            self.has_sound = bool(container.streams.audio)

    def pictures(self) -> Iterator[VideoFrame]:
        """The pictures, upright and of one size, each with its `time`."""
        width, height = self.size
        with self._opened() as container:
            origin = _origin(container)
            for decoded in container.decode(video=0):
                picture = _upright(decoded).reformat(width, height, "yuv420p")
                time = max(0.0, (decoded.time or 0.0) - origin)
                yield VideoFrame(picture=DecodedPicture(picture), time=time)

    def frames(self, sample_rate: int) -> Iterator[AudioFrame]:
        """The sound, mono, in 20 ms, from the moment of the file's first picture or sound on."""
        return in_frames(self._sound(sample_rate), sample_rate)

    def _sound(self, sample_rate: int) -> Iterator[bytes]:
        with self._opened() as container:
            file_rate = container.streams.audio[0].sample_rate
            to_mono = av.AudioResampler(format="s16", layout="mono", rate=file_rate)
            resampler = Resampler(file_rate, sample_rate, live=False)
            first = True
            for decoded in container.decode(audio=0):
                if first:
                    late = max(0.0, (decoded.time or 0.0) - _origin(container))
                    yield bytes(2 * round(late * sample_rate))
                    first = False
                for mono in to_mono.resample(decoded):
                    yield resampler.process(bytes(mono.planes[0])[: 2 * mono.samples])
            yield resampler.flush()

    @contextmanager
    def _opened(self) -> Generator[InputContainer]:
        with open(self._path, "rb") as file:
            try:
                container = av.open(file, "r")
                try:
                    yield container
                finally:
                    container.close()
            except av.error.FFmpegError as error:
                raise FileError(f"no video that can be read: {error.strerror}") from error


def _origin(container: InputContainer) -> float:
    """The time with which the file begins, in seconds."""
    return (container.start_time or 0) / av.time_base


def _upright(frame: av.VideoFrame) -> av.VideoFrame:
    """Turned as the file asks for: phones store pictures as their sensor lies."""
    turns = _TURNS.get(frame.rotation)
    if turns is None:
        return frame
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    turned = np.ascontiguousarray(np.rot90(pixels, turns))
    return av.VideoFrame.from_ndarray(turned, format="rgb24")
