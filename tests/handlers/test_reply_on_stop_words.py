"""Somebody says a stop word, talks, pauses, and is answered. Loudnesses are words."""

import inspect
import threading
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from antiphon import AdditionalOutputs
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import SessionClosed
from antiphon.handlers.determined_turns import AppState
from antiphon.handlers.reply_on_pause import ReplyOnPause
from antiphon.handlers.reply_on_stop_words import ReplyOnStopWords
from tests.core.loudness import Loudness
from tests.handlers.conversing import RATE, Ear, conversing, live, say, told_until
from tests.handlers.spoken import Clerk, say_words

Turn = tuple[int, Samples]

STOP_WORD: Any = ("stopword", "")
FETCH: Any = ("fetch_output", [])
TOLD = [STOP_WORD, "started_talking", "pause_detected", FETCH]
QUESTION = say_words("0.4 hey computer what time is it 0.9")


class Notes:
    """A function that remembers the turns, and tells when it has."""

    def __init__(self) -> None:
        self.turns: list[Samples] = []

    def __call__(self, turn: Turn) -> AdditionalOutputs:
        self.turns.append(turn[1])
        return AdditionalOutputs(len(self.turns))


def replies(fn: Any, clerk: Any = None, **options: Any) -> ReplyOnStopWords:
    chosen: dict[str, Any] = {"model": Loudness(), "stt": clerk or Clerk(timed=True), **options}
    return ReplyOnStopWords(fn, ["hey computer"], **chosen)


def check(audio: Samples, text: str = "what time is it") -> None:
    """That a turn holds these words from their first sample on."""
    said = say_words(text)
    assert audio.shape[0] == 1
    assert np.array_equal(audio[0][: len(said)], said)


async def test_what_is_said_behind_the_stop_word_is_answered() -> None:
    notes = Notes()
    async with conversing(replies(notes)) as (_, call):
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == TOLD
    check(notes.turns[0])


async def test_it_is_answered_over_a_websocket() -> None:
    notes = Notes()
    async with live(replies(notes)) as (_, call):
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == TOLD
    check(notes.turns[0])


async def test_without_the_stop_word_nothing_is_answered_or_told() -> None:
    notes = Notes()
    async with conversing(replies(notes)) as (_, call):
        await say(call, say_words("0.4 what time is it 1.5"))
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == TOLD
    assert len(notes.turns) == 1


async def test_each_reply_needs_the_stop_word() -> None:
    notes = Notes()
    async with conversing(replies(notes)) as (_, call):
        for _ in range(2):
            await say(call, QUESTION)
            assert await told_until(call, "fetch_output") == TOLD
            await say(call, say_words("0.4 bla stop bla 1.5"))
    assert len(notes.turns) == 2
    check(notes.turns[1])


async def test_a_stop_word_that_nothing_follows_expires_and_that_is_told() -> None:
    async with conversing(replies(Notes(), patience=1.0)) as (_, call):
        await say(call, say_words("0.4 hey computer 1.5"))
        assert await told_until(call, "stopword_expired") == [STOP_WORD, "stopword_expired"]


class Talking:
    """A reply that goes on until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def __call__(self, turn: Turn) -> Iterator[Any]:
        try:
            while True:
                yield RATE, np.full((1, RATE // 10), 1234, np.int16)
        finally:
            self.stopped.set()


async def test_only_a_stop_word_interrupts_a_reply() -> None:
    talking = Talking()
    clerk = Clerk(timed=True)
    async with live(replies(talking, clerk)) as (_, call), anyio.create_task_group() as tasks:
        ear = Ear(call, tasks)
        await say(call, QUESTION)
        await ear.wait(lambda ear: ear.seconds > 0.3)
        asked = len(clerk.asked)
        await say(call, say_words("0.4 what time is it stop 0.6"))
        await ear.wait(lambda ear: len(clerk.asked) > asked + 2)
        assert not talking.stopped.is_set()
        await say(call, say_words("hey computer"))
        with anyio.fail_after(5):
            await anyio.to_thread.run_sync(talking.stopped.wait)
        tasks.cancel_scope.cancel()


class Slow(Clerk):
    """Answers its first question when it is let."""

    def __init__(self) -> None:
        super().__init__(timed=True)
        self.asked_first = threading.Event()
        self.let = threading.Event()

    def stt(self, audio: Turn) -> Any:
        if not self.asked:
            self.asked_first.set()
            assert self.let.wait(10)
        return super().stt(audio)


async def test_a_slow_recogniser_holds_up_nothing_and_what_is_said_meanwhile_is_heard() -> None:
    notes = Notes()
    clerk = Slow()
    async with conversing(replies(notes, clerk)) as (_, call):
        await say(call, say_words("0.4 bla"))
        await anyio.to_thread.run_sync(clerk.asked_first.wait)
        await say(call, say_words("stop 0.5 hey computer what time is it 0.9"))
        await call.ping()
        await anyio.wait_all_tasks_blocked()
        assert len(clerk.asked) == 0
        clerk.let.set()
        assert await told_until(call, "fetch_output") == TOLD
    check(notes.turns[0])
    assert len(clerk.asked) <= 4


async def test_a_call_ends_though_the_recogniser_does_not(
    places: anyio.CapacityLimiter,
) -> None:
    clerk = Slow()
    try:
        async with conversing(replies(Notes(), clerk)) as (stream, call):
            await say(call, say_words("0.4 bla"))
            await anyio.to_thread.run_sync(clerk.asked_first.wait)
            await call.hang_up()
            with anyio.fail_after(5):
                async for _ in call.messages:
                    pass
                await anyio.wait_all_tasks_blocked()
            assert dict(stream.handlers) == {}
    finally:
        clerk.let.set()


async def test_a_recogniser_that_fails_is_told_of_once_and_survived() -> None:
    notes = Notes()
    clerk = Clerk(timed=True, answers={1: OSError("lost"), 2: OSError("lost")})
    async with conversing(replies(notes, clerk)) as (_, call):
        await say(call, say_words("0.4 bla 0.5 bla 0.5"))
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == [("error", "lost"), *TOLD]
    check(notes.turns[0])


async def test_a_recogniser_that_goes_on_failing_ends_the_call() -> None:
    clerk = Clerk(answers={count: OSError("lost") for count in range(1, 100)})
    async with conversing(replies(Notes(), clerk)) as (_, call):
        with suppress(SessionClosed):
            await say(call, say_words("bla 0.5 " * 12))
        told = await told_until(call, "end_stream")
    errors = [text for kind, text in told if kind == "error"]
    assert errors == ["lost", "10 recognitions in a row failed: lost"]


async def test_a_response_is_triggered_behind_the_stop_word_or_without_one() -> None:
    notes = Notes()
    async with conversing(replies(notes)) as (stream, call):
        await say(call, say_words("0.4 bla"))
        await call.ping()
        stream.handlers[call.id].trigger_response()
        assert await told_until(call, "fetch_output") == ["pause_detected", FETCH]
        await say(call, say_words("0.4 hey computer what time is it"))
        await told_until(call, "started_talking")
        stream.handlers[call.id].trigger_response()
        await told_until(call, "fetch_output")
    assert notes.turns[0].shape == (1, 0)
    check(notes.turns[1], "what")


async def test_turns_are_found_by_ones_own_rule_too() -> None:
    """`determine_pause` is asked behind the stop word only."""

    class Half(ReplyOnStopWords):
        def determine_pause(self, audio: Samples, sampling_rate: int, state: AppState) -> bool:
            state.started_talking = True
            state.stream = audio
            return len(audio) >= 0.5 * sampling_rate

    notes = Notes()
    handler = Half(notes, ["hey computer"], stt=Clerk(timed=True), model=Loudness())
    async with conversing(handler) as (_, call):
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == TOLD
    check(notes.turns[0], "what")
    assert notes.turns[0].shape == (1, RATE // 2)


async def test_a_model_that_hears_whole_windows_finds_the_speech_too() -> None:
    class Windows:
        def vad(self, audio: Turn, options: Any) -> Any:
            return float(np.sum(np.abs(audio[1]) > 1000)) / audio[0], []

    notes = Notes()
    async with conversing(replies(notes, model=Windows())) as (_, call):
        await say(call, QUESTION)
        assert await told_until(call, "fetch_output") == TOLD
    check(notes.turns[0])


def test_without_a_recogniser_it_is_told_what_to_pass() -> None:
    with pytest.raises(TypeError, match=r"pass stt=.*pip install"):
        ReplyOnStopWords(Notes(), ["computer"])


@pytest.mark.parametrize("stop_words", [[], [""], ["?"]])
def test_stop_words_that_could_never_be_said_are_refused(stop_words: list[str]) -> None:
    with pytest.raises(ValueError, match="stop"):
        ReplyOnStopWords(Notes(), stop_words, stt=Clerk(), model=Loudness())


@pytest.mark.parametrize("patience", [0, -1, inf])
def test_patience_is_more_than_none_and_finite(patience: float) -> None:
    with pytest.raises(ValueError, match="patience"):
        replies(Notes(), patience=patience)


def test_arguments_are_those_of_reply_on_pause_with_the_stop_words_second() -> None:
    base = inspect.signature(ReplyOnPause).parameters
    mine = inspect.signature(ReplyOnStopWords).parameters
    names = list(base)
    assert [name for name in mine if name not in ("stt", "patience")] == [
        names[0],
        "stop_words",
        *names[1:],
    ]
    assert all(mine[name] == base[name] for name in names)
