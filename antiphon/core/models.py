"""What is asked of models, as protocols. The engines themselves stand with the handlers."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from .audio.frames import Samples
from .speech.calibration import Calibration
from .speech.template import Embedding

__all__ = (
    "PauseDetectionModel",
    "SpeakerEncoder",
    "SpeechToText",
    "Transcript",
    "VoiceActivityDetector",
    "VoiceActivityModel",
)


class VoiceActivityDetector(Protocol):
    """Hears one stream of sound, frame after frame: the small state of one call."""

    @property
    def frame_samples(self) -> int:
        """How many samples it takes at a time: 20 to 32 ms of them."""
        ...

    def probability(self, frame: Samples) -> float:
        """That the next frame holds speech, 0 to 1. `frame` is int16 of shape (frame_samples,)."""
        ...

    def reset(self) -> None:
        """Forget all sound so far."""
        ...


class VoiceActivityModel(Protocol):
    """The weights that all calls share."""

    @property
    def name(self) -> str:
        """Which engine this is, for logs and reports."""
        ...

    @property
    def threshold(self) -> float:
        """The probability from which a frame counts as speech."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether a frame takes so long that it must not be heard on an event loop: more than about
        half a millisecond.
        """
        ...

    def detector(self, sample_rate: int) -> VoiceActivityDetector:
        """A detector for one more stream, of 8,000 to 48,000 Hz."""
        ...


@runtime_checkable
class PauseDetectionModel(Protocol):
    """A detector as FastRTC's users have written them. Taken for one that blocks."""

    def vad(self, audio: tuple[int, Samples], options: Any) -> tuple[float, list[Any]]:
        """How many seconds of speech there are in (sample rate in Hz, int16 array (n,)), and where:
        a list of segments, which nothing here looks at.
        """
        ...


class Transcript(msgspec.Struct, frozen=True):
    """What was said, and when."""

    text: str
    words: Sequence[tuple[str, float, float]] = ()
    """Each word with its start and end, in seconds from the beginning of the sound. None where the
    recogniser does not know.
    """


class SpeechToText(Protocol):
    """Writes down what is said. Taken for one that blocks: it runs in worker threads, those of
    several calls at a time.
    """

    def stt(self, audio: tuple[int, Samples]) -> str | Transcript:
        """The words in (sample rate in Hz, int16 array (1, n)). A recogniser that knows when each
        was said may tell.
        """
        ...


class SpeakerEncoder(Protocol):
    """Tells voices apart: turns speech into a vector, and knows what likeness of two is worth.

    Embeddings of one encoder may be averaged, each weighted with how much speech it is of, and are
    compared by the cosine of their angle.
    """

    @property
    def name(self) -> str:
        """Which engine this is, for people. One that is a demonstration says so here."""
        ...

    @property
    def engine(self) -> str:
        """The same for templates: 1 to 16 printable ASCII characters."""
        ...

    @property
    def model_hash(self) -> bytes:
        """16 bytes that change with anything that changes embeddings."""
        ...

    @property
    def dimension(self) -> int:
        """How many figures an embedding has."""
        ...

    @property
    def demonstration(self) -> bool:
        """Whether it is too weak to decide anything by."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether some seconds of speech take so long that they must not be heard on an event
        loop: more than about half a millisecond.
        """
        ...

    @property
    def calibration(self) -> Calibration:
        """What a score of this encoder is worth."""
        ...

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        """Half a second of speech or more, int16 of shape (n,) with the pauses cut out, as a
        float32 vector of shape (dimension,). The same samples give the same vector. Several
        threads may call it at a time. ValueError for a rate it does not take.
        """
        ...
