"""How the examples are served, and how they speak."""

import argparse
import io
import shutil
import subprocess
import sys
import wave
from functools import partial

import anyio
import numpy as np
import numpy.typing as npt

from antiphon import Stream

__all__ = ("Sound", "port_wanted", "run", "say_ready", "spoken")

Sound = tuple[int, npt.NDArray[np.int16]]
"""Sample rate in Hz, and int16 samples of shape (n,)."""


def port_wanted(description: str | None) -> int:
    """The port that the command line asks for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=8000, help="0 for any free one (%(default)s)")
    port: int = parser.parse_args().port
    return port


def say_ready(port: int) -> None:
    """Tell where the program can be tried."""
    print(f"antiphon serves on http://127.0.0.1:{port}", file=sys.stderr, flush=True)


def run(stream: Stream, description: str | None) -> None:
    """Serve a stream on this machine until Ctrl-C; its page is at `/`."""
    anyio.run(partial(stream.serve, port=port_wanted(description), ready=say_ready))


def spoken(text: str) -> Sound:
    """A text as speech, by espeak-ng. It blocks: call it in a function that is not async, or in a
    worker thread. Raises FileNotFoundError where espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise FileNotFoundError("espeak-ng is not installed: apt install espeak-ng")
    command = [program, "--stdin", "--stdout", "-v", "en", "-s", "160"]
    made = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=30)
    with wave.open(io.BytesIO(made.stdout)) as sound:
        # Written to a pipe, its header does not know the length: read what there is.
        samples = np.frombuffer(sound.readframes(1 << 30), "<i2")
        return sound.getframerate(), samples
