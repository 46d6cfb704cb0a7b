"""Streams that the tests serve besides the built-in echo."""

from antiphon import Stream, Tone, echo
from tests.browser.follower import follow

__all__ = ("crowded", "followed", "tone")

tone = Stream(Tone(), mode="receive")
"""Plays to whoever calls; the client does not speak."""

crowded = Stream(echo, concurrency_limit=1)
"""Has room for one call."""

followed = Stream(follow)
"""Plays to whoever calls, and tells what was heard when it is interrupted."""
