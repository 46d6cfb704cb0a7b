"""`StreamHandler` and its async twin: what holds for one holds for the other."""

import asyncio
import logging
import queue
import threading
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AdditionalOutputs, CloseStream, Stream, connect, echo
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import WebRTCError
from antiphon.handlers import threads
from antiphon.handlers.idling import LONGEST
from antiphon.handlers.stream_handler import AsyncStreamHandler, StreamHandler
from tests.handlers.classics import FRAME, HANDLERS, SOUND, always, classic, heard, one_by_one, say
from tests.handlers.pictures import errors_told, told

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


class Echo(StreamHandler):
    """As FastRTC's documents have it, but that its `emit` can be ended."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: queue.Queue[tuple[int, Samples] | None] = queue.Queue()

    def copy(self) -> "Echo":
        return Echo()

    def receive(self, frame: tuple[int, Samples]) -> None:
        self.queue.put(frame)

    def emit(self) -> Any:
        return self.queue.get(timeout=PATIENCE)

    def shutdown(self) -> None:
        self.queue.put(None)


class AsyncEcho(AsyncStreamHandler):
    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[tuple[int, Samples]] = asyncio.Queue()

    def copy(self) -> "AsyncEcho":
        return AsyncEcho()

    async def receive(self, frame: tuple[int, Samples]) -> None:
        self.queue.put_nowait(frame)

    async def emit(self) -> Any:
        return await self.queue.get()


@pytest.mark.parametrize("made", [Echo, AsyncEcho])
async def test_what_is_received_can_be_emitted(made: Any) -> None:
    async with connect(Stream(made()), encoding="audio/pcm") as call:
        await say(call, 5)
        assert await heard(call, 5 * FRAME) == SOUND.tobytes() * 5


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize("chunk", [100, 480, 2400])
async def test_receive_gets_20_ms_of_int16_whatever_frames_come(base: Any, chunk: int) -> None:
    came: list[tuple[int, Samples]] = []

    def receive(self: Any, frame: tuple[int, Samples]) -> None:
        came.append(frame)

    def emit(self: Any) -> Any:
        return CloseStream() if len(came) == 5 else None

    sound = np.arange(2400, dtype=np.int16)
    stream = Stream(classic(base, receive=receive, emit=emit))
    async with connect(stream, encoding="audio/pcm") as call:
        for at in range(0, 2400, chunk):
            await call.send_audio((24000, sound[at : at + chunk]))
        await told(call)
    assert {(rate, each.shape, str(each.dtype)) for rate, each in came} == {
        (24000, (1, 480), "int16")
    }
    assert np.array_equal(np.concatenate([each for _, each in came], axis=1)[0], sound)


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize(("options", "rate"), [({}, 16000), ({"input_sample_rate": 48000}, 48000)])
async def test_a_handler_hears_at_its_own_rate_unless_the_stream_names_one(
    base: Any, options: Any, rate: int
) -> None:
    heard_at: set[tuple[int, int, int]] = set()

    def receive(self: Any, frame: tuple[int, Samples]) -> None:
        heard_at.add((frame[0], frame[1].shape[1], self.input_sample_rate))

    def emit(self: Any) -> Any:
        return CloseStream() if heard_at else None

    pattern = classic(base, receive=receive, emit=emit)
    pattern.input_sample_rate = 16000
    async with connect(Stream(pattern, **options), encoding="audio/pcm") as call:
        await say(call, 10)
        await told(call)
    assert heard_at == {(rate, rate // 50, rate)}


EMITTED: list[tuple[Any, bytes, list[Any]]] = [
    ((24000, SOUND), SOUND.tobytes(), []),
    ((24000, np.stack([SOUND, SOUND]), "stereo"), SOUND.tobytes(), []),
    (((24000, SOUND), AdditionalOutputs("a")), SOUND.tobytes(), ["a"]),
    (AdditionalOutputs("a"), b"", ["a"]),
    (None, b"", []),
]


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize(("emitted", "sound", "outputs"), EMITTED)
async def test_what_emit_returns_is_played_and_published(
    base: Any, emitted: Any, sound: bytes, outputs: list[Any]
) -> None:
    results = [emitted, ((24000, SOUND), CloseStream("over"))]
    stream = Stream(classic(base, emit=one_by_one(results)))
    async with stream.running(), connect(stream, encoding="audio/pcm", call_id="a") as call:
        published = stream.output_stream("a")
        pcm = b"".join([frame.pcm async for frame in call.audio])
        assert pcm == sound + SOUND.tobytes()
        assert [item.value async for item in published] == outputs
        assert (await told(call))[-1] == ("end_stream", "over")


@pytest.mark.parametrize("base", HANDLERS)
async def test_the_end_alone_ends_the_call(base: Any) -> None:
    async with connect(Stream(classic(base, emit=lambda self: CloseStream()))) as call:
        assert await told(call) == [("end_stream", "Stream closed")]


@pytest.mark.parametrize("base", HANDLERS)
async def test_an_emit_with_nothing_to_say_is_not_asked_all_the_time(
    base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16, 46: it rests, and longer and longer, while nothing is received."""
    delays: list[float] = []
    enough = anyio.Event()
    until = anyio.move_on_after

    def noted(delay: float) -> anyio.CancelScope:
        delays.append(delay)
        if len(delays) == 6:
            enough.set()
        return until(delay / 100)

    asked: list[None] = []
    async with connect(Stream(classic(base, emit=lambda self: asked.append(None)))):
        monkeypatch.setattr("antiphon.handlers.idling.anyio.move_on_after", noted)
        await enough.wait()
        monkeypatch.undo()
    assert delays[-1] == LONGEST
    assert len(asked) <= len(delays) + 2


@pytest.mark.parametrize("base", HANDLERS)
async def test_an_emit_that_never_waits_lets_others_run(base: Any) -> None:
    """47: neither with sound nor with outputs, nor with nothing."""
    for emitted in ((24000, SOUND), AdditionalOutputs(1), None):
        stream = Stream(classic(base, emit=always(emitted)))
        async with connect(stream, encoding="audio/pcm"), connect(Stream(echo)) as other:
            with anyio.fail_after(PATIENCE):
                for _ in range(20):
                    await other.ping()


async def test_blocked_emits_do_not_silence_other_calls(places: anyio.CapacityLimiter) -> None:
    """48: not with more of them than the pool has threads; each call goes on hearing."""
    stream = Stream(Echo())
    places.total_tokens = 1
    async with anyio.create_task_group() as tasks:
        calls = [connect(stream, encoding="audio/pcm") for _ in range(8)]
        silent = anyio.Event()

        async def be_silent(opened: Any) -> None:
            async with opened:
                await silent.wait()

        for opened in calls:
            tasks.start_soon(be_silent, opened)
        async with connect(stream, encoding="audio/pcm") as call:
            await say(call, 3)
            assert await heard(call, 3 * FRAME) == SOUND.tobytes() * 3
        silent.set()


async def test_one_thread_at_a_time_runs_a_method_and_never_the_loops() -> None:
    """49: a step that lasts is waited for, it is not begun again."""
    ran: dict[str, set[int]] = {"receive": set(), "emit": set(), "start_up": set()}
    inside = threading.Lock()

    def note(name: str) -> None:
        ran[name].add(threading.get_ident())

    def emit(self: Any) -> Any:
        assert inside.acquire(blocking=False)
        note("emit")
        inside.release()
        return CloseStream() if all(ran.values()) else (24000, SOUND)

    handler = classic(
        receive=lambda self, frame: note("receive"),
        emit=emit,
        start_up=lambda self: note("start_up"),
    )
    async with connect(Stream(handler), encoding="audio/pcm") as call:
        await say(call, 3)
        async for _ in call.audio:
            pass
    threads_of = list(ran.values())
    assert [len(each) for each in threads_of] == [1, 1, 1]
    assert not {threading.get_ident()} & {*threads_of[0], *threads_of[1], *threads_of[2]}


async def test_receive_goes_on_while_emit_blocks() -> None:
    came: list[int] = []
    enough = threading.Event()

    def receive(self: Any, frame: Any) -> None:
        came.append(1)
        if len(came) == 3:
            enough.set()

    def emit(self: Any) -> Any:
        return CloseStream("heard") if enough.wait(PATIENCE) else None

    async with connect(Stream(classic(receive=receive, emit=emit)), encoding="audio/pcm") as call:
        await say(call, 3)
        assert await told(call) == [("end_stream", "heard")]


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize("method", ["receive", "emit"])
async def test_an_exception_is_told_logged_once_and_survived(
    base: Any, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """20, 50."""
    asked: list[int] = []

    def fail(self: Any, *frame: Any) -> Any:
        asked.append(1)
        if len(asked) <= 4:
            raise LookupError("not now")

    def emit(self: Any) -> Any:
        return CloseStream() if len(asked) > 4 else None

    def fail_and_emit(self: Any) -> Any:
        fail(self)
        return CloseStream()

    methods: dict[str, Any] = (
        {"receive": fail, "emit": emit} if method == "receive" else {"emit": fail_and_emit}
    )
    with caplog.at_level(logging.ERROR, "antiphon"):
        async with connect(Stream(classic(base, **methods)), encoding="audio/pcm") as call:
            await say(call, 6)
            assert await told(call) == [("error", "not now"), ("end_stream", "Stream closed")]
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [f"{method}() of call {call.id!r} failed"]


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize("wrong", ["hello", (24000, SOUND.astype("complex64")), (0, SOUND)])
async def test_what_is_no_sound_does_not_end_the_output(base: Any, wrong: Any) -> None:
    """21."""
    results = [wrong, ((24000, SOUND), CloseStream())]
    stream = Stream(classic(base, emit=one_by_one(results)))
    async with connect(stream, encoding="audio/pcm") as call:
        assert await heard(call, FRAME) == SOUND.tobytes()
        assert len(await errors_told(call)) == 1


@pytest.mark.parametrize("base", HANDLERS)
async def test_too_many_failures_in_a_row_end_the_call(base: Any) -> None:
    def emit(self: Any) -> Any:
        raise LookupError("never")

    handler = classic(base, emit=emit)
    type(handler).max_failures = 3
    async with connect(Stream(handler)) as call:
        assert await errors_told(call) == ["never", "3 calls of emit() in a row failed: never"]


@pytest.mark.parametrize("base", HANDLERS)
async def test_what_a_handler_says_on_purpose_reaches_the_client_each_time(base: Any) -> None:
    """22: also from one line."""
    texts = ["no credit", "no credit", "no voice"]

    def emit(self: Any) -> Any:
        if texts:
            raise WebRTCError(texts.pop(0))
        return CloseStream()

    async with connect(Stream(classic(base, emit=emit))) as call:
        assert await errors_told(call) == ["no credit", "no voice"]


@pytest.mark.parametrize("base", HANDLERS)
async def test_a_client_that_only_speaks_is_not_spoken_to(
    base: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """62: nothing is queued for it; outputs reach it."""
    stream = Stream(
        classic(base, emit=lambda self: ((24000, SOUND), AdditionalOutputs(1))), mode="send"
    )
    async with connect(stream, encoding="audio/pcm") as call:
        kinds = [(await anext(call.messages)).type for _ in range(3)]
    assert kinds == ["fetch_output"] * 3
    assert len(caplog.records) == 1


def test_a_handler_names_its_rates_and_the_rest_positionally() -> None:
    """1A of the known signature, in its order."""
    made: Any = type(classic())
    handler = made("mono", 16000, None, 8000, 15)
    config = Stream(handler).host.settings.session
    assert (config.input_sample_rate, config.output_sample_rate) == (8000, 16000)
    assert (handler.expected_layout, handler.fps) == ("mono", 15)
    plain = made()
    assert (plain.input_sample_rate, plain.output_sample_rate, plain.fps) == (24000, 24000, 30)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24010, 48000])
def test_any_rate_of_speech_is_taken(rate: int) -> None:
    made: Any = type(classic())
    assert made(output_sample_rate=rate).output_sample_rate == rate


@pytest.mark.parametrize(
    "wrong",
    [
        {"output_sample_rate": 7999},
        {"input_sample_rate": 48001},
        {"expected_layout": "quad"},
        {"fps": 0},
        {"fps": float("inf")},
    ],
)
def test_what_does_not_fit_is_refused(wrong: Any) -> None:
    made: Any = type(classic())
    with pytest.raises(ValueError, match=next(iter(wrong))):
        made(**wrong)


def test_output_frame_size_is_ignored_with_a_warning() -> None:
    made: Any = type(classic())
    with pytest.warns(DeprecationWarning, match="output_frame_size is ignored"):
        handler = made("mono", 24000, 100)
    assert handler.output_frame_size == 480
    made("mono", 24000, handler.output_frame_size)  # as a copy that is made from attributes


def test_what_a_handler_must_have_is_asked_for() -> None:
    with pytest.raises(TypeError, match="abstract"):
        StreamHandler()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]  # that is the test


async def test_a_worker_of_the_pool_is_not_taken_by_classic_handlers() -> None:
    async with connect(Stream(Echo()), encoding="audio/pcm") as call:
        await say(call)
        await heard(call, FRAME)
        assert threads.limiter().borrowed_tokens == 0
