"""Listens for stop words: when a recogniser is asked, with what, and where the turn begins. Counts
samples.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..core.audio.buffer import TurnBuffer
from ..core.audio.frames import Samples
from ..core.models import SpeechToText, Transcript
from ..core.speech_meter import SpeechMeter
from ..core.stop_words import StopWord, spotted
from .stop_word_events import Recognised, StopWordHeard

__all__ = ("Spotter",)

ASK_AFTER = 0.4  # seconds of speech that nobody was asked about
BREATH = 0.3  # seconds of silence that end a breath
LEAST = 0.1  # seconds of speech below which there is no word
MARGIN = 0.3  # seconds of sound around the speech, which recognisers hear better with
WINDOW = 2.5  # seconds that a question is about: room for two words, and for some more of
PER_WORD = 0.5  # seconds for each word of a longer stop word
OVERLAP = 1.5  # seconds of what was asked about already, when there is much to ask
MOST = 8.0  # seconds of one breath that wait to be asked about


class _Found(msgspec.Struct, frozen=True):
    phrase: str
    goes_on: bool
    end: int | None  # index of the sample behind it, where that is known
    asked_from: int  # index of the first sample that the recogniser heard


class Spotter:
    """Hears sound until a stop word was said and it is clear where the turn behind it begins.

    meter: tells of each frame whether there is speech in it. The recogniser is asked after each
    0.4 s of speech and at the end of each breath, about the last 2.5 s of it (more for stop words
    of more than three words). Holds that much sound, and where it may wait 8 s more.
    """

    def __init__(
        self,
        meter: SpeechMeter,
        recogniser: SpeechToText,
        stop_words: Sequence[StopWord],
        sample_rate: int,
    ) -> None:
        self._meter = meter
        self._recogniser = recogniser
        self._stop_words = stop_words
        self._rate = sample_rate
        self._frame = meter.frame_samples
        self._ask_after = int(ASK_AFTER * sample_rate)
        self._breath = int(BREATH * sample_rate)
        self._least = int(LEAST * sample_rate)
        self._margin = int(MARGIN * sample_rate)
        self._overlap = int(OVERLAP * sample_rate)
        longest = max(len(item.words) for item in stop_words)
        self._window = int(max(WINDOW, 1 + PER_WORD * longest) * sample_rate)
        self._most = self._window + int(MOST * sample_rate)
        self._buffer = TurnBuffer(self._most + self._frame)
        self._at = 0
        self.reset()

    @property
    def frame_samples(self) -> int:
        """How many samples it takes at a time."""
        return self._frame

    @property
    def held(self) -> int:
        """How many samples it holds."""
        return len(self._buffer)

    @property
    def heard(self) -> bool:
        """Whether a stop word was said, and it is not clear yet where the turn begins."""
        return self._turn_at is not None

    def reset(self) -> None:
        """Forget all sound so far."""
        self._meter.forget()
        self._buffer.keep_last(0)
        self._speech: deque[int] = deque()  # indices of the frames of speech in the buffer
        self._unasked = 0  # samples of speech since the last question
        self._unasked_from = 0  # index of the first of them
        self._in_breath = 0  # samples of speech in this breath
        self._silence = 0  # samples since the last speech
        self._cleared = 0  # index up to which there was no stop word
        self._turn_at: int | None = None  # where the turn begins, once a stop word was said
        self._timed = False  # whether that is known from the recogniser

    def take(self) -> Samples:
        """What was said behind a stop word so far, empty when there was nothing; begins anew."""
        begun = self._turn_at if self._unasked else None
        sound = np.empty(0, np.int16) if begun is None else self._since(begun)
        self.reset()
        return sound

    def hear(self, frame: Samples, at: int, may_wait: bool, events: list[Any]) -> Samples | None:
        """Hear the next frame, int16 of shape (frame_samples,), which ends before index `at`. As
        soon as it is clear where the turn begins: its sound up to now; then it begins anew.

        may_wait: whether more sound is there already, so that one question will do for a breath.
        events: gets `Recognised` and `StopWordHeard`.
        """
        self._at = at
        self._note(frame)
        if self._turn_at is not None:
            begin = self._beginning(self._turn_at, events)
        elif self._due(may_wait):
            begin = self._look(events)
        else:
            begin = None
        if begin is None:
            return None
        sound = self._since(begin)
        self.reset()
        return sound

    def _note(self, frame: Samples) -> None:
        self._buffer.append(frame)
        if self._meter.add(frame).window > 0:
            self._note_speech()
        else:
            self._silence += self._frame
            if self._paused() and self._in_breath < self._least:
                self._unasked = self._in_breath = 0
        if self._turn_at is None:
            self._trim()

    def _note_speech(self) -> None:
        if not self._unasked:
            self._unasked_from = self._at - self._frame
        if self._paused():
            self._in_breath = 0
        self._speech.append(self._at - self._frame)
        self._unasked += self._frame
        self._in_breath += self._frame
        self._silence = 0

    def _trim(self) -> None:
        waiting = self._at - self._unasked_from + self._overlap if self._unasked else 0
        self._buffer.keep_last(min(max(self._window, waiting), self._most))
        oldest = self._at - len(self._buffer)
        while self._speech and self._speech[0] < oldest:
            self._speech.popleft()

    def _due(self, may_wait: bool) -> bool:
        """Whether to ask now."""
        if not self._unasked or self._paused():
            return self._unasked > 0
        return self._much() and (not may_wait or self._full())

    def _paused(self) -> bool:
        return self._silence >= self._breath

    def _much(self) -> bool:
        return self._unasked >= self._ask_after

    def _full(self) -> bool:
        return len(self._buffer) >= self._most

    def _look(self, events: list[Any]) -> int | None:
        """Ask for a stop word: where the turn begins, if that is clear at once."""
        cleared = self._cleared
        found = self._ask(events)
        if found is None:
            return None
        events.append(StopWordHeard(found.phrase, self._at))
        self._timed = found.end is not None
        behind = max(cleared, found.asked_from) if found.end is None else found.end
        self._turn_at = behind
        return behind if found.goes_on else self._beginning(behind, events)

    def _beginning(self, behind: int, events: list[Any]) -> int | None:
        """Where the turn begins behind a stop word, once that is clear: when much more is said, or
        the breath ends. What is said until then may be the rest of the word itself, which must not
        start a turn, or the whole question: the recogniser is asked once more.
        """
        much = self._much() or self._full()
        if not much and not self._paused():
            return None
        found = self._ask(events) if self._unasked and (self._timed or not much) else None
        if found is not None and (found.goes_on or much):
            return behind if found.end is None else found.end
        return behind if much else self._at - min(self._silence, len(self._buffer))

    def _ask(self, events: list[Any]) -> _Found | None:
        """What the recogniser finds in the speech of the buffer and a little around it."""
        start = max(self._at - len(self._buffer), self._speech[0] - self._margin)
        end = min(self._at, self._speech[-1] + self._frame + self._margin)
        sound = self._since(start)[: end - start]
        self._unasked = 0
        try:
            heard = _transcript(self._recogniser.stt((self._rate, sound.reshape(1, -1))))
            found = spotted(heard, self._stop_words)
        except Exception as error:
            events.append(Recognised(error))
            return None
        events.append(Recognised(None))
        if found is None:
            self._cleared = end
            return None
        return _Found(found.phrase, found.goes_on, self._index(found.end, start), start)

    def _index(self, seconds: float | None, start: int) -> int | None:
        if seconds is None:
            return None
        return min(start + round(max(seconds, 0.0) * self._rate), self._at)

    def _since(self, index: int) -> Samples:
        """The sound from an index on; the receiver's."""
        return self._buffer.tail(self._at - index).copy()


def _transcript(heard: object) -> Transcript:
    if isinstance(heard, Transcript):
        return heard
    if isinstance(heard, str):
        return Transcript(heard)
    raise TypeError(f"a recogniser gives a text or a Transcript, not {heard!r}")
