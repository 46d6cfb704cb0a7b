"""Recorded and synthetic speech at 16 kHz, and where in it somebody speaks."""

import io
import shutil
import subprocess
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]  # it ships none

from antiphon.core.models import VoiceActivityModel
from benchmarks.voice_sounds import RATE, SPEECH_LEVEL, Floats, level

__all__ = ("Booleans", "Utterance", "labelled", "read_sound", "recordings", "spoken", "voiced")

Booleans = npt.NDArray[np.bool_]

_SENTENCES = {
    "en-us": "Good morning, I am calling about the order that I placed last Tuesday evening.",
    "en-gb": "Well, would you mind telling me where the nearest station is? Thank you so much.",
    "de": "Guten Tag, ich möchte gerne wissen, wann der nächste Zug nach Hamburg abfährt.",
    "fr-fr": "Bonjour, je voudrais savoir si vous avez encore une chambre pour deux personnes.",
    "es": "Buenos días, quisiera cambiar la fecha de mi vuelo, si todavía es posible.",
    "it": "Buongiorno, vorrei prenotare un tavolo per quattro persone domani sera alle otto.",
    "pl": "Dzień dobry, chciałbym się dowiedzieć, czy sklep jest jeszcze otwarty.",
    "pt": "Bom dia, gostaria de saber quanto tempo demora a entrega da encomenda.",
    "ru": "Здравствуйте, скажите, пожалуйста, когда вы работаете в выходные дни?",
    "sv": "God morgon, jag undrar om det finns en ledig tid hos tandläkaren nästa vecka.",
    "nl": "Goedemiddag, ik wil graag weten of mijn pakket vandaag nog wordt bezorgd.",
    "fi": "Hyvää päivää, haluaisin tietää, milloin seuraava juna Helsinkiin lähtee.",
}
_VARIANTS = ("", "+m3", "+m7", "+f2", "+f4", "+f5")
_SPEEDS = (120, 160, 200)  # words a minute


class Utterance(msgspec.Struct, frozen=True, eq=False):
    """Some seconds of one speaker, active parts at SPEECH_LEVEL."""

    samples: Floats
    speech: Booleans
    """Which samples are speech."""


def recordings(folder: Path) -> list[Path]:
    """Every FLAC and WAV file below a folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".flac", ".wav"))


def read_sound(path: Path) -> Floats:
    """A sound file at 16 kHz, mono, int16-scaled."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        mono = av.AudioResampler(format="s16", layout="mono")
        pcm = b"".join(
            bytes(cut.planes[0])[: 2 * cut.samples]
            for frame in container.decode(stream)
            for cut in mono.resample(frame)
        )
        return _at_16k(np.frombuffer(pcm, "<i2").astype(np.float32), stream.rate)


def spoken(*, every: int = 1) -> Iterator[Floats]:
    """Sentences of espeak-ng in twelve languages, six voices, three speeds; none without it."""
    if shutil.which("espeak-ng") is None:
        return
    kinds = [(name, form, speed) for name in _SENTENCES for form in _VARIANTS for speed in _SPEEDS]
    for name, form, speed in kinds[::every]:
        command = ["espeak-ng", "-v", name + form, "-s", str(speed), "--stdout", _SENTENCES[name]]
        output = subprocess.run(command, check=True, timeout=20, capture_output=True).stdout
        with wave.open(io.BytesIO(output), "rb") as file:
            pcm = file.readframes(1 << 24)
            samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.float32)
            yield _at_16k(samples, file.getframerate())


def _at_16k(samples: Floats, sample_rate: int) -> Floats:
    if sample_rate == RATE:
        return samples
    converted: Floats = soxr.resample(samples, sample_rate, RATE)
    return converted


def voiced(samples: Floats, model: VoiceActivityModel) -> Booleans:
    """Which samples the model takes for speech. Without a frame at the end: not speech."""
    detector = model.detector(RATE)
    size = detector.frame_samples
    pcm = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    speech = np.zeros(len(samples), np.bool_)
    for start in range(0, len(pcm) - size + 1, size):
        probability = detector.probability(pcm[start : start + size])
        speech[start : start + size] = probability >= model.threshold
    return speech


def labelled(sounds: Iterable[Floats], model: VoiceActivityModel) -> Iterator[Utterance]:
    """Each sound that has speech, levelled, with its speech as a model finds it."""
    for samples in sounds:
        speech = voiced(samples, model)
        if speech.any():
            factor = 10 ** ((SPEECH_LEVEL - level(samples[speech])) / 20)
            yield Utterance(samples * np.float32(factor), speech)
