"""The answers of the verification endpoints: what a message has brought, as a JSON array."""

from collections.abc import Sequence
from functools import partial

import msgspec

from ..audio.frames import Samples
from ..models import SpeakerEncoder
from .verification import HeardWindow, VerifyStreamResult, VoiceVerification
from .work import Work

__all__ = ("VerifyStream",)


class VerifyStream:
    """One stream of sound, in any cutting, and whose voice it is; an `Analyser`."""

    def __init__(self, verification: VoiceVerification, encoder: SpeakerEncoder) -> None:
        self._verification = verification
        self._blocking = encoder.blocking
        self._results: list[VerifyStreamResult] = []

    def receive(self, samples: Samples) -> Work | None:
        """The next samples, int16 of shape (n,). Listening to a voice is Work where the encoder
        says that it blocks.
        """
        windows = self._verification.receive(samples)
        if windows and self._blocking:
            return Work(partial(self._listen, windows))
        self._listen(windows)
        return None

    def take(self) -> list[VerifyStreamResult]:
        """What there is since the last time."""
        results, self._results = self._results, []
        return results

    def result(self) -> bytes:
        """The same as JSON: `[]` where there is nothing."""
        return msgspec.json.encode(self.take())

    def _listen(self, windows: Sequence[HeardWindow]) -> None:
        verification = self._verification
        for window in windows:
            result = verification.score(window, verification.embedding(window))
            if result is not None:
                self._results.append(result)
