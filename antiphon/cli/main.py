"""The command `antiphon`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import call, completion, doctor, models, serve

__all__ = ("main", "make_parser")

EPILOG = """\
examples:
  antiphon serve                  an echo on http://127.0.0.1:8000, with a page
  antiphon serve app:stream       `stream = Stream(...)` of app.py
  antiphon call ws://127.0.0.1:8000 --play in.wav --record out.wav
                                  call it, as a client does
  antiphon doctor                 would calls work here? What to do if not
  antiphon doctor https://voice.example.org
                                  do they work there, through its proxies?
  antiphon models                 the engines for voice and speakers, their cost

`antiphon COMMAND --help` tells more of each.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 wrong usage."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
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
    doctor.add_parser(commands)
    models.add_parser(commands)
    completion.add_parser(commands, parser)
    return parser
