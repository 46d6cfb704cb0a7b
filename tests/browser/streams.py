"""Streams that the tests serve besides the built-in echo."""

from antiphon import Stream, Tone, echo

__all__ = ("crowded", "tone")

tone = Stream(Tone(), mode="receive")
"""Plays to whoever calls; the client does not speak."""

crowded = Stream(echo, concurrency_limit=1)
"""Has room for one call."""
