"""What is told of a conversation that begins each turn with a stop word, besides its turns."""

import msgspec

__all__ = ("Recognised", "StopWordExpired", "StopWordHeard")


class StopWordHeard(msgspec.Struct, frozen=True):
    """A stop word was said."""

    word: str
    """As it was given to the handler."""
    at: int
    """Index of the sample behind the sound that settled it, since the first of the stream."""


class StopWordExpired(msgspec.Struct, frozen=True):
    """Nobody said anything behind a stop word: it is needed again."""

    at: int


class Recognised(msgspec.Struct, frozen=True, eq=False):
    """The recogniser was asked; every time."""

    failure: Exception | None
    """What it raised instead of an answer."""
