"""What verification is tested with: voices that a loudness tells apart, and encoders of them."""

import threading
from typing import Any

import anyio.to_thread
import numpy as np

from antiphon import Speech, Stream
from antiphon.core.audio.frames import Samples
from antiphon.core.speech.template import Embedding, Template, template_text
from tests.core.loudness import Loudness
from tests.core.speech.encoders import ByLoudness
from tests.transports.speech_servers import speech_stream

__all__ = ("FOREIGN", "MINE", "THEIRS", "Gate", "Heavy", "mine", "theirs", "verify_stream")


class Heavy(ByLoudness):
    """Not to be asked on an event loop; notes which threads asked."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        self.threads.add(threading.get_ident())
        return super().embedding(speech, sample_rate)


class Gate(Heavy):
    """Keeps every thread that asks until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = threading.Semaphore(0)
        self.open = threading.Event()

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        self.inside.release()
        self.open.wait(10)
        return super().embedding(speech, sample_rate)

    async def entered(self, count: int) -> None:
        """Wait until so many threads are inside."""
        for _ in range(count):
            assert await anyio.to_thread.run_sync(self.inside.acquire, True, 5.0)


def template(*figures: float, engine: str = Heavy.engine) -> str:
    embedding = np.array(figures, np.float32)
    return template_text(Template(engine, Heavy.model_hash, embedding))


MINE, THEIRS = template(1, 0), template(0, 1)
FOREIGN = template(1, 0, engine="other")


def mine(seconds: float, rate: int = 16_000) -> Samples:
    """Speech of the voice in `MINE`."""
    return np.full(round(seconds * rate), 20_000, np.int16)


def theirs(seconds: float, rate: int = 16_000) -> Samples:
    """Speech of the voice in `THEIRS`."""
    return np.full(round(seconds * rate), 5000, np.int16)


def verify_stream(encoder: ByLoudness | None = None, **options: Any) -> Stream:
    """A stream whose endpoints know these voices; options of `Speech`, of which `stream` has those
    of the `Stream`.
    """
    settings = options.pop("stream", {})
    options = {"voice_activity": Loudness(), "speaker_encoder": encoder or Heavy(), **options}
    return speech_stream(Speech(**options), **settings)
