"""Recordings of sound and pictures: one MP4 file, H.264 or MPEG-4 and AAC, written as they come.

The file is fragmented while it grows (ISO/IEC 14496-12 section 8.8), so that one whose program was
killed can be played up to its last second; when it is closed it becomes an ordinary MP4.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import inf
from typing import Any

import av
import av.error
from av.video.frame import PictureType

from ..core.video import VideoFrame
from ..transports.rtc_pictures import DecodedPicture
from .files import FileError, Heard, Seen

__all__ = ("Mp4Writer", "PictureTimes", "SoundTimes")

FIRST_PICTURE = 10.0  # seconds of sound that wait for the first picture, whose size must be known
PAUSE = 0.15  # seconds that sound may be late without being a pause: jitter buffer and scheduling
JUMP = 1.0  # seconds between clock and timestamps that only a sender that began anew explains

_CLOCK = 90_000  # ticks a second, of pictures
_GOP = 60  # pictures between two that a player may begin with
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # ISO/IEC 14496-3
_CODECS = ("libx264", "libopenh264", "mpeg4")
_X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "23"}
_FILE = {
    "movflags": "hybrid_fragmented+frag_keyframe+delay_moov",
    "frag_duration": "1000000",  # microseconds
    "flush_packets": "1",
    "max_interleave_delta": "1000000",  # microseconds that one track waits for a silent other one
}


class _Disk:
    """The file below the muxer, which never hears of a disk that is full: FFmpeg's way out of a
    header that it could not write has been seen to crash. What failed first is in `error`.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by `close`
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """All of it, or nothing once something has failed."""
        left = memoryview(data)
        while left and self.error is None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file's."""
        return self._file.tell()

    def close(self) -> None:
        """No more."""
        self._file.close()


class SoundTimes:
    """Where sound goes that has no times of its own but those of its coming."""

    def __init__(self) -> None:
        self._end = 0.0
        self._begun = False

    def silence_before(self, at: float, seconds: float) -> float:
        """Seconds of silence to put before a frame of this length that came for this moment.

        What is a little late is joined on: sound comes in an uneven rhythm, and has no gaps.
        """
        gap = at - self._end
        silence = gap if gap > (PAUSE if self._begun else 0.0) else 0.0
        self._begun = True
        self._end += silence + seconds
        return silence


class PictureTimes:
    """The moments of pictures: the sender's own, laid to where the fastest of them came."""

    def __init__(self) -> None:
        self._offset = inf
        self._last = -1

    def ticks(self, time: float, at: float) -> int:
        """The 90 kHz timestamp of a picture with the sender's `time` that came `at`, in seconds;
        always more than the one before.
        """
        offset = at - time
        if offset > self._offset + JUMP:
            self._offset = offset
        self._offset = min(self._offset, offset)
        self._last = max(self._last + 1, round((time + self._offset) * _CLOCK))
        return self._last


class Mp4Writer:
    """Writes what it is given; see `antiphon.cli.files.Writer`. Pictures of another size than the
    first are scaled to it. `sample_rate` is that of the sound, Hz, None when there is none.
    """

    # The container, its streams and their packets are Any: PyAV's types leave packets half open.

    def __init__(self, path: str, sample_rate: int | None, *, pictures: bool) -> None:
        self._path = path
        self._disk = _Disk(path)
        self._container: Any = av.open(self._disk, "w", format="mp4", options=_FILE)
        self._rate = sample_rate or 0
        self._sound = self._add_sound(sample_rate) if sample_rate is not None else None
        self._samples = 0
        self._sound_times = SoundTimes()
        self._picture_times = PictureTimes()
        self._pictures: Any = None
        self._wants_picture = pictures
        self._waiting: list[Any] = []  # of sound, FIRST_PICTURE at most

    def write(self, items: Sequence[Heard | Seen]) -> int:
        """Add what came; how many pictures came when the file had been begun without any."""
        with self._told():
            return sum(not self._add(item) for item in items)

    def close(self) -> None:
        """Complete the file."""
        try:
            with self._told():
                self._wants_picture = False
                for stream in (self._pictures, self._sound):
                    if stream is not None:
                        self._mux(stream.encode(None))
                self._container.close()
        finally:
            self._disk.close()

    @contextmanager
    def _told(self) -> Generator[None]:
        """Raise what the disk or FFmpeg says as OSError or FileError."""
        try:
            yield
        except av.error.FFmpegError as error:
            raise FileError(f"{self._path} cannot be written: {error.strerror}") from error
        if (failed := self._disk.error) is not None:
            raise OSError(failed.errno, failed.strerror, self._path)

    def _add_sound(self, sample_rate: int) -> Any:
        rate = sample_rate if sample_rate in _AAC_RATES else _AAC_RATES[-1]
        return self._container.add_stream("aac", rate=rate, layout="mono")

    def _add_pictures(self, width: int, height: int) -> Any:
        name = next((name for name in _CODECS if _encodes(name)), None)
        if name is None:
            raise FileError(f"this PyAV has none of {', '.join(_CODECS)} to record pictures with")
        stream = self._container.add_stream(
            name, rate=30, width=width, height=height, pix_fmt="yuv420p"
        )
        stream.options = _X264 if name == "libx264" else {}
        context = stream.codec_context
        context.time_base = Fraction(1, _CLOCK)
        context.gop_size = _GOP
        context.thread_count = 1  # what else runs here is a live call
        return stream

    def _hear(self, heard: Heard) -> None:
        assert self._sound is not None
        count = len(heard.pcm) // 2
        silence = self._sound_times.silence_before(heard.at, count / self._rate)
        for piece in (*_silent(round(silence * self._rate), self._rate), heard.pcm):
            self._mux(self._sound.encode(self._framed(piece)))

    def _framed(self, pcm: bytes) -> av.AudioFrame:
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.planes[0].update(pcm)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._samples
        self._samples += frame.samples
        return frame

    def _add(self, item: Heard | Seen) -> bool:
        if isinstance(item, Heard):
            self._hear(item)
            return True
        if self._pictures is None and not self._wants_picture:
            return False
        self._see(item)
        return True

    def _see(self, seen: Seen) -> None:
        if self._pictures is None:
            self._pictures = self._add_pictures(seen.picture.width, seen.picture.height)
            self._begin()
        picture = _encodable(seen.picture, self._pictures.width, self._pictures.height)
        picture.pts = self._picture_times.ticks(seen.picture.time, seen.at)
        picture.time_base = Fraction(1, _CLOCK)
        self._mux(self._pictures.encode(picture))

    def _begin(self) -> None:
        """The streams are known: from here on packets go to the file."""
        self._wants_picture = False
        waiting, self._waiting = self._waiting, []
        self._container.mux(waiting)

    def _mux(self, packets: list[Any]) -> None:
        if not self._wants_picture:
            self._container.mux(self._waiting + packets)
            self._waiting = []
            return
        self._waiting += packets
        if self._samples > FIRST_PICTURE * self._rate:
            self._begin()


def _silent(samples: int, rate: int) -> Iterator[bytes]:
    """So many samples of silence, a second at a time."""
    while samples > 0:
        yield bytes(2 * min(samples, rate))
        samples -= rate


def _encodable(frame: VideoFrame, width: int, height: int) -> av.VideoFrame:
    picture = frame.picture
    if isinstance(picture, DecodedPicture):
        decoded = picture.decoded
    else:
        decoded = av.VideoFrame.from_ndarray(frame.bgr, format="bgr24")
    encodable = decoded.reformat(width, height, "yuv420p")
    encodable.pict_type = PictureType.NONE  # else the encoder repeats the sender's key frames
    return encodable


def _encodes(name: str) -> bool:
    try:
        av.Codec(name, "w")
    except av.error.FFmpegError:
        return False
    return True
