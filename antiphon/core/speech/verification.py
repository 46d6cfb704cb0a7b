"""Whose voice a stream holds: one answer a window, each from the speech of the last while.

Window k covers the samples from floor(k W rate) to floor((k + 1) W rate). Its answer compares the
template with the mean of the windows in the last `context` seconds, weighted with the speech that
each holds. A window with too little speech adds nothing to it, and sound that is no speech never
has a score.

A frame of the voice activity engine counts to the window in which it ends, so that a window is
answered with its last sample.
"""

from collections import deque
from fractions import Fraction

import msgspec
import numpy as np

from ..audio.frames import Samples
from ..errors import TemplateRefused
from ..models import SpeakerEncoder
from .template import Embedding, Template, parse_template
from .voiced import SpeechFrames

__all__ = (
    "LEAST_SPEECH",
    "LONGEST_CONTEXT",
    "LONGEST_WINDOW",
    "SHORTEST_WINDOW",
    "AudioInterval",
    "HeardWindow",
    "VerifyResult",
    "VerifyStreamResult",
    "VoiceVerification",
    "check_lengths",
    "check_template",
    "match",
    "read_template",
)

LEAST_SPEECH = 0.5  # s: less gives scores that mean nothing
_LEAST_SHARE = Fraction(2, 3)  # of a window that is hardly longer than that
SHORTEST_WINDOW = 0.5  # s, as in the vendor's own engine
LONGEST_WINDOW = 60.0  # s: what a stream keeps of its sound
LONGEST_CONTEXT = 600.0  # s
_FINEST = 1_000_000  # s come with six decimals at most


class AudioInterval(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where in a stream, counted from its beginning, in the published order."""

    end_sample: int
    """One past the last."""
    end_time: int
    """ms, cut off to whole ones."""
    sample_rate: int
    """Hz."""
    start_sample: int
    start_time: int
    """ms, cut off to whole ones."""


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """How alike two voices are."""

    probability: float
    """That they are one speaker's, 0 to 1, by the encoder's calibration."""
    score: float
    """The cosine of the angle between the embeddings, -1 to 1."""


class VerifyStreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one window of a stream."""

    audio_interval: AudioInterval
    verify_result: VerifyResult


class HeardWindow(msgspec.Struct, frozen=True, eq=False):
    """A window that is over, before anybody has listened to its voice."""

    number: int
    """Counted from 0."""
    speech: Samples
    """Its sound without the pauses, int16 of shape (n,) at the stream's rate."""


class VoiceVerification:
    """Follows one stream. The encoder stands outside, for it takes its time:

        for window in verification.receive(samples):
            embedding = verification.embedding(window)      # may run in a worker thread
            result = verification.score(window, embedding)  # in the order of the windows

    `context` and `window` as in `check_lengths`; TemplateRefused for another engine's template.
    Intervals are counted as if the first sample received were number `start` of its stream.
    """

    def __init__(
        self,
        template: Template,
        encoder: SpeakerEncoder,
        speech: SpeechFrames,
        *,
        sample_rate: int,
        context: float,
        window: float,
        start: int = 0,
    ) -> None:
        check_template(template, encoder)
        check_lengths(context, window)
        self._template = template
        self._encoder = encoder
        self._frames = speech
        self._rate = sample_rate
        self._start = start
        self._window = _fraction(window)
        self._kept_windows = _fraction(context) // self._window
        self._least = min(_fraction(LEAST_SPEECH), _LEAST_SHARE * self._window) * sample_rate
        self._received = 0
        self._framed = 0
        self._number = 0
        self._speech: list[Samples] = []
        self._context: deque[tuple[int, int, Embedding]] = deque()

    def receive(self, samples: Samples) -> list[HeardWindow]:
        """The next stretch of sound, int16 of shape (n,): the windows that it completes."""
        over: list[HeardWindow] = []
        self._received += len(samples)
        for frame, is_speech in self._frames.receive(samples):
            self._framed += len(frame)
            while self._framed > self._end(self._number):
                over.append(self._close())
            if is_speech:
                self._speech.append(frame.copy())
        while self._received >= self._end(self._number):
            over.append(self._close())
        return over

    def embedding(self, window: HeardWindow) -> Embedding | None:
        """What the encoder hears in a window; None where there is too little speech in it.

        It changes nothing here: a thread may run it while more sound comes in.
        """
        if len(window.speech) < self._least:
            return None
        return self._encoder.embedding(window.speech, self._rate)

    def score(self, window: HeardWindow, embedding: Embedding | None) -> VerifyStreamResult | None:
        """The answer for a window, None while nothing in the context could be told a voice by."""
        context = self._context
        while context and context[0][0] <= window.number - self._kept_windows:
            context.popleft()
        if embedding is not None:
            context.append((window.number, len(window.speech), embedding))
        if not context:
            return None
        heard = np.average([one for _, _, one in context], 0, [length for _, length, _ in context])
        return VerifyStreamResult(
            audio_interval=self._interval(window.number),
            verify_result=_compared(self._template.embedding, heard, self._encoder),
        )

    def _end(self, number: int) -> int:
        return (number + 1) * self._window * self._rate // 1

    def _close(self) -> HeardWindow:
        speech = np.concatenate(self._speech) if self._speech else np.empty(0, np.int16)
        window = HeardWindow(self._number, speech)
        self._number += 1
        self._speech = []
        return window

    def _interval(self, number: int) -> AudioInterval:
        start, end = self._start + self._end(number - 1), self._start + self._end(number)
        return AudioInterval(
            end_sample=end,
            end_time=end * 1000 // self._rate,
            sample_rate=self._rate,
            start_sample=start,
            start_time=start * 1000 // self._rate,
        )


def check_lengths(context: float, window: float) -> None:
    """ValueError unless 0.5 <= window <= context, both in seconds, a window 60 s and the context
    600 s at most.
    """
    if not SHORTEST_WINDOW <= window <= LONGEST_WINDOW:
        allowed = f"{SHORTEST_WINDOW} to {LONGEST_WINDOW}"
        raise ValueError(f"a window of {window} s; allowed: {allowed}")
    if not window <= context <= LONGEST_CONTEXT:
        allowed = f"the window ({window} s) to {LONGEST_CONTEXT}"
        raise ValueError(f"a context of {context} s; allowed: {allowed}")


def check_template(template: Template, encoder: SpeakerEncoder) -> None:
    """TemplateRefused unless this very encoder made it."""
    if template.engine != encoder.engine:
        raise TemplateRefused(f"engine {template.engine!r} made it; here is {encoder.engine!r}")
    if template.model_hash != encoder.model_hash:
        raise TemplateRefused(f"{encoder.engine!r} made it with other weights")
    if len(template.embedding) != encoder.dimension:
        raise TemplateRefused(f"{len(template.embedding)} figures; allowed: {encoder.dimension}")


def read_template(text: str, encoder: SpeakerEncoder) -> Template:
    """The template that a client sent. TemplateRefused unless this very encoder made it."""
    template = parse_template(text)
    check_template(template, encoder)
    return template


def match(one: Template, other: Template, encoder: SpeakerEncoder) -> VerifyResult:
    """How alike two speakers are. TemplateRefused for a template of another engine."""
    check_template(one, encoder)
    check_template(other, encoder)
    return _compared(one.embedding, other.embedding, encoder)


def _compared(one: Embedding, other: Embedding, encoder: SpeakerEncoder) -> VerifyResult:
    first, second = one.astype(np.float64), other.astype(np.float64)
    norms = float(np.sqrt(first.dot(first) * second.dot(second)))
    # Voices whose mean is nothing are like nobody; rounding may go a little beyond 1.
    score = min(1.0, max(-1.0, float(first.dot(second)) / norms)) if norms else 0.0
    return VerifyResult(probability=encoder.calibration.probability(score), score=score)


def _fraction(seconds: float) -> Fraction:
    """As it was written, so that 0.6 / 0.2 is 3 and windows end on the sample they should."""
    return Fraction(seconds).limit_denominator(_FINEST)
