"""Turns that a user's own `determine_pause` decides, as FastRTC's users write it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.audio.frames import Samples
from ..core.turns import MAX_TURN, AlgoOptions, BargeIn, Paused, SpeechStarted, TurnEvent

__all__ = ("AppState", "DeterminedTurns", "determine")

_FRAME = 0.02  # seconds


@dataclass
class AppState:
    """What `determine_pause` remembers from frame to frame; it may change all of it."""

    stream: Samples | None = None
    """The turn so far, int16 of shape (n,): what the function gets when the pause comes."""
    sampling_rate: int = 0
    """Hz."""
    buffer: Samples | None = None
    """Sound that was not decided about yet; the next frame is added to it. To be set to None when
    it is."""
    started_talking: bool = False
    """Whether the turn has started."""
    responding: bool = False
    """Whether a reply is played."""


DeterminePause = Callable[[Samples, int, AppState], bool]


def determine(
    audio: Samples, sampling_rate: int, state: AppState, options: AlgoOptions, speech: float
) -> bool:
    """FastRTC's own rule for a whole window `audio` with so many seconds of speech: whether the
    turn is over.
    """
    if speech > options.started_talking_threshold:
        state.started_talking = True
    state.buffer = None
    if not state.started_talking:
        return False
    state.stream = audio if state.stream is None else np.concatenate((state.stream, audio))
    longest = min(options.max_continuous_speech_s, MAX_TURN)
    return speech < options.speech_threshold or len(state.stream) >= longest * sampling_rate


class DeterminedTurns:
    """Asks after each 20 ms. Blocking: a user's models run in it.

    What is held is bounded at 300 s: of a buffer that nobody empties the oldest sound is dropped, a
    turn that nobody ends is ended.
    """

    blocking = True

    def __init__(
        self, determine_pause: DeterminePause, options: AlgoOptions, sample_rate: int
    ) -> None:
        self._determine = determine_pause
        self._interrupts = options.interrupt_on == "speech"
        self._rate = sample_rate
        self._frame = int(_FRAME * sample_rate)
        self._most = int(MAX_TURN * sample_rate)
        self._state = AppState(sampling_rate=sample_rate)
        self._rest: Samples = np.empty(0, np.int16)
        self._deaf = False
        self._at = 0

    def reply_began(self, protected: bool = False) -> None:
        self._deaf = protected
        self._state.responding = True

    def reply_ended(self) -> None:
        self._deaf = False
        self._state.responding = False

    def receive(self, samples: Samples) -> list[TurnEvent]:
        """Hear the next samples: int16, shape (n,). Raises what `determine_pause` raises."""
        events: list[TurnEvent] = []
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) - len(sound) % self._frame
        self._rest = sound[whole:].copy()
        for start in range(0, whole, self._frame):
            self._at += self._frame
            if not self._deaf:
                self._hear(sound[start : start + self._frame], events)
        return events

    def take(self) -> Samples:
        """End the turn here: its sound so far."""
        state = self._state
        self._state = AppState(sampling_rate=self._rate, responding=state.responding)
        return np.empty(0, np.int16) if state.stream is None else np.asarray(state.stream, np.int16)

    def _hear(self, frame: Samples, events: list[TurnEvent]) -> None:
        state = self._state
        started = state.started_talking
        held = frame if state.buffer is None else np.concatenate((state.buffer, frame))
        state.buffer = held[-self._most :]
        over = self._determine(state.buffer, self._rate, state)
        if state.started_talking and not started:
            if state.responding and self._interrupts:
                events.append(BargeIn(self._at))
            events.append(SpeechStarted(self._at))
        if over or (state.stream is not None and len(state.stream) >= self._most):
            events.append(Paused(self._at, self.take(), cut=not over))
