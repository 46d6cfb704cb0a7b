"""The live line of a call: levels of both directions, time, round trip. Pure text."""

from math import floor, log10

import msgspec
import numpy as np

__all__ = ("Gauge", "level", "meter_line")

FLOOR = -60.0  # dBFS: the empty end of a bar; a quiet room in a headset lies about there
_FULL_SCALE = 32768.0
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_WIDEST = 24  # cells; a bar that is longer says no more


class Gauge(msgspec.Struct, frozen=True, kw_only=True):
    """What the line shows at one moment."""

    out_level: float | None
    """dBFS of what is sent; None while nothing is."""
    in_level: float | None
    """dBFS of what is heard; None while nothing is."""
    elapsed: float
    """Seconds."""
    round_trip: float | None
    """Seconds; None before the first answer."""
    pictures: tuple[float, float] | None = None
    """A second, out and in; None in a call without."""
    size: tuple[int, int] | None = None
    """Width and height of the pictures that come; of those that go while none come."""


def level(pcm: bytes) -> float:
    """The power of int16 samples in dBFS, where a full square wave has 0; at least `FLOOR`."""
    if not pcm:
        return FLOOR
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    power = float(np.mean(samples * samples))
    return max(FLOOR, 10 * log10(power / _FULL_SCALE**2)) if power else FLOOR


def meter_line(gauge: Gauge, width: int, *, unicode: bool = True) -> str:
    """One line of at most `width` columns; what does not fit goes, the least needed first."""
    time = _clock(gauge.elapsed)
    full = f"  {time}  {_round_trip(gauge.round_trip)}"
    pictures, size = _pictures(gauge)
    tails = (f"{pictures}{size}{full}", f"{pictures}{full}", full, f"  {time}")
    for tail, figures in (*((tail, True) for tail in tails), (tails[-1], False)):
        fixed = len("out ") + len("  in ") + len(tail) + 2 * (len(" -60 dB") if figures else 0)
        cells = min(_WIDEST, (width - fixed) // 2)
        if cells >= 4:
            sides = [
                _side(dbfs, cells, figures=figures, unicode=unicode)
                for dbfs in (gauge.out_level, gauge.in_level)
            ]
            return f"out {sides[0]}  in {sides[1]}{tail}"
    return time if len(time) <= width else ""


def _side(dbfs: float | None, cells: int, *, figures: bool, unicode: bool) -> str:
    bar = _bar(dbfs, cells, unicode=unicode)
    if not figures:
        return bar
    return bar + (" " * 7 if dbfs is None else f" {dbfs:3.0f} dB")


def _bar(dbfs: float | None, cells: int, *, unicode: bool) -> str:
    share = 0.0 if dbfs is None else min(1.0, max(0.0, 1 - dbfs / FLOOR))
    if not unicode:
        return "#" * round(share * cells) + "." * (cells - round(share * cells))
    eighths = round(share * cells * 8)
    whole, part = divmod(eighths, 8)
    filled = "█" * whole + (_EIGHTHS[part] if part else "")
    return filled + "·" * (cells - len(filled))


def _pictures(gauge: Gauge) -> tuple[str, str]:
    """Their rates and their size, both empty in a call without."""
    if gauge.pictures is None:
        return "", ""
    out, back = gauge.pictures
    size = "" if gauge.size is None else f" {gauge.size[0]}x{gauge.size[1]}"
    return f"  {out:2.0f}>{back:2.0f} fps", size


def _clock(elapsed: float) -> str:
    seconds = floor(elapsed)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _round_trip(seconds: float | None) -> str:
    """Always eight columns, so that the bars keep their length."""
    if seconds is None:
        return " " * 8
    return f"{seconds * 1e3:5.1f} ms" if seconds < 0.9995 else f"{seconds:6.1f} s"
