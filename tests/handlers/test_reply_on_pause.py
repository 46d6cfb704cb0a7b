"""Somebody talks, pauses, is answered, interrupts. The detector takes what is loud for speech."""

import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from antiphon import AdditionalOutputs, AudioFrame, CloseStream, Stream
from antiphon import echo as native_echo
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import SessionClosed
from antiphon.core.playout import LEAD
from antiphon.core.turns import AlgoOptions
from antiphon.handlers.determined_turns import AppState
from antiphon.handlers.reply import Interrupted
from antiphon.handlers.reply_on_pause import ReplyOnPause
from antiphon.handlers.vad.segments import SileroVadOptions
from tests.core.loudness import Loudness, loud, quiet
from tests.handlers.conversing import (
    RATE,
    SENTENCE,
    Ear,
    conversing,
    live,
    replies,
    say,
    told_until,
    words,
)

pytestmark = pytest.mark.alone

TURN = ["started_talking", "pause_detected", "response_starting"]
FETCH: Any = ("fetch_output", [])

Turn = tuple[int, Samples]


def echo(turn: Turn) -> Turn:
    return turn


def echo_by_steps(turn: Turn) -> Iterator[Turn]:
    yield turn


async def echo_awaiting(turn: Turn) -> Turn:
    return turn


async def echo_by_awaited_steps(turn: Turn) -> AsyncGenerator[Turn]:
    yield turn


@pytest.mark.parametrize("fn", [echo, echo_by_steps, echo_awaiting, echo_by_awaited_steps])
async def test_any_kind_of_function_answers_a_turn(fn: Any) -> None:
    async with conversing(replies(fn)) as (_, call):
        await say(call)
        assert await told_until(call, "response_starting") == TURN
        heard = await words(call, 1.4)
        assert len(heard) == pytest.approx(1.4 * RATE, abs=0.05 * RATE)


async def test_every_turn_is_answered() -> None:
    async with conversing(replies(echo_awaiting)) as (_, call):
        for _ in range(3):
            await say(call)
            assert await told_until(call, "response_starting") == TURN
            await words(call, 1.4)
            await call.ping()
            await anyio.wait_all_tasks_blocked()


async def test_the_function_gets_the_turn_as_known_users_expect_it() -> None:
    notes = Notes()
    async with conversing(replies(notes)) as (_, call):
        await say(call)
        await told_until(call, "fetch_output")
    ((rate, audio),) = notes.turns
    assert audio.dtype == np.int16
    assert (rate, len(audio)) == (RATE, 1)
    start = int(np.argmax(np.abs(audio[0]) > 1000))
    assert start / RATE == pytest.approx(0.3, abs=0.03)
    assert np.sum(np.abs(audio) > 1000) == int(0.6 * RATE)


async def test_sound_of_another_rate_is_converted() -> None:
    def high(turn: Turn) -> Any:
        return 48000, np.full((1, 48000), 0.25, np.float32)

    async with conversing(replies(high)) as (_, call):
        await say(call)
        heard = await words(call, 0.9)
        assert np.median(heard) == pytest.approx(8192, abs=2)


async def test_each_log_is_told_once_for_a_turn_of_many_chunks() -> None:
    def chunks(turn: Turn) -> Iterator[Any]:
        for _ in range(5):
            yield RATE, np.zeros((1, 480), np.int16)
        yield AdditionalOutputs("done")

    async with conversing(replies(chunks)) as (_, call):
        await say(call)
        assert await told_until(call, "fetch_output") == [*TURN, FETCH]


async def test_a_failing_turn_is_told_and_the_next_one_is_answered() -> None:
    calls: list[int] = []

    def fails_once(turn: Turn) -> Turn:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("no such city")
        return turn

    async with conversing(replies(fails_once)) as (_, call):
        await say(call)
        assert (await told_until(call, "error"))[-1] == ("error", "no such city")
        await say(call)
        assert await told_until(call, "response_starting") == TURN


async def test_sound_that_is_none_is_an_error_of_its_turn() -> None:
    def text(turn: Turn) -> str:
        return "text"

    async with conversing(replies(text)) as (_, call):
        await say(call)
        assert "not str" in (await told_until(call, "error"))[-1][1]


class Notes:
    """A function that remembers the turns, and tells when it has."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def __call__(self, turn: Turn) -> AdditionalOutputs:
        self.turns.append(turn)
        return AdditionalOutputs(len(self.turns))


class Talking:
    """A reply that goes on until it is stopped, and tells of it."""

    def __init__(self) -> None:
        self.stopped = anyio.Event()

    async def __call__(self, turn: Turn) -> AsyncGenerator[Any]:
        try:
            while True:
                yield RATE, np.full((1, RATE // 10), 1234, np.int16)
                await anyio.lowlevel.checkpoint()
        finally:
            self.stopped.set()


async def test_speech_interrupts_a_reply_and_tells_what_was_heard() -> None:
    talking = Talking()
    told: list[Interrupted] = []
    reported = anyio.Event()

    async def report(interrupted: Interrupted) -> None:
        told.append(interrupted)
        reported.set()

    async with live(replies(talking, on_interrupt=report)) as (_, call):
        await say(call)
        heard = await words(call, 1.0)
        await say(call, loud(0.3, RATE))
        with anyio.fail_after(5):
            await talking.stopped.wait()
            await reported.wait()
        assert set(heard) == {1234}
    (interrupted,) = told
    assert interrupted.sample_rate == RATE
    # A second was received, and that is never further ahead of the listener than the lead.
    assert (1.0 - LEAD) * RATE - 1 <= interrupted.heard_samples <= interrupted.given_samples
    assert interrupted.given_samples - interrupted.heard_samples < 1.0 * RATE


async def test_after_an_interruption_the_new_turn_is_answered_and_nothing_old_is_heard() -> None:
    turns: list[int] = []

    async def reply(turn: Turn) -> AsyncGenerator[Any]:
        turns.append(len(turns) + 1)
        value = 1000 * len(turns)
        for _ in range(100):
            yield RATE, np.full((1, RATE // 10), value, np.int16)

    async with live(replies(reply)) as (_, call), anyio.create_task_group() as tasks:
        ear = Ear(call, tasks)
        await say(call)
        await ear.wait(lambda ear: ear.seconds > 0.5)
        await say(call)
        await ear.wait(lambda ear: 2000 in ear.values)
        seconds = ear.seconds
        await ear.wait(lambda ear: ear.seconds > seconds + 0.3)
        assert ear.values == [1000, 2000]
        tasks.cancel_scope.cancel()


async def test_a_reply_that_cannot_be_stopped_does_not_hold_up_the_next_turn() -> None:
    """Defect 34: a generator that is busy in its thread when it is interrupted."""
    release = threading.Event()
    answered: list[int] = []

    def stuck(turn: Turn) -> Iterator[Any]:
        answered.append(len(answered))
        yield RATE, np.full((1, RATE // 10), 1000 + len(answered), np.int16)
        if len(answered) == 1:
            release.wait(10)
            yield RATE, np.full((1, RATE), 6666, np.int16)

    async with conversing(replies(stuck)) as (_, call):
        await say(call)
        assert set(await words(call, 0.1)) == {1001}
        await say(call)
        assert set(await words(call, 0.1)) == {1002}
        release.set()
        await call.ping()
        await say(call)
        assert set(await words(call, 0.1)) == {1003}


async def test_a_protected_reply_is_played_to_its_end_whatever_is_said() -> None:
    """Defect 35: protection ends with the playback, not with the generation."""
    answered: list[Turn] = []

    def reply(turn: Turn) -> Any:
        answered.append(turn)
        return RATE, np.full((1, RATE), 1234, np.int16)

    async with (
        live(replies(reply, can_interrupt=False)) as (_, call),
        anyio.create_task_group() as tasks,
    ):
        ear = Ear(call, tasks)
        await say(call)
        await ear.wait(lambda ear: ear.seconds > 0.2)
        await say(call, np.concatenate((loud(0.3, RATE), quiet(0.1, RATE))))
        await ear.wait(lambda ear: ear.seconds > 0.98)
        assert ear.values == [1234]
        await say(call, np.concatenate((quiet(0.6, RATE), SENTENCE)))
        await ear.wait(lambda ear: ear.seconds > 1.2)
        tasks.cancel_scope.cancel()
    assert len(answered) == 2


async def test_interrupt_on_pause_lets_the_reply_go_on_until_then() -> None:
    talking = Talking()
    options = AlgoOptions(interrupt_on="pause")
    async with live(replies(talking, algo_options=options)) as (_, call):
        await say(call)
        await words(call, 0.2)
        await say(call, loud(0.4, RATE))
        await told_until(call, "response_starting")
        assert await told_until(call, "started_talking") == ["started_talking"]
        assert not talking.stopped.is_set()
        await say(call, quiet(1, RATE))
        with anyio.fail_after(5):
            await talking.stopped.wait()


async def test_a_greeting_comes_before_anything_is_said() -> None:
    async def greeting() -> Any:
        return RATE, np.full(RATE // 10, 777, np.int16)

    async with conversing(replies(echo_awaiting, startup_fn=greeting)) as (_, call):
        assert set(await words(call, 0.1)) == {777}
        await say(call)
        assert await told_until(call, "response_starting") == TURN


async def test_a_greeting_may_be_of_another_kind_than_the_function() -> None:
    """Defect 43."""

    async def greeting() -> AsyncGenerator[Any]:
        yield RATE, np.full(RATE // 10, 777, np.int16)

    def needs_input(turn: Turn, voice: str) -> Turn:
        return turn

    async with conversing(replies(needs_input, startup_fn=greeting)) as (_, call):
        assert set(await words(call, 0.1)) == {777}


async def test_inputs_that_a_greeting_does_not_take_are_for_the_turns() -> None:
    """Defect 43: they may come with the start, before anything was said."""

    async def greeting() -> Any:
        return AdditionalOutputs("welcome")

    def reply(turn: Turn, voice: str) -> Any:
        return AdditionalOutputs(voice)

    async with conversing(replies(reply, startup_fn=greeting), inputs=["alto"]) as (stream, call):
        assert await told_until(call, "fetch_output") == [FETCH]
        await say(call)
        assert await told_until(call, "fetch_output") == [*TURN[:2], FETCH]
        assert (await stream.fetch_latest_output(call.id)).args == ("alto",)


async def test_a_greeting_gets_the_inputs_that_it_takes() -> None:
    async def greeting(voice: str, tempo: int = 3) -> Any:
        return AdditionalOutputs(voice, tempo)

    options: Any = {"startup_fn": greeting}
    async with conversing(replies(echo, **options), inputs=["alto", 4, "more"]) as (stream, call):
        assert await told_until(call, "fetch_output") == [FETCH]
        assert (await stream.fetch_latest_output(call.id)).args == ("alto", 4)


async def test_inputs_reach_the_next_turn() -> None:
    got: list[Any] = []

    def reply(turn: Turn, voice: str = "none", *more: int) -> Any:
        got.append((voice, *more))
        return AdditionalOutputs(voice)

    async with conversing(replies(reply)) as (stream, call):
        await say(call)
        await told_until(call, "fetch_output")
        stream.set_input(call.id, "alto", 3)
        await say(call)
        await told_until(call, "fetch_output")
        await call.send_inputs("bass")
        await say(call)
        await told_until(call, "fetch_output")
    assert got == [("none",), ("alto", 3), ("bass",)]


async def test_a_required_input_is_asked_for() -> None:
    def reply(turn: Turn, voice: str) -> Any:
        return AdditionalOutputs(voice)

    async with conversing(replies(reply)) as (stream, call):
        await say(call)
        told = await told_until(call, "send_input")
        assert told == ["started_talking", "pause_detected", ("send_input", [])]
        stream.set_input(call.id, "alto")
        assert (await told_until(call, "fetch_output"))[-1] == FETCH
        assert (await stream.fetch_latest_output(call.id)).args == ("alto",)


async def test_needs_args_asks_though_there_is_a_default() -> None:
    def reply(turn: Turn, voice: str = "none") -> Any:
        return AdditionalOutputs(voice)

    async with conversing(replies(reply, needs_args=True)) as (_, call):
        await say(call)
        assert (await told_until(call, "send_input"))[-1] == ("send_input", [])


async def test_inputs_that_do_not_come_are_an_error_and_the_turn_is_skipped() -> None:
    def reply(turn: Turn, voice: str) -> Any:
        return AdditionalOutputs(voice)

    async with conversing(replies(reply, inputs_timeout=0.05)) as (stream, call):
        for _ in range(2):
            await say(call)
            assert (await told_until(call, "error"))[-1] == (
                "error",
                "no inputs came within 0.05 s",
            )
        stream.set_input(call.id, "alto")
        await say(call)
        await told_until(call, "fetch_output")


async def test_a_wrong_number_of_inputs_is_an_error_of_the_turn() -> None:
    async with conversing(replies(echo)) as (stream, call):
        stream.set_input(call.id, 1, 2)
        await say(call)
        told = await told_until(call, "error")
        assert told[-1] == ("error", "this stream takes 0 inputs, not 2")


async def test_phone_mode_waits_for_nothing_and_hands_outputs_on() -> None:
    """Defect 42."""
    got: list[Any] = []

    def reply(turn: Turn, history: str = "") -> Any:
        got.append(history)
        return AdditionalOutputs(history + "x")

    handler = replies(reply, needs_args=False)
    handler.phone_mode = True
    async with conversing(handler) as (_, call):
        for _ in range(3):
            await say(call)
            await told_until(call, "fetch_output")
    assert got == ["", "x", "xx"]


async def test_close_stream_plays_what_precedes_it_and_the_server_closes() -> None:
    def reply(turn: Turn) -> Any:
        return (RATE, np.full((1, RATE // 10), 5, np.int16)), CloseStream("goodbye")

    async with conversing(replies(reply)) as (_, call):
        await say(call)
        assert set(await words(call, 0.1)) == {5}
        assert (await told_until(call, "end_stream"))[-1] == ("end_stream", "goodbye")
        with pytest.raises(SessionClosed):
            await call.ping()


async def test_a_response_is_triggered_from_any_thread() -> None:
    got: list[tuple[int, ...]] = []

    def reply(turn: Turn) -> Any:
        got.append((turn[0], *turn[1].shape))
        return AdditionalOutputs("said")

    async with conversing(replies(reply)) as (stream, call):
        await call.ping()
        await anyio.to_thread.run_sync(stream.handlers[call.id].trigger_response)
        assert await told_until(call, "fetch_output") == ["pause_detected", FETCH]
        await say(call, loud(0.6, RATE))
        await told_until(call, "started_talking")
        await call.ping()
        stream.handlers[call.id].trigger_response()
        await told_until(call, "fetch_output")
    assert got[0] == (RATE, 1, 0)
    assert got[1][2] == pytest.approx(0.6 * RATE, abs=0.05 * RATE)


async def test_the_copies_of_live_calls_are_shown_and_forgotten() -> None:
    handler = replies(echo)
    async with conversing(handler) as (stream, call):
        await call.ping()
        mine = stream.handlers[call.id]
        assert isinstance(mine, ReplyOnPause)
        assert mine is not handler
        assert mine.call.id == call.id
        stream.set_input(call.id, "alto")
        assert mine.latest_args == ["__webrtc_value__", "alto"]
        await call.hang_up()
        await anyio.wait_all_tasks_blocked()
        assert dict(stream.handlers) == {}
    with pytest.raises(RuntimeError, match="runs no call"):
        handler.trigger_response()
    with pytest.raises(RuntimeError, match="runs no call"):
        _ = handler.call


async def test_a_copy_speaks_to_its_client_from_any_thread() -> None:
    async with conversing(replies(echo)) as (stream, call):
        await call.ping()
        mine = stream.handlers[call.id]
        await mine.send_message('{"type": "log", "data": "by hand"}')
        text = '{"type": "warning", "data": "low battery"}'
        await anyio.to_thread.run_sync(mine.send_message_sync, text)
        assert await told_until(call, "warning") == ["by hand", ("warning", "low battery")]


async def test_the_queue_is_cleared_and_the_reply_goes_on() -> None:
    go_on = anyio.Event()

    async def reply(turn: Turn) -> AsyncGenerator[Any]:
        yield RATE, np.full((1, RATE // 10), 1, np.int16)
        await go_on.wait()
        yield RATE, np.full((1, RATE // 10), 2, np.int16)

    async with conversing(replies(reply)) as (stream, call):
        await say(call)
        assert set(await words(call, 0.1)) == {1}
        stream.handlers[call.id].clear_queue()
        go_on.set()
        assert set(await words(call, 0.1)) == {2}


async def test_a_detector_that_fails_ends_the_call_and_says_why() -> None:
    class Broken:
        def vad(self, audio: Turn, options: Any) -> Any:
            raise OSError("the model is gone")

    async with conversing(replies(echo, model=Broken())) as (_, call):
        await say(call)
        assert (await told_until(call, "error"))[-1] == ("error", "the model is gone")


class LoudWindows:
    """FastRTC's kind of model."""

    def __init__(self) -> None:
        self.options: list[Any] = []

    def vad(self, audio: Turn, options: Any) -> tuple[float, list[Any]]:
        rate, samples = audio
        self.options.append(options)
        return float(np.sum(np.abs(samples) > 1000)) / rate, []


async def test_a_model_of_windows_is_heard_in_a_worker_thread() -> None:
    model = LoudWindows()
    async with conversing(replies(Notes(), model=model, model_options="mine")) as (_, call):
        for _ in range(2):
            await say(call)
            assert await told_until(call, "fetch_output") == [*TURN[:2], FETCH]
    assert set(model.options) == {"mine"}


async def test_a_detector_that_takes_its_time_loses_no_sound() -> None:
    release = threading.Event()
    notes = Notes()

    class Slow(LoudWindows):
        def vad(self, audio: Turn, options: Any) -> tuple[float, list[Any]]:
            release.wait(10)
            return super().vad(audio, options)

    async with conversing(replies(notes, model=Slow())) as (_, call):
        await say(call)
        await call.ping()
        release.set()
        await told_until(call, "fetch_output")
    ((_, audio),) = notes.turns
    assert np.sum(np.abs(audio) > 1000) == int(0.6 * RATE)


async def test_the_threshold_of_the_options_counts() -> None:
    class HalfLoud(Loudness):
        def detector(self, sample_rate: int) -> "HalfLoud":
            made = HalfLoud()
            made.frame_samples = sample_rate * 3 // 100
            return made

        def probability(self, frame: Samples) -> float:
            return super().probability(frame) * 0.8

    strict, usual = SileroVadOptions(threshold=0.9), SileroVadOptions()
    for options, turns in ((strict, []), (usual, TURN[:2])):
        handler = replies(Notes(), model=HalfLoud(), model_options=options)
        async with conversing(handler) as (_, call):
            await say(call)
            await call.ping()
            await anyio.wait_all_tasks_blocked()
            await call.hang_up()
            logs = [message.data async for message in call.messages if message.type == "log"]
            assert logs == turns


class ByFixedTime(ReplyOnPause):
    """Ends every turn a second after its beginning, however it is spoken."""

    def determine_pause(self, audio: Samples, sampling_rate: int, state: AppState) -> bool:
        state.started_talking = True
        state.stream = audio
        return len(audio) >= sampling_rate


async def test_determine_pause_can_be_overridden() -> None:
    notes = Notes()
    async with conversing(ByFixedTime(notes, model=LoudWindows())) as (_, call):
        for _ in range(2):
            await say(call, loud(1.0, RATE))
            assert await told_until(call, "fetch_output") == [*TURN[:2], FETCH]
    assert [audio.shape for _, audio in notes.turns] == [(1, RATE), (1, RATE)]


class AsKnown(ReplyOnPause):
    """Overrides only to call what was there."""

    def determine_pause(self, audio: Samples, sampling_rate: int, state: AppState) -> bool:
        return super().determine_pause(audio, sampling_rate, state)


async def test_the_known_rule_can_be_built_on() -> None:
    async with conversing(AsKnown(echo, model=LoudWindows())) as (_, call):
        await say(call, np.concatenate((SENTENCE, quiet(1.2, RATE))))
        assert await told_until(call, "response_starting") == TURN


async def test_an_end_of_turn_predictor_is_asked_with_the_turn_so_far() -> None:
    asked: list[tuple[int, int]] = []

    def predictor(samples: Samples, sample_rate: int) -> float:
        asked.append((len(samples), sample_rate))
        return 0.3

    async with conversing(replies(echo, end_of_turn=predictor)) as (_, call):
        await say(call, np.concatenate((SENTENCE, quiet(0.5, RATE))))
        assert await told_until(call, "response_starting") == TURN
    ((count, rate),) = asked
    assert count == pytest.approx(1.47 * RATE, abs=0.03 * RATE)
    assert rate == RATE


async def test_the_end_of_a_call_ends_its_reply() -> None:
    talking = Talking()
    async with live(replies(talking)) as (_, call):
        await say(call)
        await words(call, 0.1)
        await call.hang_up()
        with anyio.fail_after(5):
            await talking.stopped.wait()


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"fn": "text"}, TypeError, "a function is wanted"),
        ({"fn": lambda: None}, TypeError, "has no parameter"),
        ({"needs_args": True}, TypeError, "needs_args is for a function that takes inputs"),
        ({"expected_layout": "5.1"}, ValueError, "mono or stereo"),
        ({"inputs_timeout": 0}, ValueError, "more than 0 seconds"),
        ({"startup_fn": "hello"}, TypeError, "a function is wanted"),
        ({"model": object()}, TypeError, "object"),
        ({"vad": "best"}, ValueError, "best"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        ReplyOnPause(**dict[str, Any]({"fn": echo, **arguments}))


def test_the_frame_size_of_fastrtc_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="output_frame_size has no effect"):
        replies(echo, output_frame_size=480)


def test_the_stream_takes_over_the_rates() -> None:
    handler = replies(echo, input_sample_rate=16000, output_sample_rate=48000)
    config = Stream(handler).host.settings.session
    assert (config.input_sample_rate, config.output_sample_rate) == (16000, 48000)


def test_sound_waits_as_long_as_the_handler_says() -> None:
    assert Stream(replies(echo)).host.settings.audio_backlog == 30
    assert Stream(native_echo).host.settings.audio_backlog == 0.3


async def test_a_frame_may_be_given_as_it_is() -> None:
    def frame(turn: Turn) -> AudioFrame:
        return AudioFrame(turn[1].tobytes(), turn[0])

    async with conversing(replies(frame)) as (_, call):
        await say(call)
        assert len(await words(call, 1.0)) >= RATE
