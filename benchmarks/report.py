"""What every benchmark prints: the machine, the versions, the conditions, and a table."""

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

__all__ = ("Spread", "print_header", "print_table", "spread")


class Spread(msgspec.Struct, frozen=True):
    """Repeated measurements of one thing, in whatever unit they were given."""

    median: float
    lower: float
    """The first quartile."""
    upper: float
    """The third quartile."""

    def __str__(self) -> str:
        return f"{self.median:,.0f} ({self.lower:,.0f}-{self.upper:,.0f})"


def spread(measurements: Sequence[float]) -> Spread:
    """Median and quartiles. StatisticsError for fewer than two measurements."""
    lower, median, upper = statistics.quantiles(measurements, n=4, method="inclusive")
    return Spread(median=median, lower=lower, upper=upper)


def print_header(title: str, packages: Iterable[str], conditions: Mapping[str, object]) -> None:
    """Print what a reader needs to judge or repeat the figures that follow."""
    lines = {
        "machine": f"{_cpu_model()}, {_cores()}",
        "system": platform.platform(),
        "load": _load(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in packages),
        **conditions,
    }
    print(title)
    for name, value in lines.items():
        print(f"  {name:<10} {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table, the first column to the left and the rest to the right."""
    texts = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    texts.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for first, *others in texts:
        cells = [first.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{os.cpu_count()} cores, {usable} usable"


def _load() -> str:
    return "{:.2f} {:.2f} {:.2f} (1, 5, 15 min) at the start".format(*os.getloadavg())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(absent)"
