"""Conversations with clients that send at once, send for ever, or do not read; and many turns."""

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AdditionalOutputs, AudioFrame
from antiphon.core.audio import buffer
from antiphon.core.audio.frames import Samples
from antiphon.handlers.backlog import BACKLOG
from tests.core.loudness import Loudness, loud, quiet
from tests.handlers.conversing import RATE, SENTENCE, replies
from tests.handlers.wired import wired

TURN = ["started_talking", "pause_detected", "response_starting"]

Turn = tuple[int, Samples]


class Lengths:
    """Notes how long each turn was."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, turn: Turn) -> AdditionalOutputs:
        rate, audio = turn
        self.seconds.append(audio.size / rate)
        return AdditionalOutputs(len(self.seconds))


class SlowLoudness(Loudness):
    """A model whose detector is heard in a worker thread."""

    blocking = True


@pytest.mark.parametrize("model", [Loudness(), SlowLoudness()])
async def test_a_recording_that_is_sent_at_once_is_heard_whole(model: Loudness) -> None:
    lengths = Lengths()
    async with wired(replies(lengths, model=model)) as wire:
        wire.say(np.concatenate((quiet(0.3, RATE), loud(20, RATE), quiet(1, RATE))))
        assert await wire.until("fetch_output") == [*TURN[:2], "fetch_output"]
    assert lengths.seconds == [pytest.approx(20.85, abs=0.1)]


async def test_who_sends_more_at_once_than_is_waited_for_is_told_once() -> None:
    lengths = Lengths()
    warning = (
        "warning",
        "sound came faster than it is heard: what waits longer than 30 s is dropped",
    )
    async with wired(replies(lengths)) as wire:
        for _ in range(2):
            wire.say(np.concatenate((loud(BACKLOG, RATE), SENTENCE)))
            told = await wire.until("fetch_output")
            assert told.count(warning) == (len(lengths.seconds) == 1)
    assert lengths.seconds == [pytest.approx(BACKLOG, abs=0.3)] * 2


async def test_one_message_of_many_seconds_does_not_hold_up_other_calls() -> None:
    heard: list[int] = []

    class Counting(Loudness):
        def probability(self, frame: Samples) -> float:
            heard.append(len(frame))
            return super().probability(frame)

    class Model(Loudness):
        def detector(self, sample_rate: int) -> Loudness:
            made = Counting()
            made.frame_samples = sample_rate * 3 // 100
            return made

    async with wired(replies(Lengths(), model=Model())) as wire:
        wire.driver.audio.push(AudioFrame(quiet(20, RATE).tobytes(), RATE))
        longest = 0
        while sum(heard) < 19 * RATE:
            before = sum(heard)
            await asyncio.sleep(0)
            longest = max(longest, sum(heard) - before)
    assert longest <= RATE


async def test_a_client_that_does_not_read_is_held_to_its_bounds_and_heard_again_later() -> None:
    lengths = Lengths()
    async with wired(replies(lengths)) as wire:
        wire.read(False)
        for _ in range(20):
            wire.say(np.concatenate((SENTENCE, quiet(2, RATE))))
            await anyio.wait_all_tasks_blocked()
        said = 20 * (len(SENTENCE) / RATE + 2)
        assert wire.driver.audio.dropped >= 50 * (said - BACKLOG - 2)
        assert lengths.seconds == []
        tasks = len(asyncio.all_tasks())
        wire.say(SENTENCE)
        await anyio.wait_all_tasks_blocked()
        assert len(asyncio.all_tasks()) == tasks
        wire.read(True)
        await wire.until("fetch_output")


async def test_of_two_turns_at_once_the_second_is_answered_and_both_are_told() -> None:
    lengths = Lengths()
    async with wired(replies(lengths)) as wire:
        wire.say(np.concatenate((SENTENCE, SENTENCE)))
        assert await wire.until("fetch_output") == [*TURN[:2], *TURN[:2], "fetch_output"]
    assert len(lengths.seconds) == 1


async def test_sound_without_samples_is_no_answer() -> None:
    async def nothing(turn: Turn) -> AsyncGenerator[Any]:
        yield RATE, np.zeros((1, 0), np.int16)
        yield RATE, np.zeros(0, np.float32)
        yield AudioFrame(b"", RATE)
        yield AdditionalOutputs("done")

    async with wired(replies(nothing)) as wire:
        wire.say(SENTENCE)
        assert await wire.until("fetch_output") == [*TURN[:2], "fetch_output"]


@pytest.mark.parametrize(
    "sound",
    [
        np.full((1, 480), np.nan, np.float32),
        np.full((480, 1), -np.inf),
        np.zeros((2, 480), np.int32),
        np.zeros((4, 480), np.int16)[:2, ::-1],
    ],
)
async def test_odd_sound_is_played(sound: Any) -> None:
    async def odd(turn: Turn) -> Any:
        return (RATE, sound), AdditionalOutputs("done")

    async with wired(replies(odd)) as wire:
        wire.say(SENTENCE)
        await wire.until("response_starting")
        await anyio.wait_all_tasks_blocked()
        assert wire.sound == 2 * 480


async def test_200_turns_leave_nothing_behind() -> None:
    def answer(turn: Turn) -> Any:
        return turn, AdditionalOutputs("done")

    sizes: list[tuple[int, int]] = []
    left: list[tuple[int, int]] = []
    async with wired(replies(answer)) as wire:
        for _ in range(4):
            for _ in range(50):
                wire.say(SENTENCE)
                await wire.until("fetch_output")
            await anyio.wait_all_tasks_blocked()
            gc.collect()
            left.append((len(asyncio.all_tasks()), threading.active_count()))
            if tracemalloc.is_tracing():
                sizes.append(traced())
            tracemalloc.start()
        tracemalloc.stop()
    assert left[0] == left[-1]
    assert sizes[-1][0] - sizes[0][0] < 100_000, sizes
    # The room of the turn that was handed over last, and the one that fills, each less than twice
    # what it holds: how full the second is depends on what waits while a reply comes to its end.
    assert max(rooms for _, rooms in sizes) <= 4 * SENTENCE.nbytes, sizes


def traced() -> tuple[int, int]:
    """Bytes in use: without the rooms for sound, and in those."""
    found = tracemalloc.take_snapshot().statistics("filename")
    rooms = sum(one.size for one in found if one.traceback[0].filename == buffer.__file__)
    return sum(one.size for one in found) - rooms, rooms
