"""How much memory something keeps."""

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ("kept_by",)


def kept_by(work: Callable[[], object]) -> int:
    """Bytes that are held after `work` and were not before."""
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        work()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before
