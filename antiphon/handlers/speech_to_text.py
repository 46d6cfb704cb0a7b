"""Speech recognisers of other makers, made to write down sound of any rate."""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..core.audio.convert import to_pcm
from ..core.audio.frames import Samples
from ..core.audio.resample import Resampler
from ..core.models import SpeechToText, Transcript

__all__ = ("speech_to_text",)

_RATE = 16000  # Hz: what all of them hear

Sound = npt.NDArray[np.float32]


def speech_to_text(engine: Any, *, tokenizer: Any = None, **options: Any) -> SpeechToText:
    """A recogniser out of one of these; none of them is loaded or downloaded here.

    - An object with `stt((sample_rate, array)) -> str`, as FastRTC's `STTModel`: as it is.
    - A `WhisperModel` or `BatchedInferencePipeline` of faster-whisper, or a model of
      openai-whisper: `options` (`language="en"`, `beam_size=1`) go to its `transcribe`.
    - A Moonshine model, which generates tokens, with its tokenizer, which decodes them:
      `speech_to_text(MoonshineOnnxModel(...), tokenizer=moonshine_onnx.load_tokenizer())`.
    - A function of float32 samples at 16 kHz, shape (n,), that gives a text or a list of texts:
      `partial(moonshine_onnx.transcribe, model=model)`.

    Raises TypeError for anything else.
    """
    if isinstance(engine, type | ModuleType):
        raise TypeError(f"a recogniser is an object or a function, not {engine!r}")
    if callable(getattr(engine, "stt", None)):
        _no_options(options, tokenizer)
        return cast(SpeechToText, engine)
    if callable(getattr(engine, "transcribe", None)):
        _no_options({}, tokenizer)
        return _Whisper(engine, options)
    if callable(getattr(engine, "generate", None)):
        _no_options(options)
        if not callable(getattr(tokenizer, "decode_batch", None)):
            raise TypeError("a model that generates tokens needs tokenizer=, with `decode_batch`")
        return _Function(lambda sound: tokenizer.decode_batch(engine.generate(sound[np.newaxis])))
    if callable(engine):
        _no_options(options, tokenizer)
        return _Function(engine)
    raise TypeError(
        f"{engine!r} is no speech recogniser; allowed: an object with `stt`, with `transcribe`"
        " (Whisper) or with `generate` (Moonshine), or a function of float32 samples at 16 kHz"
    )


def _no_options(options: dict[str, Any], tokenizer: Any = None) -> None:
    if options or tokenizer is not None:
        names = ", ".join([*options, *(["tokenizer"] if tokenizer is not None else [])])
        raise TypeError(f"this recogniser takes no {names}")


class _Whisper:
    """Knows when each word was said."""

    def __init__(self, model: Any, options: dict[str, Any]) -> None:
        self._model = model
        self._options = {"word_timestamps": True, **options}

    def stt(self, audio: tuple[int, Samples]) -> Transcript:
        heard = self._model.transcribe(_sound(audio), **self._options)
        # faster-whisper gives a generator of segments and its findings, openai-whisper one dict.
        given = _of(heard, "segments") if isinstance(heard, dict) else heard[0]
        segments = list(given)
        text = "".join(str(_of(segment, "text")) for segment in segments)
        words = [word for segment in segments for word in _of(segment, "words") or ()]
        return Transcript(
            text,
            [(str(_of(w, "word")), float(_of(w, "start")), float(_of(w, "end"))) for w in words],
        )


def _of(record: Any, name: str) -> Any:
    if isinstance(record, dict):
        return cast(dict[str, Any], record).get(name)
    return getattr(record, name)


class _Function:
    """Gives the words only."""

    def __init__(self, function: Callable[[Sound], Any]) -> None:
        self._function = function

    def stt(self, audio: tuple[int, Samples]) -> str:
        heard = self._function(_sound(audio))
        if isinstance(heard, str):
            return heard
        if isinstance(heard, list | tuple):
            return " ".join(str(text) for text in cast(Iterable[object], heard))
        raise TypeError(f"a recogniser gives a text or a list of texts, not {heard!r}")


def _sound(audio: tuple[int, Samples]) -> Sound:
    """Float32 samples at 16 kHz, shape (n,)."""
    sample_rate, samples = audio
    resampler = Resampler(sample_rate, _RATE, live=False)
    pcm = resampler.process(to_pcm(samples)) + resampler.flush()
    return np.frombuffer(pcm, np.dtype("<i2")).astype(np.float32) / np.float32(32768)
