"""The command `antiphon`."""

import argparse
import sys
from collections.abc import Sequence

from . import serve

__all__ = ("main",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="antiphon", description="Live voice and video sessions for Python servers."
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    serve.add_parser(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
