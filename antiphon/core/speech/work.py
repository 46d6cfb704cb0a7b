"""What an analyser cannot do itself: it takes longer than an event loop can wait."""

from collections.abc import Callable

import msgspec

__all__ = ("Work",)


class Work(msgspec.Struct, frozen=True, eq=False):
    """To be run once, in a worker thread, before its analyser is asked for anything else."""

    run: Callable[[], object]
