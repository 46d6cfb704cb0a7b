"""The command `antiphon`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from . import call, completion, doctor, models, serve

__all__ = ("main", "make_parser")

_INTERRUPTED, _UNREAD = 130, 141  # 128 and the signal, as shells tell of SIGINT and SIGPIPE

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
    _open_streams()
    parser = make_parser()
    arguments = parser.parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        return _unread()
    return status


def _open_streams() -> None:
    """Have a standard output and error that take whatever is said."""
    # None where the descriptor was closed, as by `>&-`, whatever typeshed says.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for the process's life
    # A path may hold what the terminal's encoding does not; standard error escapes it by itself.
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # not of what a test puts there
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _unread() -> int:
    """Who read the output has left, as `| head` does: not a word of it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())  # else Python complains of what is left to write
    return _UNREAD


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
