"""What a call came to, in figures: as text for people and as JSON for programs."""

from collections.abc import Sequence
from math import ceil
from typing import Literal

import msgspec

__all__ = (
    "Ending",
    "NetworkFigures",
    "RoundTrip",
    "Summary",
    "VideoFigures",
    "lost_frames",
    "percentile",
    "round_trip_of",
    "show",
)


HELD_BACK = 0.03  # seconds; see antiphon.core.audio.resample


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How the call ended."""

    by: Literal["client", "server", "interrupt"]
    code: int
    """A WebSocket close code, whatever the transport (RFC 6455 section 7.4.1)."""
    reason: str


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, by `ping` and `pong` through the whole stack."""

    count: int
    p50: float
    p95: float
    p99: float


class VideoFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What passed of pictures."""

    frames_out: int
    frames_in: int
    fps_out: float | None
    """Pictures a second from the first to the last; None of fewer than two."""
    fps_in: float | None
    size_out: tuple[int, int] | None
    """Width and height of the last one."""
    size_in: tuple[int, int] | None
    skipped_out: int
    """Pictures of the file that were too late to be sent."""
    dropped_in: int
    """Received pictures that this program was too late to take."""


class NetworkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the network did to the sound that came over WebRTC."""

    packets: int
    lost: int
    concealed_ms: float
    """Sound made up in place of what was lost."""
    jitter_ms: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one call."""

    url: str
    id: str
    seconds: float
    """From the server's yes to the end."""
    frames_out: int
    frames_in: int
    audio_seconds_out: float
    audio_seconds_in: float
    dropped_frames: int
    """Received frames that this program was too late to take."""
    echo: bool
    """Whether the sent sound was found in the answer."""
    lost_frames: int | None
    """Frames of 20 ms that did not come back; None when nobody can know."""
    loss: float | None
    """The share of the sent sound that did not come back, 0 to 1."""
    round_trip_ms: RoundTrip | None
    """None when no ping was answered."""
    ended: Ending
    video: VideoFigures | None = None
    """None in a call without pictures."""
    network: NetworkFigures | None = None
    """None where the transport repairs what the network does."""
    not_recorded: int = 0
    """Frames and pictures for which the disk, or the encoder, was too slow."""


def lost_frames(sent: float, came_back: float, frame: float) -> int:
    """How many frames of an echo are missing; all in seconds.

    A difference of whole frames is loss. Any other comes from a resampler, which may hold back
    30 ms of the end: that much is not counted.
    """
    missing = max(0.0, sent - came_back) / frame
    if abs(missing - round(missing)) < 0.01:
        return round(missing)
    return max(0, round(missing - HELD_BACK / frame))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def round_trip_of(seconds: Sequence[float]) -> RoundTrip | None:
    """The percentiles of measured round trips; None without any."""
    if not seconds:
        return None
    p50, p95, p99 = (round(percentile(seconds, share) * 1e3, 3) for share in (0.5, 0.95, 0.99))
    return RoundTrip(count=len(seconds), p50=p50, p95=p95, p99=p99)


def show(summary: Summary) -> str:
    """The figures as a few lines of text, without a last newline."""
    s = summary
    lines = [("call", f"{s.id}, {s.seconds:.1f} s, ended by {_ending(s.ended)}")]
    if s.video is None or s.frames_out or s.frames_in:
        lines += [
            ("out", f"{s.frames_out} frames, {s.audio_seconds_out:.2f} s of sound"),
            ("in", f"{s.frames_in} frames, {s.audio_seconds_in:.2f} s of sound"),
            ("loss", f"{_loss(s)}; {s.dropped_frames} frames dropped here"),
        ]
    if s.video is not None:
        lines += _video(s.video)
    lines.append(("round trip", _round_trip(s.round_trip_ms)))
    if s.network is not None:
        lines.append(("jitter", f"{s.network.jitter_ms:.1f} ms"))
    if s.not_recorded:
        lines.append(("recording", f"{s.not_recorded} frames left out: too slow to write"))
    return "\n".join(f"{name:<11}{text}" for name, text in lines)


def _ending(ended: Ending) -> str:
    who = {"client": "us", "server": "the server", "interrupt": "an interrupt"}[ended.by]
    return f"{who} ({ended.code}{': ' + ended.reason if ended.reason else ''})"


def _video(v: VideoFigures) -> list[tuple[str, str]]:
    out, back = (
        _stream(v.frames_out, v.fps_out, v.size_out),
        _stream(v.frames_in, v.fps_in, v.size_in),
    )
    return [
        ("video out", f"{out}; {v.skipped_out} too late to send"),
        ("video in", f"{back}; {v.dropped_in} dropped here"),
    ]


def _stream(count: int, rate: float | None, size: tuple[int, int] | None) -> str:
    told = f"{count} pictures"
    if rate is not None:
        told += f", {rate:.1f} a second"
    return told if size is None else f"{told}, {size[0]} x {size[1]}"


def _loss(summary: Summary) -> str:
    if (network := summary.network) is not None:
        share = network.lost / max(1, network.packets + network.lost)
        return (
            f"{network.lost} packets of sound, {share:.2%}, {network.concealed_ms:.0f} ms concealed"
        )
    if summary.loss is None:
        why = "the call was cut short" if summary.echo else "the answer is no echo"
        return f"not known: {why}"
    return f"{summary.lost_frames} frames, {summary.loss:.2%}"


def _round_trip(figures: RoundTrip | None) -> str:
    if figures is None:
        return "not known: no ping was answered"
    return (
        f"p50 {figures.p50:.1f} ms, p95 {figures.p95:.1f} ms, p99 {figures.p99:.1f} ms"
        f" ({figures.count} pings)"
    )
