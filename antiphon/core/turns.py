"""Turn taking: sound in; who begins to talk, who interrupts, and whole turns out. Its clock is the
sample index: any split of the same samples gives the same events.
"""

from collections.abc import Callable
from math import inf
from typing import Literal

import msgspec
import numpy as np

from .audio.buffer import TurnBuffer
from .audio.frames import Samples
from .speech_meter import Speech, SpeechMeter

__all__ = (
    "MAX_TURN",
    "AlgoOptions",
    "BargeIn",
    "EndOfTurn",
    "Paused",
    "SpeechStarted",
    "TurnEvent",
    "Turns",
)

_FADING = 0.08  # seconds; speech that fades goes on behind what a detector takes for speech
MAX_TURN = 300.0  # seconds; a turn holds 48 kB a second at 24 kHz, and a humming fan may never end

EndOfTurn = Callable[[Samples, int], float]
"""Asked at a candidate pause with the turn so far, int16 of shape (n,), and its rate in Hz: how
many seconds more the talker may be silent before the turn ends; 0 ends it now.
"""


class AlgoOptions(msgspec.Struct, frozen=True):
    """When a turn starts, ends and interrupts. All times in seconds.

    Raises ValueError for values that no turn could follow from.
    """

    audio_chunk_duration: float = 0.6
    """The window: the newest sound, which the thresholds are about."""
    started_talking_threshold: float = 0.2
    """A turn starts when the window holds more speech than this."""
    speech_threshold: float = 0.1
    """A turn pauses when the window holds less speech than this, and its end is silent: all but
    this much of a window, and 80 ms. With the defaults 0.58 s after the last speech.
    """
    max_continuous_speech_s: float = inf
    """A turn of this length is cut; what is said on is the next one. At most 300 s are kept."""
    pre_roll: float = 0.3
    """Sound before the first speech that a turn begins with."""
    interrupt_after: float = 0.1
    """Speech during a reply that interrupts it, within twice this time."""
    interrupt_on: Literal["speech", "pause"] = "speech"
    """Whether confirmed speech interrupts a reply, or only the end of a turn."""

    def __post_init__(self) -> None:
        for name in ("audio_chunk_duration", "max_continuous_speech_s", "interrupt_after"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "more than 0")
        for name in ("started_talking_threshold", "speech_threshold", "pre_roll"):
            _check(name, getattr(self, name), 0 <= getattr(self, name) < inf, "0 or more")
        _check(
            "audio_chunk_duration",
            self.audio_chunk_duration,
            self.started_talking_threshold < self.audio_chunk_duration <= 10,
            "more than started_talking_threshold, and at most 10",
        )
        _check(
            "speech_threshold",
            self.speech_threshold,
            self.speech_threshold <= self.started_talking_threshold,
            "not above started_talking_threshold: a turn would pause as it starts",
        )
        _check("pre_roll", self.pre_roll, self.pre_roll <= 10, "at most 10")
        if self.interrupt_on not in ("speech", "pause"):
            raise ValueError(f"interrupt_on is 'speech' or 'pause', not {self.interrupt_on!r}")


def _check(name: str, value: float, fits: bool, allowed: str) -> None:
    if not fits:
        raise ValueError(f"{name} is {allowed}, not {value!r} (seconds)")


class SpeechStarted(msgspec.Struct, frozen=True):
    """Somebody talks: a turn has started."""

    at: int
    """Index of the sample behind the frame that settled it, since the first of the stream."""


class BargeIn(msgspec.Struct, frozen=True):
    """Somebody talks into the reply. Once per reply."""

    at: int


class Paused(msgspec.Struct, frozen=True, eq=False):
    """A turn is over."""

    at: int
    audio: Samples
    """The turn from its pre-roll on, with the pause that ended it: shape (n,), the receiver's."""
    cut: bool = False
    """Whether it was cut because of its length."""


TurnEvent = SpeechStarted | BargeIn | Paused


class Turns:
    """The turns of one stream of sound.

    Holds the window and pre-roll while nobody talks, the whole turn while somebody does: at most
    300 s. With a predictor, and a meter that takes its time, `receive` blocks.
    """

    def __init__(
        self,
        meter: SpeechMeter,
        options: AlgoOptions,
        sample_rate: int,
        end_of_turn: EndOfTurn | None = None,
        blocking: bool = False,
    ) -> None:
        self.blocking = blocking or end_of_turn is not None
        """Whether `receive` must not run on an event loop."""
        self._meter = meter
        self._rate = sample_rate
        self._frame = meter.frame_samples
        self._end_of_turn = end_of_turn
        self._start_above = options.started_talking_threshold * sample_rate
        self._pause_below = options.speech_threshold * sample_rate
        silent = options.audio_chunk_duration - max(options.speech_threshold - _FADING, 0)
        self._silent = silent * sample_rate
        frames = max(1, round(options.interrupt_after * sample_rate / self._frame))
        self._interrupt_at = frames * self._frame if options.interrupt_on == "speech" else inf
        self._pre_roll = int(options.pre_roll * sample_rate)
        self._most = int(min(options.max_continuous_speech_s, MAX_TURN) * sample_rate)
        self._kept = int(options.audio_chunk_duration * sample_rate) + self._pre_roll + self._frame
        self._buffer = TurnBuffer(max(self._most, self._kept) + 2 * self._frame)
        self._at = 0  # samples heard
        self._pending = 0  # samples at the end of the buffer that make no frame yet
        self._talking = False
        self._replying = False
        self._deaf = False
        self._stale = False  # what the meter has heard does not count
        self._patience = inf  # the sample index at which a candidate pause is the end of the turn

    @property
    def talking(self) -> bool:
        """Whether a turn has started and not paused."""
        return self._talking

    def reply_began(self, protected: bool = False) -> None:
        """From here on speech interrupts; or, where the reply is protected, is not listened to."""
        self._replying = not protected
        self._deaf = protected

    def reply_ended(self) -> None:
        """From here on speech interrupts nothing, and is listened to. What was said into a
        protected reply does not count.
        """
        # Another thread may be about to measure: it forgets by itself.
        self._stale = self._stale or self._deaf
        self._replying = self._deaf = False

    def receive(self, samples: Samples) -> list[TurnEvent]:
        """Hear the next samples: int16, shape (n,). Raises what a model raises."""
        events: list[TurnEvent] = []
        start = 0
        while start < len(samples):
            taken = min(self._frame - self._pending, len(samples) - start)
            self._buffer.append(samples[start : start + taken])
            start += taken
            self._pending += taken
            if self._pending == self._frame:
                self._pending = 0
                self._at += self._frame
                if self._stale:
                    self._stale = False
                    self._meter.forget()
                self._hear(self._meter.add(self._buffer.tail(self._frame)), events)
        return events

    def take(self) -> Samples:
        """End the turn here, whatever is said: its sound so far, empty if there is no turn."""
        turn = self._finish(overlap=False) if self._talking else np.empty(0, np.int16)
        self._meter.forget()
        return turn

    def _hear(self, speech: Speech, events: list[TurnEvent]) -> None:
        if self._replying and speech.recent >= self._interrupt_at:
            self._replying = False
            events.append(BargeIn(self._at))
        if self._talking:
            self._go_on(speech, events)
        elif not self._deaf and speech.window > self._start_above:
            self._talking = True
            self._patience = inf
            self._buffer.keep_last(speech.since + self._pre_roll)
            events.append(SpeechStarted(self._at))
        else:
            self._buffer.keep_last(self._kept)

    def _go_on(self, speech: Speech, events: list[TurnEvent]) -> None:
        if len(self._buffer) >= self._most:
            events.append(Paused(self._at, self._finish(overlap=False), cut=True))
            self._meter.forget()
        elif speech.window >= self._pause_below or speech.silence < self._silent:
            self._patience = inf
        else:
            if self._patience == inf:
                self._patience = self._at + self._wait()
            if self._at >= self._patience:
                events.append(Paused(self._at, self._finish(overlap=True)))
                self._meter.forget()

    def _wait(self) -> int:
        """How many samples more the talker may be silent."""
        if self._end_of_turn is None:
            return 0
        seconds = self._end_of_turn(self._buffer.tail(len(self._buffer)), self._rate)
        if not 0 <= seconds < inf:
            raise ValueError(f"an end-of-turn predictor says 0 or more seconds, not {seconds!r}")
        return int(seconds * self._rate)

    def _finish(self, overlap: bool) -> Samples:
        """Hand over the turn. What has not been heard yet begins the next one, behind its pre-roll
        if the turn ended in silence: after a cut that would be the same speech twice.
        """
        self._talking = False
        turn = self._buffer.take()
        heard = len(turn) - self._pending
        kept = self._pre_roll if overlap else 0
        self._buffer.append(turn[max(heard - kept, 0) :])
        return turn[:heard]
