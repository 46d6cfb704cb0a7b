"""What a fake microphone hears: a sentence and a pause, again and again."""

import wave
from pathlib import Path

import numpy as np

from benchmarks.utterances import RATE, spoken
from tests.cli.sounds import espeak

__all__ = ("sentences",)


def sentences(folder: Path, *, pause: float) -> Path:
    """A WAV file with a pause of so many seconds; Chromium plays it in a loop. Skips without
    espeak-ng.
    """
    espeak()
    path = folder / "sentence.wav"
    silence = np.zeros(round(pause * RATE), np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate((spoken(1)[0].samples, silence)).tobytes())
    return path
