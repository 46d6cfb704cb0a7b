"""How often a handler that has nothing to say is asked."""

import anyio
import pytest

from antiphon.handlers.idling import LONGEST, SHORTEST, Idling


class Clock:
    """Time-outs that are noted, and come at once."""

    def __init__(self) -> None:
        self.delays: list[float] = []

    def move_on_after(self, delay: float) -> anyio.CancelScope:
        self.delays.append(delay)
        return anyio.CancelScope(deadline=anyio.current_time())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(anyio, "move_on_after", made.move_on_after)
    return made


async def test_rests_grow_while_nothing_is_received(clock: Clock) -> None:
    idling = Idling()
    for _ in range(6):
        await idling.rest()
    assert clock.delays == [SHORTEST, 2 * SHORTEST, LONGEST, LONGEST, LONGEST, LONGEST]


@pytest.mark.parametrize("again", ["stir", "busy"])
async def test_rests_are_short_again_after_a_frame_and_after_something_said(
    clock: Clock, again: str
) -> None:
    idling = Idling()
    for _ in range(6):
        await idling.rest()
    getattr(idling, again)()
    clock.delays.clear()
    await idling.rest()
    assert clock.delays == [SHORTEST]


async def test_a_frame_ends_a_rest() -> None:
    idling = Idling()
    idling._delay = 1000  # pyright: ignore[reportPrivateUsage]  # longer than the test may take
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(idling.rest)
        await anyio.wait_all_tasks_blocked()
        idling.stir()


async def test_a_frame_between_two_rests_is_not_missed() -> None:
    idling = Idling()
    idling.stir()
    idling._delay = 1000  # pyright: ignore[reportPrivateUsage]  # as above
    await idling.rest()
