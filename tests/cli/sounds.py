"""Sounds to send, and what comes back of them."""

import os
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.audio.frames import Samples

__all__ = ("aligned_snr", "espeak", "melody", "read_wav", "speech", "write_wav")

SENTENCE = "Six zebras rest."  # loud vowels and hisses, in a second


def melody(sample_rate: int, seconds: float = 1.0) -> Samples:
    """Tones of which no two neighbours are alike, a tenth of a second each, with soft edges."""
    rng = np.random.default_rng(20)
    piece = np.arange(sample_rate // 10) / sample_rate
    edges = np.sin(np.pi * np.linspace(0, 1, len(piece))) ** 0.5
    parts = [
        edges * np.sin(2 * np.pi * frequency * piece) * 0.5
        for frequency in rng.uniform(200, 3000, round(seconds * 10))
    ]
    return (np.concatenate(parts) * 32767).astype("<i2")


def espeak() -> str:
    """The program that speaks. Skips without it, unless REQUIRE_ESPEAK is 1."""
    program = shutil.which("espeak-ng")
    if program is not None:
        return program
    if os.environ.get("REQUIRE_ESPEAK") == "1":
        pytest.fail("espeak-ng is not installed, and REQUIRE_ESPEAK is 1")
    pytest.skip("espeak-ng is not installed")


def speech(path: Path) -> Path:
    """A spoken sentence at 22,050 Hz. Skips without espeak-ng, unless REQUIRE_ESPEAK is 1."""
    program = espeak()
    subprocess.run([program, "-w", str(path), SENTENCE], check=True, timeout=10)
    return path


def write_wav(path: Path, samples: Samples, sample_rate: int) -> Path:
    """An int16 mono file, by the standard library."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> tuple[int, Samples]:
    """Rate and samples of an int16 mono file, by the standard library."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        pcm = file.readframes(file.getnframes())
        assert len(pcm) == 2 * file.getnframes()
        return file.getframerate(), np.frombuffer(pcm, "<i2")


def aligned_snr(wanted: Samples, got: Samples) -> float:
    """Decibels of the wanted signal over its difference to what came, at the delay, in hundredths
    of a sample, where that is greatest. The first and last 20 ms of 24 kHz are left out.
    """
    size = 1 << (len(wanted) + len(got)).bit_length()
    spectrum = np.fft.rfft(wanted.astype(np.float64), size)
    products = np.fft.irfft(np.fft.rfft(got.astype(np.float64), size) * spectrum.conj(), size)
    coarse = int(np.argmax(products))
    coarse -= size if coarse > size // 2 else 0
    inside = slice(480, len(wanted) - 480)
    turns = -2j * np.pi * np.fft.rfftfreq(size)
    answer = np.zeros(size)
    answer[: len(got)] = got
    answer = np.roll(answer, -coarse)[inside]

    def at(fraction: float) -> float:
        shifted = np.fft.irfft(spectrum * np.exp(turns * fraction), size)[inside]
        return _snr(shifted, answer)

    best = max(np.linspace(-1, 1, 41), key=at)
    return max(at(best + step) for step in np.linspace(-0.05, 0.05, 11))


def _snr(wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64]) -> float:
    noise = got - wanted
    return float(10 * np.log10((wanted @ wanted) / max(float(noise @ noise), 1e-9)))
