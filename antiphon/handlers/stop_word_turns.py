"""Turns that each begin behind a stop word. Its clock is the sample index."""

from collections.abc import Callable

import msgspec
import numpy as np

from ..core.audio.frames import Samples
from ..core.turns import BargeIn, Paused, SpeechStarted
from .conversation import TurnEvent, TurnTaker
from .spotter import ASK_AFTER, Spotter
from .stop_word_events import StopWordExpired

__all__ = ("StopWordTurns",)

_STEP = 0.01  # seconds that the inner turns hear at a time; less than any of their frames


class StopWordTurns:
    """Waits for a stop word, then finds one turn, then waits again. Blocks: a recogniser runs.

    turns: makes what finds a turn in the sound behind a stop word.
    patience: seconds after the stop word, or after its breath, in which somebody must begin to
        talk; then it is needed again.
    interrupts: whether a stop word ends a reply. Speech alone does not.

    Any split of the same samples into pieces of up to 0.4 s gives the same events. Longer pieces
    come when the recogniser is slower than the sound: it is then asked once for each.
    """

    blocking = True

    def __init__(
        self,
        spotter: Spotter,
        turns: Callable[[], TurnTaker],
        sample_rate: int,
        *,
        patience: float,
        interrupts: bool = True,
    ) -> None:
        self._spotter = spotter
        self._turns = turns
        self._patience = int(patience * sample_rate)
        self._interrupts = interrupts
        self._step = int(_STEP * sample_rate)
        self._live = int(ASK_AFTER * sample_rate)
        self._at = 0  # samples heard, the rest not counted
        self._rest: Samples = np.empty(0, np.int16)  # heard by nobody yet: less than a frame
        self._taker: TurnTaker | None = None
        self._base = 0  # index at which the taker began to hear
        self._talking = False
        # Set by the event loop while `receive` runs in a thread, which looks at them once.
        self._replying = False
        self._deaf = False
        self._deafened = False

    def reply_began(self, protected: bool = False) -> None:
        """From here on a stop word interrupts; or, where the reply is protected, nothing is
        listened to.
        """
        self._replying = not protected
        self._deaf = protected

    def reply_ended(self) -> None:
        """From here on nothing is interrupted. What was said into a protected reply does not
        count.
        """
        self._deafened = self._deafened or self._deaf
        self._replying = self._deaf = False

    def receive(self, samples: Samples) -> list[TurnEvent]:
        """Hear the next samples: int16, shape (n,). Raises what a detector raises; what the
        recogniser raises is told by an event.
        """
        rest = np.concatenate((self._rest, samples))
        self._rest = rest[:0]
        if self._deaf:
            self._at += len(rest)
            return []
        if self._deafened:
            self._deafened = False
            self._sleep()
        events: list[TurnEvent] = []
        many = len(samples) > self._live
        while len(rest):
            if self._taker is None:
                rest = self._spot(rest, many, events)
            else:
                rest = self._hear(self._taker, rest, events)
            self._barge_in(events)
        return events

    def take(self) -> Samples:
        """End the turn here, whatever is said: its sound so far, empty if there is no turn."""
        taken = self._spotter.take() if self._taker is None else self._taker.take()
        self._sleep()
        return taken

    def _spot(self, rest: Samples, many: bool, events: list[TurnEvent]) -> Samples:
        """Listen for a stop word. What is left to be heard: the turn's beginning once more."""
        frame = self._spotter.frame_samples
        if len(rest) < frame:
            self._rest = rest
            return rest[:0]
        self._at += frame
        may_wait = many and len(rest) - frame > self._live
        found = self._spotter.hear(rest[:frame], self._at, may_wait, events)
        if found is None:
            return rest[frame:]
        self._taker = self._turns()
        self._at -= len(found)
        self._base = self._at
        return np.concatenate((found, rest[frame:]))

    def _hear(self, taker: TurnTaker, rest: Samples, events: list[TurnEvent]) -> Samples:
        """Listen to the turn. What is left to be heard."""
        count = min(len(rest), self._step)
        expiry = self._base + self._patience
        if not self._talking:
            count = min(count, expiry - self._at)
        self._at += count
        for event in taker.receive(rest[:count]):
            told = msgspec.structs.replace(event, at=self._base + event.at)
            events.append(told)
            self._talking = self._talking or isinstance(told, SpeechStarted)
            if isinstance(told, Paused):
                unheard = self._at - told.at
                self._at = told.at
                self._sleep()
                return rest[count - unheard :]
        if self._at >= expiry and not self._talking:
            events.append(StopWordExpired(self._at))
            self._sleep()
        return rest[count:]

    def _barge_in(self, events: list[TurnEvent]) -> None:
        awake = self._taker is not None or self._spotter.heard
        if self._replying and self._interrupts and awake:
            self._replying = False
            events.append(BargeIn(self._at))

    def _sleep(self) -> None:
        self._taker = None
        self._talking = False
        self._spotter.reset()
