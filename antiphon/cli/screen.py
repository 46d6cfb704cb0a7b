"""Standard error as the place of messages and, on a terminal, of one live line below them."""

import os
from typing import TextIO

from .meter import Gauge, meter_line

__all__ = ("Screen", "printable")

_CLEAR = "\r\x1b[K"  # ECMA-48: back to the first column, erase the line
MAX_TEXT = 2000  # characters of one message that are shown


def printable(text: str) -> str:
    """Text from elsewhere on one line, without anything that a terminal would obey."""
    shown = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


class Screen:
    """Writes to `stream`. Quiet, it writes nothing; not a terminal, it shows no meter."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._unicode = stream.encoding.lower().replace("-", "") == "utf8"
        self._drawn = False
        self.live = not quiet and stream.isatty() and os.environ.get("TERM") != "dumb"
        """Whether there is a meter."""

    def say(self, text: str) -> None:
        """One line, above the meter."""
        if not self._quiet:
            self.clear()
            print(printable(text), file=self._stream, flush=True)

    def draw(self, gauge: Gauge) -> None:
        """Show the meter anew."""
        if self.live:
            # A terminal breaks the line when its last column is used.
            columns = os.get_terminal_size(self._stream.fileno()).columns - 1
            line = meter_line(gauge, columns, unicode=self._unicode)
            self._stream.write(_CLEAR + line)
            self._stream.flush()
            self._drawn = True

    def clear(self) -> None:
        """Take the meter away."""
        if self._drawn:
            self._drawn = False
            self._stream.write(_CLEAR)
            self._stream.flush()
