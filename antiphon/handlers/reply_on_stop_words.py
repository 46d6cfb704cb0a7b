"""Somebody says a stop word and what he wants, pauses, and a function answers."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

from ..core.models import PauseDetectionModel, SpeechToText, VoiceActivityModel
from ..core.speech_meter import FrameMeter, SpeechMeter, WindowMeter
from ..core.stop_words import stop_words_of
from ..core.turns import AlgoOptions, EndOfTurn
from .conversation import TurnTaker
from .reply import Interrupted
from .reply_on_pause import ReplyOnPause
from .speech_to_text import speech_to_text
from .spotter import Spotter
from .stop_word_turns import StopWordTurns

__all__ = ("ReplyOnStopWords",)

_ONE_FRAME = 0.01  # seconds: less than any frame of a detector

_NO_ENGINE = (
    "ReplyOnStopWords needs a speech recogniser, and loads none by itself: pass"
    " stt=faster_whisper.WhisperModel('tiny.en') (pip install faster-whisper),"
    " stt=speech_to_text(model, tokenizer=...) for Moonshine (pip install useful-moonshine-onnx),"
    " or an object with stt((sample_rate, array)) -> str"
)


class ReplyOnStopWords(ReplyOnPause):
    """Answers what is said behind a stop word by a function, on every transport.

    As `ReplyOnPause`, but nobody is listened to before a stop word, and after each reply it is
    needed again. The client is told `stopword`; the turn begins behind the word, in the same breath
    or after a while. Only a stop word interrupts a reply, not speech: people talk to each other.

    stop_words: words or phrases. Case and punctuation do not matter; only whole words count.
    stt: the recogniser: a `SpeechToText`, FastRTC's `STTModel`, or what `speech_to_text` makes one
        of. It hears what the detector takes for speech, about each 0.4 s of it, in worker threads,
        for several calls at a time. Of what it gives a `Transcript` with times, the turn begins
        exactly behind the stop word; otherwise up to half a second before its end. Errors are
        logged and told to the client; ten in a row end the call.
    patience: seconds to begin talking in, behind a stop word. Then it is needed again, and the
        client is told so by the log `stopword_expired`.

    The rest is as for `ReplyOnPause`. Raises TypeError without `stt`.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        stop_words: Sequence[str],
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: Any = None,
        can_interrupt: bool = True,
        expected_layout: str = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 24000,
        model: PauseDetectionModel | VoiceActivityModel | None = None,
        needs_args: bool = False,
        *,
        stt: Any = None,
        patience: float = 5.0,
        vad: str = "auto",
        inputs_timeout: float = 60.0,
        on_interrupt: Callable[[Interrupted], Any] | None = None,
        end_of_turn: EndOfTurn | None = None,
    ) -> None:
        if stt is None:
            raise TypeError(_NO_ENGINE)
        if not 0 < patience < inf:
            raise ValueError(f"patience is more than 0 seconds, not {patience!r}")
        self._stop_words = stop_words_of(stop_words)
        self._recogniser: SpeechToText = speech_to_text(stt)
        self._patience = patience
        super().__init__(
            fn,
            startup_fn,
            algo_options,
            model_options,
            can_interrupt,
            expected_layout,
            output_sample_rate,
            output_frame_size,
            input_sample_rate,
            model,
            needs_args,
            vad=vad,
            inputs_timeout=inputs_timeout,
            on_interrupt=on_interrupt,
            end_of_turn=end_of_turn,
        )

    def _turns(self, sample_rate: int) -> TurnTaker:
        spotter = Spotter(
            self._spotting(sample_rate), self._recogniser, self._stop_words, sample_rate
        )
        return StopWordTurns(
            spotter,
            partial(super()._turns, sample_rate),
            sample_rate,
            patience=self._patience,
            interrupts=self.algo_options.interrupt_on == "speech",
        )

    def _spotting(self, sample_rate: int) -> SpeechMeter:
        """What tells whether there is speech right now."""
        if self._activity is None:
            window = self.algo_options.audio_chunk_duration
            return WindowMeter(self.model, self.model_options, sample_rate, window)
        return FrameMeter(self._activity, sample_rate, _ONE_FRAME, _ONE_FRAME)
