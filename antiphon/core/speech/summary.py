"""How much of a stream is speech: the summary of the speech endpoints, in its shape on the wire.

The published shape counts seconds, the one that later clients look for (`speech_events`,
`speech_info`) milliseconds; both are sent. The names inside the second are inferred, not published.
"""

from typing import Literal, get_args

import msgspec
import numpy as np

from ..audio.frames import Samples
from .frames import FRAME_MS, VoiceFrames

__all__ = (
    "FRAMES_KEPT",
    "SUMMARY_FRAMES",
    "CurrentSummary",
    "Interval",
    "SpeechEvent",
    "SpeechInfo",
    "StreamSummary",
    "Summary",
    "SummaryFrames",
    "VadResult",
)

SummaryFrames = Literal["all", "new", "none"]
"""Which frames a summary lists: the newest 2,000, those of the last message, or none."""
SUMMARY_FRAMES: tuple[SummaryFrames, ...] = get_args(SummaryFrames)
FRAMES_KEPT = 2000  # a minute, 13 kB of JSON: ten minutes listed anew in every reply are 390 MB
_EVENTS_KEPT = 100


class VadResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """Frame after frame, whether it is speech."""

    frame_length_ms: float
    frames: list[bool]
    first_frame: int = 0
    """Which frame of the stream the list begins with."""


class Interval(msgspec.Struct, frozen=True):
    """A stretch of sound: samples from the first up to, not including, the end; times in ms, cut
    down to whole ones.
    """

    start_sample: int
    end_sample: int
    start_time: int
    end_time: int
    sample_rate: int


class SpeechEvent(msgspec.Struct, frozen=True):
    """A stretch that is all speech, or all not."""

    is_voice: bool
    audio_interval: Interval


class SpeechInfo(msgspec.Struct, frozen=True):
    """Milliseconds, of whole frames."""

    total_length_ms: float
    speech_length_ms: float
    background_length_ms: float


class CurrentSummary(msgspec.Struct, frozen=True):
    """Seconds. What makes no whole frame yet counts in the total alone."""

    background_length: float
    speech_signal_length: float
    total_length: float
    vad_result: VadResult


class StreamSummary(msgspec.Struct, frozen=True):
    """The answer of a stream."""

    current_background_length: float
    """Seconds of silence since the last speech; 0 while somebody speaks."""
    speech_length: float
    current_speech_summary: CurrentSummary
    speech_info: SpeechInfo
    speech_events: list[SpeechEvent]


class _Run(msgspec.Struct):
    """Frames of one kind, one behind the other."""

    voice: bool
    first: int
    end: int


class Summary:
    """One stream of sound, in any cutting, and what it comes to; an `Analyser`. It holds between
    `kept` frames and twice as many, and lists the newest `kept` of them.
    """

    def __init__(
        self, frames: VoiceFrames, listed: SummaryFrames = "all", *, kept: int = FRAMES_KEPT
    ) -> None:
        self._frames = frames
        self._listed = listed
        self._kept = kept
        self._decided: list[bool] = []
        self._speech = 0
        self._silence = 0
        self._runs: list[_Run] = []
        self._told = 0

    def receive(self, samples: Samples) -> list[bool]:
        """Hear the next samples, int16 of shape (n,): the frames that they complete."""
        frame = self._frames.frames
        decided = self._frames.receive(samples)
        for voice in decided:
            frame += 1
            self._speech += voice
            self._silence = 0 if voice else self._silence + 1
            if self._runs and self._runs[-1].voice == voice:
                self._runs[-1].end = frame
            else:
                self._runs.append(_Run(voice, frame - 1, frame))
        self._decided += decided
        if len(self._decided) > 2 * self._kept:
            del self._decided[: -self._kept]
        if len(self._runs) > 2 * _EVENTS_KEPT:
            del self._runs[:-_EVENTS_KEPT]
        return decided

    def result(self) -> bytes:
        """What `take` gives, as JSON."""
        return msgspec.json.encode(self.take())

    def take(self) -> StreamSummary:
        """The summary so far. What is new in it is so since the last one."""
        current = self.current()
        summary = StreamSummary(
            current_background_length=_seconds(self._silence),
            speech_length=current.speech_signal_length,
            current_speech_summary=current,
            speech_info=SpeechInfo(
                float(self._frames.frames * FRAME_MS),
                float(self._speech * FRAME_MS),
                float((self._frames.frames - self._speech) * FRAME_MS),
            ),
            speech_events=self._events(),
        )
        self._told = self._frames.frames
        return summary

    def current(self) -> CurrentSummary:
        """The summary so far, without what only a stream has."""
        return CurrentSummary(
            background_length=_seconds(self._frames.frames - self._speech),
            speech_signal_length=_seconds(self._speech),
            total_length=float(np.float32(self._frames.samples / self._frames.sample_rate)),
            vad_result=self._vad_result(),
        )

    def _vad_result(self) -> VadResult:
        """`first_frame` is on the wire only where it is not 0: as published until then."""
        total = self._frames.frames
        if self._listed == "all":
            count = min(total, self._kept)
        else:
            count = min(total - self._told, self._kept) if self._listed == "new" else 0
        frames = self._decided[len(self._decided) - count :]
        return VadResult(float(FRAME_MS), frames, total - count)

    def _events(self) -> list[SpeechEvent]:
        """The newest hundred, or those that have changed since the last result."""
        if self._listed == "none":
            return []
        after = self._told if self._listed == "new" else 0
        return [self._event(run) for run in self._runs[-_EVENTS_KEPT:] if run.end > after]

    def _event(self, run: _Run) -> SpeechEvent:
        rate = self._frames.sample_rate
        start = run.first * FRAME_MS * rate // 1000
        end = run.end * FRAME_MS * rate // 1000
        interval = Interval(start, end, start * 1000 // rate, end * 1000 // rate, rate)
        return SpeechEvent(run.voice, interval)


def _seconds(frames: int) -> float:
    """As a float32 made wide: every published number is one, and 0.03 added up is none of them."""
    return float(np.float32(frames * FRAME_MS) / np.float32(1000))
