"""What the classic handlers have in common: copies, inputs, messages, start-up and shutdown."""

import logging
import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest

from antiphon import CloseStream, Stream, connect
from antiphon.core.errors import SessionClosed, WebRTCError
from antiphon.handlers import running
from antiphon.handlers.stream_handler import AsyncStreamHandler, StreamHandler
from tests.handlers.classics import HANDLERS, classic, errors_until
from tests.handlers.pictures import errors_told, told

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


async def to_the_end(stream: Stream, **options: Any) -> list[tuple[str, Any]]:
    """What a client is told that says nothing."""
    async with connect(stream, **options) as call:
        return await told(call)


class Notes:
    """Methods that note what happened, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def method(self, name: str, result: Any = None) -> Any:
        def note(_: Any, *args: Any) -> Any:
            self.lines.append(name)
            if isinstance(result, Exception):
                raise result
            return result

        return note


@pytest.mark.parametrize("base", HANDLERS)
async def test_each_call_is_served_by_a_copy_that_the_stream_shows(base: Any) -> None:
    stream = Stream(classic(base))
    async with stream.running(), connect(stream, call_id="a"), connect(stream, call_id="b") as call:
        await call.ping()
        one, two = stream.handlers["a"], stream.handlers["b"]
        assert (one.call.id, two.call.id) == ("a", "b")
        assert type(one) is type(two)
        assert one is not two
        await call.hang_up()
        await told(call)
        await anyio.wait_all_tasks_blocked()
        assert list(stream.handlers) == ["a"]
    assert dict(stream.handlers) == {}


async def test_a_copy_serves_one_call_at_a_time() -> None:
    shared = classic(copies=lambda self: self)
    stream = Stream(shared)
    async with connect(stream, call_id="a"):
        async with connect(stream) as second:
            assert await errors_told(second) == [
                "copy() returned a handler that serves call 'a': it must make a new one"
            ]
        assert list(stream.handlers) == ["a"]
    async with connect(stream) as third:
        await third.ping()


async def test_a_copy_is_a_handler() -> None:
    (error, *_) = await to_the_end(Stream(classic(copies=lambda self: 7)))
    assert error == ("error", "copy() returns a handler, not 7")


@pytest.mark.parametrize("base", HANDLERS)
async def test_start_up_runs_beside_the_others_and_its_end_ends_nothing(base: Any) -> None:
    notes = Notes()

    def emit(self: Any) -> Any:
        return CloseStream() if notes.lines else None

    stream = Stream(classic(base, start_up=notes.method("start_up"), emit=emit))
    assert await to_the_end(stream) == [("end_stream", "Stream closed")]
    assert notes.lines == ["start_up"]


@pytest.mark.parametrize("base", HANDLERS)
async def test_what_start_up_raises_ends_the_call(base: Any) -> None:
    notes = Notes()
    start_up = notes.method("start_up", WebRTCError("no upstream"))
    stream = Stream(classic(base, start_up=start_up, shutdown=notes.method("shutdown")))
    async with connect(stream) as call:
        assert await errors_told(call) == ["no upstream"]
    assert notes.lines == ["start_up", "shutdown"]


async def test_an_async_start_up_is_cancelled_when_the_call_ends() -> None:
    """52."""
    left: list[str] = []

    class Lasting(AsyncStreamHandler):
        def copy(self) -> "Lasting":
            return Lasting()

        async def start_up(self) -> None:
            try:
                await anyio.sleep_forever()
            finally:
                left.append("start_up")

        async def receive(self, frame: Any) -> None: ...

        async def emit(self) -> Any:
            return CloseStream()

        async def shutdown(self) -> None:
            left.append("shutdown")

    await to_the_end(Stream(Lasting()))
    assert left == ["start_up", "shutdown"]


async def test_a_start_up_that_blocks_does_not_hold_up_the_end() -> None:
    """52: a thread cannot be stopped; it is left alone."""
    go, ended = threading.Event(), threading.Event()

    def start_up(self: Any) -> None:
        go.wait(PATIENCE)
        ended.set()

    notes = Notes()
    stream = Stream(
        classic(
            start_up=start_up,
            emit=notes.method("emit", CloseStream()),
            shutdown=notes.method("shutdown"),
        )
    )
    await to_the_end(stream)
    assert notes.lines == ["emit", "shutdown"]
    assert not ended.is_set()
    go.set()
    assert await anyio.to_thread.run_sync(ended.wait, PATIENCE)


@pytest.mark.parametrize("base", HANDLERS)
async def test_a_shutdown_that_fails_is_logged(base: Any, caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    stream = Stream(
        classic(
            base,
            emit=notes.method("emit", CloseStream()),
            shutdown=notes.method("shutdown", LookupError("late")),
        )
    )
    with caplog.at_level(logging.ERROR, "antiphon"):
        assert await to_the_end(stream, call_id="a") == [("end_stream", "Stream closed")]
        await anyio.wait_all_tasks_blocked()
    assert notes.lines == ["emit", "shutdown"]
    assert [record.getMessage() for record in caplog.records] == ["shutdown() of call 'a' failed"]


async def test_a_shutdown_that_does_not_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "CLEANUP", 0.01)
    go = threading.Event()
    stream = Stream(
        classic(emit=lambda self: CloseStream(), shutdown=lambda self: go.wait(PATIENCE))
    )
    with caplog.at_level(logging.WARNING, "antiphon"):
        async with stream.running():
            await to_the_end(stream, call_id="a")
    go.set()
    assert [record.getMessage() for record in caplog.records] == [
        "shutdown() of call 'a' did not end within 0.01 s"
    ]


@pytest.mark.parametrize("base", HANDLERS)
async def test_inputs_stand_behind_a_placeholder_and_the_newest_count(base: Any) -> None:
    stream = Stream(classic(base))
    async with stream.running(), connect(stream, call_id="a", inputs=[1, 2]) as call:
        await call.ping()
        handler = stream.handlers["a"]
        assert handler.latest_args == ["__webrtc_value__", 1, 2]
        assert handler.args_set.is_set()
        handler.set_args([3])
        assert handler.latest_args == ["__webrtc_value__", 3]
        await call.send_inputs(4)
        await call.ping()
        assert handler.latest_args == ["__webrtc_value__", 4]
        stream.set_input("a", 5)
        assert handler.latest_args == ["__webrtc_value__", 5]
        handler.reset()
        assert handler.latest_args == []
        assert not handler.args_set.is_set()


def test_inputs_are_a_list_that_is_not_empty() -> None:
    handler = classic()
    with pytest.raises(TypeError, match="not tuple"):
        handler.set_args((1,))  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ValueError, match="not empty"):
        handler.set_args([])
    handler.set_args([1])
    assert handler.latest_args == ["__webrtc_value__", 1]


class Waiting(AsyncStreamHandler):
    """Says what it was given, when it was."""

    phone_mode = False

    def copy(self) -> "Waiting":
        return type(self)()

    async def receive(self, frame: Any) -> None: ...

    async def emit(self) -> Any:
        await self.wait_for_args()
        return CloseStream(str(self.latest_args))


class WaitingInThread(StreamHandler):
    phone_mode = False

    def copy(self) -> "WaitingInThread":
        return type(self)()

    def receive(self, frame: Any) -> None: ...

    def emit(self) -> Any:
        self.wait_for_args_sync()
        return CloseStream(str(self.latest_args))


WAITING: list[Any] = [Waiting, WaitingInThread]


@pytest.mark.parametrize("waiting", WAITING)
@pytest.mark.parametrize("by", ["client", "stream", "handler"])
async def test_a_handler_waits_for_inputs_whoever_gives_them(waiting: Any, by: str) -> None:
    stream = Stream(waiting())
    async with stream.running(), connect(stream, call_id="a") as call:
        assert (await anext(call.messages)).type == "send_input"
        match by:
            case "client":
                await call.send_inputs(7)
            case "stream":
                stream.set_input("a", 7)
            case _:
                await anyio.to_thread.run_sync(stream.handlers["a"].set_args, [7])
        assert await told(call) == [("end_stream", "['__webrtc_value__', 7]")]


@pytest.mark.parametrize("waiting", WAITING)
async def test_inputs_that_are_there_are_not_waited_for(waiting: Any) -> None:
    """37: the client is asked for newer ones, as it always was."""
    assert await to_the_end(Stream(waiting()), inputs=[1]) == [
        ("send_input", []),
        ("end_stream", "['__webrtc_value__', 1]"),
    ]


@pytest.mark.parametrize("waiting", WAITING)
async def test_a_phone_has_no_inputs_to_wait_for(waiting: Any) -> None:
    phone: Any = type("Phone", (waiting,), {"phone_mode": True})
    assert await to_the_end(Stream(phone())) == [("end_stream", "[]")]


@pytest.mark.parametrize("waiting", WAITING)
async def test_inputs_are_not_waited_for_for_ever(waiting: Any) -> None:
    hasty: Any = type("Hasty", (waiting,), {"inputs_timeout": 0.01, "max_failures": 1})
    async with connect(Stream(hasty())) as call:
        assert await errors_until(call, 1) == ["1 calls of emit() in a row failed: TimeoutError"]


async def test_a_thread_that_waits_for_inputs_goes_on_when_the_call_ends() -> None:
    ended = threading.Event()

    class Noting(WaitingInThread):
        def emit(self) -> Any:
            try:
                self.wait_for_args_sync()
            except SessionClosed:
                ended.set()

    async with connect(Stream(Noting())) as call:
        assert (await anext(call.messages)).type == "send_input"
    assert await anyio.to_thread.run_sync(ended.wait, PATIENCE)


@pytest.mark.parametrize("base", HANDLERS)
async def test_messages_written_by_hand_are_sent(base: Any) -> None:
    text = '{"type": "log", "data": "hello"}'

    if base is AsyncStreamHandler:

        class Sending(AsyncStreamHandler):
            def copy(self) -> "Sending":
                return Sending()

            async def receive(self, frame: Any) -> None: ...

            async def emit(self) -> Any:
                await self.send_message(text)
                return CloseStream()

        stream = Stream(Sending())
    else:

        def emit(self: Any) -> Any:
            self.send_message_sync(text)
            return CloseStream()

        stream = Stream(classic(emit=emit))
    assert await to_the_end(stream) == [("log", "hello"), ("end_stream", "Stream closed")]


def test_outside_of_a_call_there_is_nothing_to_clear_and_nobody_to_talk_to() -> None:
    handler = classic()
    handler.clear_queue()
    for use in (
        lambda: handler.call,
        lambda: handler.loop,
        lambda: handler.send_message_sync("x"),
        handler.wait_for_args_sync,
    ):
        with pytest.raises(RuntimeError, match="serves no call"):
            use()


async def test_a_handler_knows_its_call_and_loop() -> None:
    stream = Stream(classic())
    async with stream.running(), connect(stream, call_id="a") as call:
        await call.ping()
        handler = stream.handlers["a"]
        assert handler.call.id == "a"
        assert handler.loop.is_running()
