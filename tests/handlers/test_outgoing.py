"""What a clear drops, and what it must not."""

import threading
from collections.abc import Awaitable, Callable

import anyio
import numpy as np

from antiphon import AudioFrame, Call, Stream, connect
from antiphon.handlers.from_thread import CallLoop
from antiphon.handlers.outgoing import Outgoing


def frame(value: int, seconds: float = 0.02) -> AudioFrame:
    return AudioFrame(np.full(int(24000 * seconds), value, "<i2").tobytes(), 24000)


def clear_in_thread(outgoing: Outgoing) -> None:
    """The loop stands still meanwhile: the clear waits for it."""
    thread = threading.Thread(target=outgoing.clear)
    thread.start()
    thread.join()


async def heard_from(play: Callable[[Call, Outgoing], Awaitable[None]]) -> set[int]:
    """The values in the sound that a client hears."""
    heard: set[int] = set()

    async def handler(call: Call) -> None:
        await play(call, Outgoing(call, CallLoop()))

    async with connect(Stream(handler), encoding="audio/pcm") as call:
        async for each in call.audio:
            heard |= set(each.samples.tolist())
    return heard


async def test_sound_that_was_made_before_a_clear_is_not_played_after_it() -> None:
    """It was on its way from a worker thread."""

    async def play(call: Call, outgoing: Outgoing) -> None:
        before = outgoing.stretch
        outgoing.clear()
        await outgoing.play(frame(1), before)
        await outgoing.play(frame(2), outgoing.stretch)

    assert await heard_from(play) == {2}


async def test_sound_made_after_a_clear_is_not_wiped_by_it() -> None:
    """The clear of a thread reaches the loop later than sound that was made after it."""

    async def play(call: Call, outgoing: Outgoing) -> None:
        clear_in_thread(outgoing)
        await outgoing.play(frame(1), outgoing.stretch)

    assert await heard_from(play) == {1}


async def test_who_waits_to_play_goes_on_at_a_clear_and_plays_nothing() -> None:
    waits = anyio.Event()

    async def handler(call: Call) -> None:
        outgoing = Outgoing(call, CallLoop())
        await outgoing.play(frame(1, seconds=2), outgoing.stretch)  # more than is taken unread
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outgoing.play, frame(2), outgoing.stretch)
            await anyio.wait_all_tasks_blocked()
            clear_in_thread(outgoing)
            waits.set()
        await outgoing.play(frame(3), outgoing.stretch)

    async with connect(Stream(handler), encoding="audio/pcm") as call:
        await waits.wait()
        values = {value async for each in call.audio for value in set(each.samples.tolist())}
    assert 2 not in values
    assert 3 in values


async def test_after_the_call_a_clear_does_nothing() -> None:
    kept: list[Outgoing] = []

    async def handler(call: Call) -> None:
        loop = CallLoop()
        kept.append(Outgoing(call, loop))
        loop.close()

    async with connect(Stream(handler)) as call:
        async for _ in call.messages:
            pass
    kept[0].clear()
