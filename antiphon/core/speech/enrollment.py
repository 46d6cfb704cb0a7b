"""One speaker's recording, in any cutting, as a template."""

import numpy as np

from ..audio.frames import Samples
from ..errors import TooLittleSpeech
from ..models import SpeakerEncoder
from .template import Template
from .verification import LEAST_SPEECH
from .voiced import SpeechFrames

__all__ = ("MOST_SPEECH", "Enrollment", "create_template")

MOST_SPEECH = 60.0  # s: more tells no more of a voice, and encoders take up to 13 ms for each


class Enrollment:
    """Gathers the speech of one recording, the first minute of it. `speech` is fresh."""

    def __init__(self, encoder: SpeakerEncoder, speech: SpeechFrames, *, sample_rate: int) -> None:
        self._encoder = encoder
        self._frames = speech
        self._rate = sample_rate
        self._voiced: list[Samples] = []
        self._length = 0

    @property
    def seconds(self) -> float:
        """Of speech so far."""
        return self._length / self._rate

    def receive(self, samples: Samples) -> None:
        """The next stretch of sound, int16 of shape (n,)."""
        for frame, is_speech in self._frames.receive(samples):
            if is_speech and self._length < MOST_SPEECH * self._rate:
                self._voiced.append(frame.copy())
                self._length += len(frame)

    def template(self) -> Template:
        """What the encoder hears; a thread may run it. TooLittleSpeech for less than half a second
        of speech.
        """
        if self._length < LEAST_SPEECH * self._rate:
            raise TooLittleSpeech(self.seconds, LEAST_SPEECH)
        encoder = self._encoder
        embedding = encoder.embedding(np.concatenate(self._voiced), self._rate)
        return Template(encoder.engine, encoder.model_hash, embedding)


def create_template(
    samples: Samples, sample_rate: int, encoder: SpeakerEncoder, speech: SpeechFrames
) -> Template:
    """The template of the one speaker in a recording, int16 of shape (n,); `speech` is fresh.

    TooLittleSpeech for less than half a second.
    """
    enrollment = Enrollment(encoder, speech, sample_rate=sample_rate)
    enrollment.receive(samples)
    return enrollment.template()
