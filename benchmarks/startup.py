"""What `import antiphon` costs a program that starts: time, modules, memory.

Every figure is from a fresh interpreter with a warm page cache; the programs alternate.
"""

import argparse
import os
import re
import subprocess
import sys
import time

import msgspec

from .figures import median_range, show
from .process import ROOT, SERVER_CORE, end_on_signals, pin
from .report import print_header
from .subjects import fastrtc_python

_LINE = re.compile(r"^import time:\s*(\d+) \|\s*(\d+) \|(\s+)(\S+)$", re.MULTILINE)
_MEMORY = """
import sys, {module}
with open("/proc/self/smaps_rollup") as lines:
    print(len(sys.modules), next(line.split()[1] for line in lines if line.startswith("Rss:")))
"""
_HEAVY = ("aiortc", "av", "numpy", "soxr", "gradio", "librosa")


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One interpreter's start."""

    total_ms: float
    """Cumulative time of the import as `-X importtime` tells it (which itself costs time)."""
    wall_ms: float
    """From start to end of an interpreter that does nothing else, without `-X importtime`."""
    modules: int
    rss_mib: float
    heavy: tuple[str, ...]
    """Which of the costly dependencies were imported."""


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)


def measure(python: str, module: str) -> Import:
    """Import `module` three times: timed by Python, timed from outside, and asked for memory."""
    told = _run((python, "-X", "importtime", "-c", f"import {module}")).stderr
    lines = [(int(total), name) for _, total, _, name in _LINE.findall(told)]
    began = time.perf_counter()
    _run((python, "-c", f"import {module}"))
    wall = time.perf_counter() - began
    modules, kib = _run((python, "-c", _MEMORY.format(module=module))).stdout.split()
    names = {name for _, name in lines}
    return Import(
        total_ms=next(total for total, name in lines if name == module) / 1e3,
        wall_ms=wall * 1e3,
        modules=int(modules),
        rss_mib=int(kib) / 1024,
        heavy=tuple(name for name in _HEAVY if name in names),
    )


def main() -> None:
    """Measure and print."""
    end_on_signals()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--rival", choices=("fastrtc",), help="installed on first use")
    options = parser.parse_args()
    programs = {"antiphon": sys.executable, "site": sys.executable}
    if options.rival:
        programs["fastrtc"] = str(fastrtc_python())
    print_header(
        "Start-up",
        ("antiphon", "numpy", "msgspec", "anyio"),
        {
            "command": " ".join(["python -m benchmarks.startup", *sys.argv[1:]]),
            "runs": f"{options.runs}, alternated, after one unmeasured; median (lowest-highest)",
            "site": "what every interpreter imports by itself",
        },
    )
    pin(os.getpid(), SERVER_CORE)  # the children inherit it
    found: dict[str, list[Import]] = {module: [] for module in programs}
    for turn in range(options.runs + 1):
        for module, python in programs.items():
            result = measure(python, module)
            if turn:
                found[module].append(result)
    lines = [
        (
            module,
            median_range(result.total_ms for result in results),
            median_range(result.wall_ms for result in results),
            median_range(result.modules for result in results),
            median_range(result.rss_mib for result in results),
            ", ".join(results[0].heavy) or "none",
        )
        for module, results in found.items()
    ]
    header = ("import", "importtime ms", "process ms", "modules", "RSS MiB", "heavy imports")
    show("Import", header, lines)
    ours = found["antiphon"][0]
    print(f"\naiortc imported by `import antiphon`: {'yes' if 'aiortc' in ours.heavy else 'no'}")
    if options.rival:
        pairs = zip(found["antiphon"], found["fastrtc"], strict=True)
        quotient = median_range(a.total_ms / b.total_ms for a, b in pairs)
        print(f"importtime, antiphon / fastrtc: {quotient}")


if __name__ == "__main__":
    main()
