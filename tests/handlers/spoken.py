"""Speech in which each word is a stretch of one loudness, and recognisers that read it."""

from itertools import groupby
from typing import Any, cast

import numpy as np

from antiphon.core.audio.frames import Samples
from antiphon.core.models import Transcript
from tests.core.loudness import quiet

__all__ = ("RATE", "WORD", "Clerk", "say_words")

RATE = 24000
WORD = 0.45  # seconds
_LEXICON = ("hey", "computer", "what", "time", "is", "it", "stop", "bla")
_LOWEST, _STEP = 2000, 400


def say_words(text: str) -> Samples:
    """Words, and pauses in seconds: "hey computer 1.5 what time"."""
    return np.concatenate([_said(item) for item in text.split()])


def _said(item: str) -> Samples:
    if item not in _LEXICON:
        return quiet(float(item), RATE)
    level = _LOWEST + _STEP * _LEXICON.index(item)
    return (level + np.arange(int(WORD * RATE)) % 97).astype(np.int16)


class Clerk:
    """Writes a word down when it has heard seven tenths of it; an answer of its own, if it has one
    for this question, comes instead. Counts what it is asked.
    """

    def __init__(self, timed: bool = False, answers: dict[int, Any] | None = None) -> None:
        self.asked: list[Samples] = []
        self._timed = timed
        self._answers = answers or {}

    def stt(self, audio: tuple[int, Samples]) -> str | Transcript:
        rate, samples = audio
        assert rate == RATE
        assert samples.dtype == np.int16
        assert samples.ndim == 2
        assert len(samples) == 1
        self.asked.append(samples[0])
        answer = self._answers.get(len(self.asked))
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return cast(str, answer)
        words = _read(samples[0])
        text = ", ".join(word.capitalize() for word, _, _ in words)
        return Transcript(text, words) if self._timed else text


def _read(samples: Samples) -> list[tuple[str, float, float]]:
    words: list[tuple[str, float, float]] = []
    at = 0
    levels: list[int] = ((samples.astype(int) - _LOWEST) // _STEP).tolist()
    for level, run in groupby(levels):
        length = len(list(run))
        if 0 <= level < len(_LEXICON) and length >= 0.7 * WORD * RATE:
            words.append((_LEXICON[level], at / RATE, (at + length) / RATE))
        at += length
    return words
