"""16-bit sound that comes in chunks of bytes, cut anywhere."""

import logging
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.handlers.chunks import aggregate_bytes_to_16bit, async_aggregate_bytes_to_16bit

SOUND = np.arange(-50, 50, dtype="<i2")


async def both(chunks: Sequence[bytes]) -> list[Samples]:
    """What the two make of it, which is the same."""

    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    sync = list(aggregate_bytes_to_16bit(chunks))
    later = [samples async for samples in async_aggregate_bytes_to_16bit(source())]
    assert [each.tolist() for each in sync] == [each.tolist() for each in later]
    return sync


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
async def test_any_cutting_of_the_same_bytes_gives_the_same_samples(size: int) -> None:
    pcm = SOUND.tobytes()
    came = await both([b"", *(pcm[at : at + size] for at in range(0, len(pcm), size))])
    assert {(each.shape[0], each.dtype == np.int16, each.size > 0) for each in came} == {
        (1, True, True)
    }
    assert np.array_equal(np.concatenate(came, axis=1)[0], SOUND)


async def test_half_a_sample_at_the_end_is_dropped_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "antiphon"):
        came = await both([b"\x01\x00\x02", b"\x00\x03"])
    assert [each.tolist() for each in came] == [[[1]], [[2]]]
    assert len(caplog.records) == 2
