"""Video files to send, and what comes back of them."""

from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("BEEP", "Shown", "moving_card", "watched")

BEEP = 880  # Hz
_BAR = 16  # pixels


class Shown(msgspec.Struct, frozen=True):
    """A file with pictures."""

    size: tuple[int, int]
    times: list[float]
    bars: list[float]
    """Where in each picture the bar of the test card stands, 0 to 1."""
    flashes: list[float]
    """When the lower half turned white."""
    beeps: list[float]
    """When the tone began."""
    sound_seconds: float


def moving_card(
    path: Path, *, size: tuple[int, int] = (320, 240), seconds: int = 2, sound: bool = True
) -> Path:
    """20 pictures a second of a bar that crosses them from left to right; a flash, and with sound a
    beep, of 0.2 s at every whole second.
    """
    width, height = size
    container: Any = av.open(str(path), "w")
    # 4:4:4 holds odd sides too.
    pictures = container.add_stream("libx264", rate=20, width=width, height=height)
    pictures.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
    tone = container.add_stream("aac", rate=48000, layout="mono") if sound else None
    for number in range(20 * seconds):
        card = np.full((height, width, 3), 40, np.uint8)
        left = round(number / (20 * seconds - 1) * (width - _BAR))
        card[: height // 2, left : left + _BAR] = 255
        card[height // 2 :] = 255 if number % 20 < 4 else 40
        container.mux(pictures.encode(_numbered(av.VideoFrame.from_ndarray(card, "bgr24"), number)))
        if tone is not None:
            container.mux(tone.encode(_beep(number)))
    for stream in (pictures, tone):
        if stream is not None:
            container.mux(stream.encode(None))
    container.close()
    return path


def _numbered(frame: av.VideoFrame, number: int) -> av.VideoFrame:
    frame.pts = number
    return frame


def _beep(number: int) -> av.AudioFrame:
    samples = np.arange(2400) + 2400 * number
    loud = 12000 if number % 20 < 4 else 0
    pcm = (np.sin(samples * (2 * np.pi * BEEP / 48000)) * loud).astype("<i2")
    frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
    frame.sample_rate = 48000
    frame.pts = 2400 * number
    return frame


def watched(path: Path) -> Shown:
    """Decode a file whole."""
    with av.open(str(path), "r") as container:
        frames = list(container.decode(video=0))
        grey = [np.asarray(frame.to_ndarray(format="gray"), np.float64) for frame in frames]
        times = [frame.time or 0.0 for frame in frames]
    half = grey[0].shape[0] // 2
    flashing = [bool(picture[half + 8 :].mean() > 150) for picture in grey]
    sound, rate = _heard(path)
    return Shown(
        size=(grey[0].shape[1], grey[0].shape[0]),
        times=times,
        bars=[_bar(picture[: half - 8]) for picture in grey],
        flashes=[times[at] for at in _onsets(np.array(flashing))],
        beeps=[at / 100 for at in _onsets(_loud(sound, rate))],
        sound_seconds=len(sound) / rate,
    )


def _bar(upper: npt.NDArray[np.float64]) -> float:
    columns = upper.mean(axis=0)
    bright = np.flatnonzero(columns >= (columns.min() + columns.max()) / 2)
    return float(bright.mean()) / len(columns)


def _heard(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    with av.open(str(path), "r") as container:
        if not container.streams.audio:
            return np.zeros(0), 1
        rate = container.streams.audio[0].sample_rate
        parts = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(parts).astype(np.float64), rate


def _loud(sound: npt.NDArray[np.float64], rate: int) -> npt.NDArray[np.bool_]:
    """Of each hundredth of a second."""
    block = max(1, rate // 100)
    whole = sound[: len(sound) // block * block].reshape(-1, block)
    return np.asarray(np.abs(whole).max(axis=1, initial=0) > 0.1)


def _onsets(states: npt.NDArray[np.bool_]) -> list[int]:
    before = np.concatenate(((False,), states[:-1]))
    return [int(at) for at in np.flatnonzero(states & ~before)]
