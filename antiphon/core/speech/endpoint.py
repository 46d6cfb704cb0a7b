"""Where an utterance ends: enough speech, and then enough silence."""

from ..audio.frames import Samples
from .frames import FRAME_MS, VoiceFrames

__all__ = ("EndpointDetector", "EndpointRule")


class EndpointRule:
    """Decides by whole frames of 30 ms: an endpoint is where the speech since the last one comes to
    `min_speech_ms`, pauses and coughs included, and the silence at its end to `max_silence_ms`. At
    least one frame of each is needed. Speech behind an endpoint begins the next utterance, or, with
    `latch`, nothing does.
    """

    def __init__(self, min_speech_ms: int, max_silence_ms: int, *, latch: bool = False) -> None:
        self._min_speech = max(min_speech_ms, 1)
        self._max_silence = max(max_silence_ms, FRAME_MS)
        self._latch = latch
        self._speech = 0
        self._tail = 0
        self.ended = False
        """Whether the stream stands behind an endpoint, and nobody has spoken since."""

    def hear(self, voice: bool) -> bool:
        """The next frame; whether the endpoint is at its end."""
        if self.ended and (not voice or self._latch):
            return False
        if voice:
            if self.ended:
                self.ended = False
                self._speech = 0
            self._speech += FRAME_MS
            self._tail = 0
        else:
            self._tail += FRAME_MS
            self.ended = self._speech >= self._min_speech and self._tail >= self._max_silence
        return self.ended


class EndpointDetector:
    """One stream of sound, in any cutting, and its endpoints; an `Analyser`."""

    def __init__(self, frames: VoiceFrames, rule: EndpointRule) -> None:
        self._frames = frames
        self._rule = rule
        self._met = False

    @property
    def ended(self) -> bool:
        """Whether the stream stands behind an endpoint, and nobody has spoken since."""
        return self._rule.ended

    def receive(self, samples: Samples) -> list[int]:
        """The endpoints in these samples, int16 of shape (n,): each the index, since the first of
        the stream, of the sample behind the frame that settled it.
        """
        first = self._frames.frames
        decided = self._frames.receive(samples)
        met = [first + i for i, voice in enumerate(decided) if self._rule.hear(voice)]
        self._met = self._met or bool(met)
        return [self._frames.end_of(frame) for frame in met]

    def result(self) -> bytes:
        """`true` if an endpoint was met since the last result or the stream stands behind one."""
        met, self._met = self._met or self._rule.ended, False
        return b"true" if met else b"false"
