"""Listens until it is called by name: say "hey computer", and then what is to be said back.

    python -m examples.stop_word --port 8000

Open http://127.0.0.1:8000, press Start, and talk. No recogniser comes with antiphon and none is
downloaded. Here a stub hears "hey computer" in a whistle: a tone of about 2 kHz, for half a second;
so that it counts as speech, the detector is one that goes by loudness. With a real recogniser:

    ReplyOnStopWords(answer, ["hey computer"], stt=faster_whisper.WhisperModel("tiny.en"))
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from antiphon import AdditionalOutputs, ReplyOnStopWords, Stream
from examples.program import Sound, run

__all__ = ("Loudness", "Whistles", "answer", "stream")

LOUD = 1000  # of 32768
WHISTLE = (1500, 2500)  # Hz


class Loudness:
    """Takes what is loud for speech."""

    def vad(self, audio: Sound, options: Any) -> tuple[float, list[Any]]:
        """The seconds of loud sound in (sample rate, int16 samples), by pieces of 10 ms."""
        sample_rate, samples = audio
        size = sample_rate // 100
        pieces = np.abs(samples[: len(samples) // size * size].reshape(-1, size).astype(np.int32))
        return float(np.count_nonzero(pieces.max(axis=1, initial=0) > LOUD)) / 100, []


class Whistles:
    """Knows one sound."""

    def stt(self, audio: Sound) -> str:
        """The words in (sample rate, int16 samples): most of a whistle's energy is in its tone."""
        sample_rate, samples = audio
        energy = np.abs(np.fft.rfft(samples.reshape(-1))) ** 2
        frequencies = np.fft.rfftfreq(samples.size, 1 / sample_rate)
        tone = energy[(frequencies > WHISTLE[0]) & (frequencies < WHISTLE[1])].sum()
        return "Hey, computer!" if tone > energy.sum() / 2 else "something else"


def answer(turn: Sound) -> Iterator[Sound | AdditionalOutputs]:
    """Say back what was said behind the stop word."""
    sample_rate, samples = turn
    yield AdditionalOutputs({"seconds": round(samples.size / sample_rate, 1)})
    yield turn


stream = Stream(
    ReplyOnStopWords(answer, ["hey computer"], stt=Whistles(), model=Loudness()),
)

if __name__ == "__main__":
    run(stream, __doc__)
