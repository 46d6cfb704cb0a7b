"""Voices of espeak-ng, each with two sentences."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.audio.resample import Resampler
from tests.cli.sounds import read_wav

__all__ = ("Say",)

RATE = 16_000
SENTENCES = (
    "Six zebras rest in the warm shadow of an old oak tree, and nobody comes to wake them.",
    "Would you mind telling me where the nearest railway station is? Thank you very much.",
)

Say = Callable[[str, int], Samples]
"""A voice of espeak-ng, and the number of the sentence: int16 at 16 kHz."""


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Say:
    """Skips without espeak-ng, unless REQUIRE_ESPEAK is 1."""
    program = shutil.which("espeak-ng")
    if program is None:
        if os.environ.get("REQUIRE_ESPEAK") == "1":
            pytest.fail("espeak-ng is not installed, and REQUIRE_ESPEAK is 1")
        pytest.skip("espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("said")

    @cache
    def spoken(voice: str, number: int) -> Samples:
        return said(program, folder, voice, number)

    return spoken


def said(program: str, folder: Path, voice: str, number: int) -> Samples:
    path = folder / "said.wav"
    command = [program, "-v", voice, "-w", str(path), SENTENCES[number]]
    subprocess.run(command, check=True, timeout=10)
    rate, samples = read_wav(path)
    resampler = Resampler(rate, RATE, live=False)
    return np.frombuffer(resampler.process(samples.tobytes()) + resampler.flush(), "<i2")
