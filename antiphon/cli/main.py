"""The command `antiphon`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import call, models, serve

__all__ = ("main",)

EPILOG = """\
examples:
  antiphon serve                              an echo on http://127.0.0.1:8000
  antiphon serve app:stream                   `stream = Stream(...)` of app.py
  antiphon call ws://127.0.0.1:8000 --play in.wav --record out.wav
  antiphon models                             the engines for voice activity and for speakers

`antiphon COMMAND --help` tells more of each.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="antiphon",
        description="Live voice and video sessions for Python servers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"antiphon {version('antiphon')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    serve.add_parser(commands)
    call.add_parser(commands)
    models.add_parser(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
