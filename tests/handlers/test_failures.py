"""What is told and logged of pictures that fail."""

import logging

import pytest

from antiphon import Stream, VideoStreamHandler, connect
from antiphon.core.video import Pixels
from tests.handlers.pictures import errors_told, number, sees, show


def fragile(pixels: Pixels) -> Pixels:
    """Fails in one way at 1, in another at 2."""
    if number(pixels) == 1:
        raise ValueError("one")
    if number(pixels) == 2:
        raise ValueError("two")
    return pixels


async def failures_of(*values: int, caplog: pytest.LogCaptureFixture) -> tuple[list[str], int]:
    """What the client is told and how many tracebacks are logged, with max_failures=4."""
    stream = Stream(VideoStreamHandler(fragile, max_failures=4), modality="video")
    with caplog.at_level(logging.ERROR, "antiphon"):
        async with connect(stream) as call:
            for value in values:
                await show(call, [value])
                if value > 2:
                    assert await sees(call) == value
            await show(call, [9])
            assert await sees(call) == 9
            await call.hang_up()
            told = await errors_told(call)
    return told, sum(record.exc_info is not None for record in caplog.records)


async def test_one_kind_of_failure_is_told_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await failures_of(*[1, 9] * 20, caplog=caplog) == (["one"], 1)
    assert caplog.text.count("in fragile") == 1


async def test_another_kind_of_failure_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    assert await failures_of(1, 2, 9, 1, 2, caplog=caplog) == (["one", "two"], 2)


async def test_after_pictures_that_went_well_it_is_told_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await failures_of(1, 9, 9, 9, 1, caplog=caplog) == (["one"], 1)
    caplog.clear()
    assert await failures_of(1, 9, 9, 9, 9, 1, caplog=caplog) == (["one", "one"], 1)
