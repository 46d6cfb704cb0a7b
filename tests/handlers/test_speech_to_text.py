"""Recognisers of other makers, by objects with the signatures that they have."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.models import Transcript
from antiphon.handlers.speech_to_text import speech_to_text

Sound = npt.NDArray[np.float32]

SECOND = np.rint(8192 * np.sin(np.arange(24000) * 2 * math.pi * 440 / 24000)).astype(np.int16)
TURN = (24000, SECOND.reshape(1, -1))


def check(sound: Sound, shape: tuple[int, ...]) -> None:
    """That this is the second of sound, at 16 kHz."""
    assert sound.dtype == np.float32
    assert sound.shape == shape
    expected = 0.25 * np.sin(np.arange(16000) * 2 * math.pi * 440 / 16000)
    assert np.abs(sound.reshape(-1)[500:-500] - expected[500:-500]).max() < 2e-3


@dataclass
class Word:
    """As in faster-whisper 1.2."""

    start: float
    end: float
    word: str
    probability: float


@dataclass
class Segment:
    text: str
    words: list[Word] | None


class Whisper:
    """As faster-whisper's `WhisperModel`."""

    def __init__(self) -> None:
        self.beam_size = 5

    def transcribe(
        self, audio: Sound, language: str | None = None, beam_size: int = 5, **options: Any
    ) -> tuple[Iterator[Segment], object]:
        check(audio, (16000,))
        self.beam_size = beam_size
        return self._segments(**options), object()

    def _segments(self, word_timestamps: bool = False) -> Iterator[Segment]:
        words = [Word(0.1, 0.3, " Hey", 0.9), Word(0.3, 0.8, " computer,", 0.9)]
        yield Segment(" Hey computer,", words if word_timestamps else None)
        words = [Word(0.8, 1.0, " stop.", 0.9)]
        yield Segment(" stop.", words if word_timestamps else None)


def test_whisper_tells_the_words_and_their_times() -> None:
    heard = speech_to_text(Whisper()).stt(TURN)
    words = [(" Hey", 0.1, 0.3), (" computer,", 0.3, 0.8), (" stop.", 0.8, 1.0)]
    assert heard == Transcript(" Hey computer, stop.", words)


def test_options_go_to_whisper() -> None:
    model = Whisper()
    heard = speech_to_text(model, beam_size=1, word_timestamps=False).stt(TURN)
    assert heard == Transcript(" Hey computer, stop.", [])
    assert model.beam_size == 1


class OpenAIWhisper:
    """As a model of openai-whisper, which gives one dict."""

    def transcribe(self, audio: Sound, *, word_timestamps: bool = False) -> dict[str, Any]:
        check(audio, (16000,))
        segment: dict[str, Any] = {"text": " Stop."}
        if word_timestamps:
            segment["words"] = [{"word": " Stop.", "start": 0.2, "end": 0.5, "probability": 0.9}]
        return {"text": " Stop.", "segments": [segment], "language": "en"}


def test_the_other_whisper_does_too() -> None:
    assert speech_to_text(OpenAIWhisper()).stt(TURN) == Transcript(" Stop.", [(" Stop.", 0.2, 0.5)])
    untimed = speech_to_text(OpenAIWhisper(), word_timestamps=False)
    assert untimed.stt(TURN) == Transcript(" Stop.", [])


class Moonshine:
    """As `MoonshineOnnxModel`."""

    def generate(self, audio: Sound, max_len: int | None = None) -> list[list[int]]:
        check(audio, (1, 16000))
        return [[1, 17, 4, 2]]


class Tokenizer:
    def decode_batch(self, sequences: list[list[int]]) -> list[str]:
        return [f"{len(tokens)} tokens" for tokens in sequences]


def test_moonshine_speaks_through_its_tokenizer() -> None:
    assert speech_to_text(Moonshine(), tokenizer=Tokenizer()).stt(TURN) == "4 tokens"


def test_moonshine_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(TypeError, match="tokenizer="):
        speech_to_text(Moonshine())


@pytest.mark.parametrize("text", ["hey computer", ["hey", "computer"]])
def test_a_function_gives_a_text_or_several(text: Any) -> None:
    def transcribe(audio: Sound) -> Any:
        check(audio, (16000,))
        return text

    assert speech_to_text(transcribe).stt(TURN) == "hey computer"


def silent(sound: Sound) -> None:
    return None


def test_what_a_function_gives_otherwise_is_an_error() -> None:
    with pytest.raises(TypeError, match="not None"):
        speech_to_text(silent).stt(TURN)


class Ready:
    """As FastRTC's `STTModel`."""

    def stt(self, audio: tuple[int, Samples]) -> str:
        return "hey"


def test_what_is_a_recogniser_already_stays_as_it_is() -> None:
    engine = Ready()
    assert speech_to_text(engine) is engine


@pytest.mark.parametrize("engine", [Ready(), silent, Moonshine()])
def test_options_that_nobody_takes_are_refused(engine: Any) -> None:
    with pytest.raises(TypeError, match="takes no language"):
        speech_to_text(engine, language="en")


@pytest.mark.parametrize("engine", ["moonshine/base", None, 3, Ready, Whisper, math])
def test_anything_else_is_refused_by_name(engine: Any) -> None:
    with pytest.raises(TypeError, match="recogniser"):
        speech_to_text(engine)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_any_rate_is_heard_whole(rate: int) -> None:
    lengths: list[int] = []

    def transcribe(audio: Sound) -> str:
        lengths.append(len(audio))
        return ""

    speech_to_text(transcribe).stt((rate, np.zeros((1, rate * 3), np.int16)))
    assert lengths == [pytest.approx(48000, abs=2)]
