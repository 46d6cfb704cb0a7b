"""How much speech there is in the newest sound: what turn taking decides by."""

from collections import deque
from math import isnan
from typing import Any, Protocol

import msgspec
import numpy as np

from .audio.frames import Samples
from .models import PauseDetectionModel, VoiceActivityModel

__all__ = ("FrameMeter", "Speech", "SpeechMeter", "WindowMeter")

_RELEASE = 0.15  # speech goes on until its probability is this far below the threshold; as Silero
_HOP = 0.1  # seconds between two questions to a model that hears whole windows: each costs as much


class Speech(msgspec.Struct, frozen=True, gc=False):
    """In samples, of the newest sound."""

    window: int
    """Speech in the last `audio_chunk_duration` seconds."""
    recent: int
    """Speech in the last moment, twice as long as what interrupts."""
    since: int
    """From the beginning of the first speech in the window to now."""
    silence: int
    """From the end of the last speech to now, strays left out."""


class SpeechMeter(Protocol):
    """Hears one stream of sound, frame after frame."""

    @property
    def frame_samples(self) -> int:
        """How many samples it takes at a time."""
        ...

    def add(self, frame: Samples) -> Speech:
        """Hear the next frame, int16 of shape (frame_samples,)."""
        ...

    def forget(self) -> None:
        """Count no speech that was heard before now."""
        ...


class FrameMeter:
    """Counts the frames that a voice activity detector takes for speech.

    window, recent: seconds. stray: seconds; what is shorter, and no nearer to other speech than
    that, is a click, and no end to a silence.
    """

    def __init__(
        self,
        model: VoiceActivityModel,
        sample_rate: int,
        window: float,
        recent: float,
        stray: float = 0.1,
    ) -> None:
        self._detector = model.detector(sample_rate)
        self._on = model.threshold
        self._off = model.threshold - min(_RELEASE, model.threshold / 2)
        self._speaking = False
        self._frame = self._detector.frame_samples
        self._window: deque[bool] = deque(maxlen=_frames(window, self._frame, sample_rate))
        self._recent = min(_frames(recent, self._frame, sample_rate), self._window.maxlen or 1)
        self._count = 0
        self._count_recent = 0
        self._silence = _Silence(int(stray * sample_rate), self._frame)

    @property
    def frame_samples(self) -> int:
        return self._frame

    def add(self, frame: Samples) -> Speech:
        probability = self._detector.probability(frame)
        self._speaking = speaking = probability >= (self._off if self._speaking else self._on)
        window = self._window
        if len(window) == window.maxlen:
            self._count -= window[0]
        if len(window) >= self._recent:
            self._count_recent -= window[-self._recent]
        window.append(speaking)
        self._count += speaking
        self._count_recent += speaking
        since = len(window) - window.index(True) if self._count else 0
        return Speech(
            self._count * self._frame,
            self._count_recent * self._frame,
            since * self._frame,
            self._silence.add(speaking),
        )

    def forget(self) -> None:
        self._window.clear()
        self._count = self._count_recent = 0


class _Silence:
    """How long nobody speaks, in samples. A click does not end a silence, but the last sound of a
    word does, as short as it is: the p of "stop" comes 80 ms behind the rest.
    """

    def __init__(self, stray: int, frame: int) -> None:
        self._stray = stray
        self._frame = frame
        self._burst = 0  # from the beginning of speech with no gap as long as a stray, to its end
        self._gap = stray  # behind it
        self._silence = 0  # behind the last burst that was no stray

    def add(self, speaking: bool) -> int:
        """Count one more frame."""
        self._silence += self._frame
        if not speaking:
            self._gap += self._frame
            return self._silence
        self._burst = self._frame + (self._burst + self._gap if self._gap < self._stray else 0)
        self._gap = 0
        if self._burst >= self._stray:
            self._silence = 0
        return self._silence


class WindowMeter:
    """Asks a model that hears whole windows, every 100 ms.

    window: seconds; until there is so much sound the beginning is silence. Where in its window the
    speech is such a model need not say: it is taken to be at the beginning.
    """

    def __init__(
        self, model: PauseDetectionModel, options: Any, sample_rate: int, window: float
    ) -> None:
        self._model = model
        self._options = options
        self._rate = sample_rate
        self._frame = int(_HOP * sample_rate)
        self._sound: Samples = np.zeros(max(int(window * sample_rate), self._frame), np.int16)

    @property
    def frame_samples(self) -> int:
        return self._frame

    def add(self, frame: Samples) -> Speech:
        sound = self._sound
        sound[: -self._frame] = sound[self._frame :]
        sound[-self._frame :] = frame
        seconds, _ = self._model.vad((self._rate, sound.copy()), self._options)
        if isnan(seconds):
            raise ValueError("the pause detection model says that there are NaN seconds of speech")
        speech = int(min(max(seconds, 0.0) * self._rate, len(sound)))
        return Speech(speech, speech, len(sound) if speech else 0, len(sound) - speech)

    def forget(self) -> None:
        self._sound[:] = 0


def _frames(seconds: float, frame: int, sample_rate: int) -> int:
    return max(1, round(seconds * sample_rate / frame))
