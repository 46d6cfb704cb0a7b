"""Figures measured a few times on a busy machine: median and range, no finer than they are."""

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from .report import print_table

__all__ = ("Range", "median_range", "number", "show")


class Range(msgspec.Struct, frozen=True):
    """A few readings of one figure: too few for quartiles, so the whole range is told."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if number(self.low) == number(self.high):
            return number(self.median)
        return f"{number(self.median)} ({number(self.low)}-{number(self.high)})"


def median_range(readings: Iterable[float | None]) -> Range | None:
    """Median and range of the readings that exist, None when none does."""
    known = [reading for reading in readings if reading is not None]
    return Range(statistics.median(known), min(known), max(known)) if known else None


def number(value: float) -> str:
    """Three figures, no more: the range is wider than the rest."""
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001" if value > 0 else "-0.000"
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.095 else f"{value:.3f}"


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a titled table; what was not measured (None) is a dash."""
    print(f"\n## {title}\n")
    print_table(columns, ([cell(value) for value in row] for row in rows))


def cell(value: object) -> str:
    """One figure, range or word as text."""
    match value:
        case None:
            return "-"
        case float():
            return number(value)
        case _:
            return str(value)
