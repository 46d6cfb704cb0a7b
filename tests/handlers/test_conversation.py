"""What comes between a turn and its answer: triggers, interruptions and ends at every moment."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from antiphon import AdditionalOutputs, Call, CloseStream, Stream, connect
from antiphon.core.audio.frames import Samples
from antiphon.core.context import current_call
from antiphon.handlers.reply import Interrupted
from antiphon.handlers.reply_on_pause import ReplyOnPause
from tests.core.loudness import Loudness, loud
from tests.handlers.conversing import (
    RATE,
    Ear,
    conversing,
    live,
    replies,
    say,
    told_until,
    words,
)
from tests.handlers.wired import wired

FETCH: Any = ("fetch_output", [])
Turn = tuple[int, Samples]


def trigger(stream: Stream, call: Call) -> Callable[[], None]:
    """What answers at once, from any thread."""
    handler = stream.handlers[call.id]
    assert isinstance(handler, ReplyOnPause)
    return handler.trigger_response


async def from_threads(count: int, step: Callable[[], None]) -> None:
    """Run a step in so many threads at once."""
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait(10)
        step()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await anyio.to_thread.run_sync(thread.join, 10)


async def test_a_triggered_reply_belongs_to_its_call() -> None:
    def reply(turn: Turn) -> Any:
        return AdditionalOutputs(current_call().id)

    async with conversing(replies(reply)) as (stream, call):
        await call.ping()
        await anyio.to_thread.run_sync(trigger(stream, call))
        assert await told_until(call, "fetch_output") == ["pause_detected", FETCH]
        assert (await stream.fetch_latest_output(call.id)).args == (call.id,)


class GoingOn:
    """Replies that go on until they are stopped; counts those that go on now."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.begun = 0
        self.now = 0
        self._sound = RATE, np.full((1, round(seconds * RATE)), 1234, np.int16)

    async def __call__(self, turn: Turn) -> AsyncGenerator[Any]:
        self.begun += 1
        self.now += 1
        try:
            yield self._sound
            yield AdditionalOutputs(self.begun)
            await anyio.sleep_forever()
        finally:
            self.now -= 1


async def test_of_many_triggers_at_once_the_last_one_is_answered() -> None:
    replying = GoingOn()
    async with conversing(replies(replying)) as (stream, call):
        await call.ping()
        await from_threads(50, trigger(stream, call))
        assert (await told_until(call, "fetch_output"))[-1] == FETCH
        await call.ping()
        await anyio.wait_all_tasks_blocked()
        assert replying.now == 1


async def test_many_triggers_at_once_cut_no_protected_reply() -> None:
    replying = GoingOn()
    async with conversing(replies(replying, can_interrupt=False)) as (stream, call):
        await call.ping()
        await from_threads(50, trigger(stream, call))
        assert await told_until(call, "fetch_output") == ["pause_detected", FETCH]
        await call.ping()
        await anyio.wait_all_tasks_blocked()
        assert replying.begun == 1


async def test_triggers_while_the_client_does_not_read_leave_one_reply() -> None:
    replying = GoingOn()
    async with wired(replies(replying)) as wire:
        wire.read(False)
        for _ in range(3):
            wire.trigger()
        await anyio.wait_all_tasks_blocked()
        wire.read(True)
        await wire.until("fetch_output")
        await anyio.wait_all_tasks_blocked()
        assert replying.now == 1


async def test_speech_into_a_farewell_does_not_cut_it() -> None:
    """docs/protocol.md: CloseStream plays all that precedes it."""

    def farewell(turn: Turn) -> Any:
        return (RATE, np.full((1, RATE), 1234, np.int16)), CloseStream("goodbye")

    async with live(replies(farewell)) as (_, call), anyio.create_task_group() as tasks:
        ear = Ear(call, tasks)
        await say(call)
        await ear.wait(lambda ear: ear.seconds > 0.2)
        await say(call, loud(0.4, RATE))
        told = await told_until(call, "end_stream")
        assert told == [
            *("started_talking", "pause_detected", "response_starting"),
            ("end_stream", "goodbye"),
        ]
        await ear.wait(lambda ear: ear.seconds > 0.95)


def _ends_program() -> Any:
    raise SystemExit(3)


def _closes() -> Any:
    raise GeneratorExit


def _stops() -> Any:
    raise StopIteration


def _cancels() -> Any:
    raise asyncio.CancelledError


@pytest.mark.parametrize("failing", [_ends_program, _closes, _stops, _cancels])
@pytest.mark.parametrize("kind", ["function", "generator", "coroutine", "async generator"])
async def test_whatever_one_turn_raises_the_next_one_is_answered(
    failing: Callable[[], Any], kind: str
) -> None:
    turns: list[int] = []

    def fail_once() -> AdditionalOutputs:
        turns.append(len(turns))
        return failing() if len(turns) == 1 else AdditionalOutputs("well")

    def function(turn: Turn) -> Any:
        return fail_once()

    def generator(turn: Turn) -> Iterator[Any]:
        yield fail_once()

    async def coroutine(turn: Turn) -> Any:
        return fail_once()

    async def async_generator(turn: Turn) -> AsyncGenerator[Any]:
        yield fail_once()

    kinds = {
        "function": function,
        "generator": generator,
        "coroutine": coroutine,
        "async generator": async_generator,
    }
    stream = Stream(replies(kinds[kind]))
    async with stream.running(), connect(stream) as other:
        async with connect(stream, encoding="audio/pcm", sample_rate=RATE) as call:
            await say(call)
            assert (await told_until(call, "error"))[-1][0] == "error"
            await say(call)
            assert (await told_until(call, "fetch_output"))[-1] == FETCH
        await other.ping()


async def test_a_reply_that_waits_for_inputs_is_interrupted() -> None:
    def reply(turn: Turn, voice: str) -> Any:
        return AdditionalOutputs(voice)

    asked: list[Any] = ["started_talking", "pause_detected", ("send_input", [])]
    async with conversing(replies(reply)) as (stream, call):
        for _ in range(2):
            await say(call)
            assert await told_until(call, "send_input") == asked
        stream.set_input(call.id, "alto")
        assert await told_until(call, "fetch_output") == [FETCH]
        await say(call)
        assert await told_until(call, "fetch_output") == [*asked[:2], FETCH]


async def test_a_greeting_is_interrupted() -> None:
    told: list[Interrupted] = []

    async def greeting() -> AsyncGenerator[Any]:
        yield RATE, np.full((1, RATE // 2), 777, np.int16)
        await anyio.sleep_forever()

    def reply(turn: Turn) -> Any:
        return AdditionalOutputs(1)

    handler = replies(reply, startup_fn=greeting, on_interrupt=told.append)
    async with live(handler) as (_, call):
        await words(call, 0.2)
        await say(call)
        assert await told_until(call, "fetch_output") == [
            *(("clear", None), "started_talking", "pause_detected", FETCH)
        ]
    ((heard, given),) = [(each.heard_samples, each.given_samples) for each in told]
    assert 0 < heard <= given == RATE // 2


async def test_what_on_interrupt_raises_is_told_and_the_turn_is_answered() -> None:
    def refuse(what: Interrupted) -> None:
        raise ValueError("no transcript")

    replying = GoingOn(seconds=0.1)
    async with conversing(replies(replying, on_interrupt=refuse)) as (_, call):
        await say(call)
        await told_until(call, "fetch_output")
        await say(call)
        told = await told_until(call, "error")
        assert told[-1] == ("error", "no transcript")
        if FETCH not in told:
            assert (await told_until(call, "fetch_output"))[-1] == FETCH
    assert replying.begun == 2


async def test_a_trigger_behind_the_end_does_nothing() -> None:
    replying = GoingOn()
    async with conversing(replies(replying)) as (stream, call):
        await call.ping()
        late = trigger(stream, call)
    await from_threads(2, late)
    late()
    await anyio.wait_all_tasks_blocked()
    assert replying.begun == 0


class Counting(ReplyOnPause):
    """With a copy of its own making, as users of FastRTC write it."""

    def __init__(self) -> None:
        super().__init__(self.count, model=Loudness())
        self.turns = 0

    def copy(self) -> "Counting":
        return Counting()

    def count(self, turn: Turn) -> AdditionalOutputs:
        self.turns += 1
        return AdditionalOutputs(self.turns)


async def test_a_copy_may_be_made_anew_for_each_call() -> None:
    handler = Counting()
    for turns in (1, 2):
        async with conversing(handler) as (stream, call):
            for _ in range(turns):
                await say(call)
                await told_until(call, "fetch_output")
            assert (await stream.fetch_latest_output(call.id)).args == (turns,)
            mine = stream.handlers[call.id]
            assert isinstance(mine, Counting)
            assert mine.turns == turns
        assert handler.live == {}
    assert handler.turns == 0


async def test_two_streams_may_share_a_handler_and_an_id() -> None:
    handler = replies(GoingOn())
    first, second = Stream(handler), Stream(handler)
    async with connect(first, call_id="one") as one, connect(second, call_id="one") as other:
        await one.ping()
        await other.ping()
        mine = handler.live["one"]
        await one.hang_up()
        await anyio.wait_all_tasks_blocked()
        assert handler.live == {"one": mine}
    await anyio.wait_all_tasks_blocked()
    assert handler.live == {}


async def test_100_calls_at_once_get_their_own_answers() -> None:
    async def reply(turn: Turn, name: str) -> Any:
        await anyio.lowlevel.checkpoint()
        return AdditionalOutputs(name, current_call().id)

    stream = Stream(replies(reply))
    answers: list[tuple[Any, ...]] = []

    async def converse(number: int) -> None:
        async with connect(
            stream,
            call_id=f"call {number}",
            encoding="audio/pcm",
            sample_rate=RATE,
            inputs=[number],
        ) as call:
            await say(call)
            await told_until(call, "fetch_output")
            answers.append((await stream.fetch_latest_output(call.id)).args)

    async with stream.running():
        before = len(asyncio.all_tasks())
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(converse, number)
        await anyio.wait_all_tasks_blocked()
        assert len(asyncio.all_tasks()) == before
    assert sorted(answers) == [(number, f"call {number}") for number in range(100)]
    assert dict(stream.handlers) == {}


async def test_a_reply_that_is_slow_to_close_holds_up_neither_the_next_turn_nor_the_end() -> None:
    closing, closed = anyio.Event(), anyio.Event()
    turns: list[int] = []

    async def slow(turn: Turn) -> AsyncGenerator[Any]:
        turns.append(len(turns))
        try:
            yield AdditionalOutputs(len(turns))
            await anyio.sleep_forever()
        finally:
            if len(turns) == 2:
                with anyio.CancelScope(shield=True):
                    closing.set()
                    await closed.wait()

    async with conversing(replies(slow)) as (_, call):
        for _ in range(3):
            await say(call)
            assert (await told_until(call, "fetch_output"))[-1] == FETCH
        assert closing.is_set()
        closed.set()


async def test_a_reply_that_will_not_be_cancelled_does_not_hold_up_the_next_turn() -> None:
    release, left = anyio.Event(), anyio.Event()
    turns: list[int] = []

    async def stubborn(turn: Turn) -> Any:
        turns.append(len(turns))
        if len(turns) == 2:
            return AdditionalOutputs("second")
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        left.set()
        return AdditionalOutputs("first")

    async with conversing(replies(stubborn)) as (stream, call):
        await say(call)
        await told_until(call, "pause_detected")
        await say(call)
        await told_until(call, "fetch_output")
        release.set()
        await left.wait()
        await anyio.wait_all_tasks_blocked()
        assert (await stream.fetch_latest_output(call.id)).args == ("second",)
