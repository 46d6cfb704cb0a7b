"""Sound that waits to be heard."""

import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import numpy as np

from ..core.audio.frames import Samples
from ..core.ports import Call

__all__ = ("BACKLOG", "Backlog", "sound_of_call")

log = logging.getLogger("antiphon")

BACKLOG = 30.0  # seconds of sound that wait: clients send recordings at once; older is dropped
_PIECE = 0.5  # seconds heard at a time; more would hold up other calls
_BATCH = 0.06  # seconds of sound that a worker thread is given at a time, at least


async def sound_of_call(call: Call) -> AsyncGenerator[Samples]:
    """All sound of a call. The client is told once when it sends more than is waited for."""
    told = False
    step = int(_PIECE * call.sample_rate)
    async for frame in call.audio:
        if call.dropped_frames and not told:
            told = True
            await call.warning(
                f"sound came faster than it is heard: what waits longer than {BACKLOG:g} s is"
                " dropped"
            )
        yield frame.samples[:step]
        for start in range(step, len(frame), step):
            await anyio.lowlevel.checkpoint()
            yield frame.samples[start : start + step]


class Backlog:
    """Sound that waits for its reader, who takes all there is at once, but not less than three
    frames: a hop to a worker thread and back costs 90 us.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._least = int(_BATCH * call.sample_rate)
        self._most = int(BACKLOG * call.sample_rate)
        self._waiting: deque[Samples] = deque()
        self._held = 0
        self._ended = False
        self._changed = anyio.Event()
        self._warned = False

    async def fill(self) -> None:
        """Collect all sound of the call."""
        async with aclosing(sound_of_call(self._call)) as sound:
            async for samples in sound:
                self._waiting.append(samples)
                self._held += len(samples)
                while self._held > self._most:
                    self._held -= len(self._waiting.popleft())
                    self._warn()
                self._changed.set()
        self._ended = True
        self._changed.set()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "call %r: its detector is slower than the sound; what waits longer than %g s is"
                " dropped",
                self._call.id,
                BACKLOG,
            )

    def __aiter__(self) -> "Backlog":
        return self

    async def __anext__(self) -> Samples:
        while self._held < self._least and not self._ended:
            self._changed = anyio.Event()
            await self._changed.wait()
        if not self._waiting:
            raise StopAsyncIteration
        waiting, self._waiting, self._held = self._waiting, deque(), 0
        return np.concatenate(waiting)
