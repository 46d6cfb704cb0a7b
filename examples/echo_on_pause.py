"""Says back what you have said, when you pause; begin to talk and it stops.

    python -m examples.echo_on_pause --port 8000

Open http://127.0.0.1:8000, press Start, and talk.
"""

from antiphon import ReplyOnPause, Stream
from examples.program import Sound, run

__all__ = ("echo", "stream")


def echo(turn: Sound) -> Sound:
    """The turn itself; this is where your function answers."""
    return turn


stream = Stream(ReplyOnPause(echo))

if __name__ == "__main__":
    run(stream, __doc__)
