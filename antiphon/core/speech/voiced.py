"""Which of a stream's sound is speech: the port that verification listens through."""

from collections.abc import Iterator
from typing import Protocol

from ..audio.frames import Samples
from ..models import VoiceActivityModel
from .frames import VoiceFrames

__all__ = ("DetectedSpeech", "SpeechFrames")


class SpeechFrames(Protocol):
    """Cuts one stream into frames of 20 to 32 ms, and says which hold speech."""

    def receive(self, samples: Samples) -> Iterator[tuple[Samples, bool]]:
        """Each frame that is whole now, in order and without gaps, and whether it holds speech.
        int16 of any length comes in; what is over waits. Any cutting gives the same frames. To be
        read to its end; a frame may be a view that is good until the next.
        """
        ...


class DetectedSpeech:
    """The frames of `VoiceFrames`, 30 ms at 8,000 to 192,000 Hz (else ValueError), as a voice
    activity engine decides them; a `SpeechFrames`.
    """

    def __init__(self, model: VoiceActivityModel, sample_rate: int) -> None:
        self._frames = VoiceFrames(model, sample_rate)

    def receive(self, samples: Samples) -> Iterator[tuple[Samples, bool]]:
        return self._frames.heard(samples)
