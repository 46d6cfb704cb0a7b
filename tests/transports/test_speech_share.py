"""Connections that bring more than they can speak take turns."""

import anyio
import anyio.lowlevel
import pytest

from antiphon.transports import speech_share
from antiphon.transports.speech_share import Share


@pytest.fixture
def everybody_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece is so short that it costs nothing, and nothing is forgiven."""
    monkeypatch.setattr(speech_share, "SLICE", 0.0)
    monkeypatch.setattr(speech_share, "RATE", 0.0)


@pytest.mark.usefixtures("everybody_is_over")
async def test_in_each_round_of_the_loop_one_piece_of_all_is_heard() -> None:
    rounds: list[int] = []
    now = 0

    async def hear(share: Share) -> None:
        for _ in range(5):
            async with share.piece():
                rounds.append(now)

    async def count() -> None:
        nonlocal now
        while len(rounds) < 50:
            now += 1
            await anyio.lowlevel.checkpoint()

    shares = [Share() for _ in range(10)]
    for share in shares:
        async with share.piece():
            pass
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        for share in shares:
            tasks.start_soon(hear, share)
    assert max(rounds.count(number) for number in set(rounds)) == 1


async def heard_beside(pieces: int) -> int:
    """How often somebody else's turn came while one connection had so many pieces of nothing."""
    share = Share()
    others = meanwhile = 0

    async def other() -> None:
        nonlocal others
        others += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for _ in range(pieces):
            async with share.piece():
                meanwhile = others
    return meanwhile


async def test_who_uses_little_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_share, "SLICE", 1e9)
    assert await heard_beside(100) == 0


async def test_what_stands_around_pieces_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of messages without sound would pass for no work at all."""
    monkeypatch.setattr(speech_share, "RATE", 0.0)
    assert await heard_beside(200) == 1


@pytest.mark.usefixtures("everybody_is_over")
async def test_a_piece_that_fails_gives_its_turn_back() -> None:
    share = Share()
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with share.piece():
                raise RuntimeError
