"""16-bit sound that comes in chunks of bytes, cut anywhere."""

import logging
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

import numpy as np

from ..core.audio.frames import Samples

__all__ = ("aggregate_bytes_to_16bit", "async_aggregate_bytes_to_16bit")

log = logging.getLogger("antiphon")


def aggregate_bytes_to_16bit(chunks: Iterable[bytes]) -> Iterator[Samples]:
    """The samples of little-endian chunks, as int16 arrays of shape (1, n), n above 0; a sample
    that is cut waits for its other half. A byte that is left at the end is dropped, and logged.
    """
    aligner = _Aligner()
    for chunk in chunks:
        samples = aligner.add(chunk)
        if samples is not None:
            yield samples
    aligner.finish()


async def async_aggregate_bytes_to_16bit(chunks: AsyncIterable[bytes]) -> AsyncIterator[Samples]:
    """The same for an async source."""
    aligner = _Aligner()
    async for chunk in chunks:
        samples = aligner.add(chunk)
        if samples is not None:
            yield samples
    aligner.finish()


class _Aligner:
    def __init__(self) -> None:
        self._rest = b""

    def add(self, chunk: bytes) -> Samples | None:
        whole = self._rest + chunk
        even = len(whole) - len(whole) % 2
        self._rest = whole[even:]
        if not even:
            return None
        return np.frombuffer(whole[:even], "<i2").astype(np.int16).reshape(1, -1)

    def finish(self) -> None:
        if self._rest:
            log.warning("16-bit sound ended in half a sample, which is dropped")
