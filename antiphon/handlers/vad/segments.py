"""Where speech begins and ends in a recording, from a probability a frame."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import TypedDict

import msgspec

__all__ = ("AudioChunk", "SileroVadOptions", "speech_segments")

RATE = 16_000
_HYSTERESIS = 0.15  # Silero's: speech goes on until so much below the threshold


class AudioChunk(TypedDict):
    """A stretch of speech, in samples at 16 kHz."""

    start: int
    end: int
    """One past the last."""


class SileroVadOptions(msgspec.Struct, frozen=True):
    """FastRTC's options, with its names, order, units and defaults. ValueError out of range.

    A handler that hears frame by frame takes `threshold` alone: when a turn begins and ends is what
    `AlgoOptions` say. `PauseModel.vad`, which hears a whole stretch, takes the others as well, but
    for `window_size_samples`: a window is as long as the model's own.
    """

    threshold: float = 0.5
    """The probability from which a frame is speech, in place of the model's own."""
    min_speech_duration_ms: int = 250
    """Shorter segments are left out."""
    max_speech_duration_s: float = inf
    """Longer ones are cut, in their last pause before that if there is one."""
    min_silence_duration_ms: int = 2000
    """Shorter pauses end no segment."""
    window_size_samples: int = 1024
    """No effect."""
    speech_pad_ms: int = 400
    """How much more of the sound belongs to a segment, before and behind it."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; allowed: 0 to 1")
        if not self.max_speech_duration_s > 0:
            raise ValueError(f"max_speech_duration_s is {self.max_speech_duration_s}; must be > 0")
        for name in ("min_speech_duration_ms", "min_silence_duration_ms", "speech_pad_ms"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; must not be negative")


_Span = tuple[int, int]


def speech_segments(
    probabilities: Sequence[float], edges: Sequence[int], options: SileroVadOptions
) -> list[AudioChunk]:
    """Segments in order, apart from each other. Frame k goes from `edges[k]` to `edges[k + 1]`,
    in samples at 16 kHz; no segment reaches over the first or the last edge.
    """
    shortest = options.min_speech_duration_ms * RATE // 1000
    whole = [
        span
        for span in _joined(_voiced(probabilities, edges, options.threshold), options)
        if span[1] - span[0] >= shortest
    ]
    padded = _padded(whole, options.speech_pad_ms * RATE // 1000, edges[0], edges[-1])
    return [AudioChunk(start=start, end=end) for start, end in padded]


def _voiced(
    probabilities: Sequence[float], edges: Sequence[int], threshold: float
) -> Iterator[_Span]:
    """Runs of frames that hold speech."""
    start: int | None = None
    for probability, (begin, _) in zip(probabilities, pairwise(edges), strict=True):
        if start is None and probability >= threshold:
            start = begin
        elif start is not None and probability < threshold - _HYSTERESIS:
            yield start, begin
            start = None
    if start is not None:
        yield start, edges[-1]


def _joined(runs: Iterator[_Span], options: SileroVadOptions) -> Iterator[_Span]:
    """Over pauses that are too short to count, as long as what comes out is not too long."""
    pause = options.min_silence_duration_ms * RATE // 1000
    longest = options.max_speech_duration_s * RATE
    span: _Span | None = None
    for start, end in runs:
        if span is not None and start - span[1] < pause and end - span[0] <= longest:
            span = span[0], end
        else:
            yield from _cut(span, longest)
            span = start, end
    yield from _cut(span, longest)


def _cut(span: _Span | None, longest: float) -> Iterator[_Span]:
    if span is None:
        return
    start, end = span
    while end - start > longest:
        yield start, start + max(1, int(longest))
        start += max(1, int(longest))
    yield start, end


def _padded(spans: Sequence[_Span], pad: int, first: int, last: int) -> Iterator[_Span]:
    """Each longer by `pad` at both ends; two neighbours share what is between them."""
    for index, (start, end) in enumerate(spans):
        low = (spans[index - 1][1] + start + 1) // 2 if index else first
        high = (end + spans[index + 1][0] + 1) // 2 if index + 1 < len(spans) else last
        yield max(start - pad, low), min(end + pad, high)
