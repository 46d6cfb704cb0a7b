"""Steps side by side, and which end counts."""

import anyio
import pytest

from antiphon import HandlerError
from antiphon.handlers.side_by_side import first_of


class Watched:
    """A step that waits to be cancelled, and tells."""

    def __init__(self) -> None:
        self.cancelled = False

    async def __call__(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self.cancelled = True


async def returns() -> None:
    await anyio.lowlevel.checkpoint()


async def fails() -> None:
    await anyio.lowlevel.checkpoint()
    raise ValueError("broken")


async def test_the_first_to_return_ends_all() -> None:
    watched = Watched()
    await first_of(watched, returns)
    assert watched.cancelled


async def test_what_one_raises_is_raised_as_it_is() -> None:
    watched = Watched()
    with pytest.raises(ValueError, match="broken"):
        await first_of(watched, fails)
    assert watched.cancelled


async def test_of_two_failures_the_first_counts() -> None:
    async def fails_behind() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise LookupError("behind")

    with pytest.raises(ValueError, match="broken"):
        await first_of(fails_behind, fails)


async def test_a_cancellation_from_outside_reaches_all() -> None:
    first, second = Watched(), Watched()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await first_of(first, second)
    assert scope.cancelled_caught


async def test_a_step_that_awaited_something_cancelled_is_a_failure() -> None:
    async def awaits_a_cancelled_task() -> None:
        raise anyio.get_cancelled_exc_class()

    watched = Watched()
    with pytest.raises(HandlerError, match="cancelled"):
        await first_of(watched, awaits_a_cancelled_task)
    assert watched.cancelled
