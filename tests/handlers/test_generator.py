"""Generators of sound as handlers, for streams whose client only listens."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AdditionalOutputs, AudioFrame, Call, CloseStream, Stream, connect, echo
from antiphon.handlers.generator import AudioGenerator, as_audio_handler
from tests.handlers.classics import SOUND, errors_until
from tests.handlers.pictures import errors_told, told


def listened_to(fn: Any, **options: Any) -> Stream:
    return Stream(fn, modality="audio", mode="receive", **options)


def both(fn: Callable[..., Iterator[Any]]) -> list[Any]:
    """The generator, and the same as an async one, of the same parameters."""

    async def later(*args: Any) -> AsyncIterator[Any]:
        for item in fn(*args):
            await anyio.lowlevel.checkpoint()
            yield item

    later.__signature__ = __import__("inspect").signature(fn)  # type: ignore[attr-defined]
    return [fn, later]


async def sound_of(stream: Stream, **options: Any) -> tuple[bytes, list[tuple[str, Any]]]:
    """All that a client hears and is told."""
    async with connect(stream, encoding="audio/pcm", **options) as call:
        pcm = b"".join([frame.pcm async for frame in call.audio])
        return pcm, await told(call)


def twice() -> Iterator[Any]:
    yield 24000, SOUND
    yield None
    yield AudioFrame(SOUND.tobytes(), 24000), AdditionalOutputs("half")
    yield AdditionalOutputs("all")


@pytest.mark.parametrize("fn", both(twice))
async def test_it_runs_without_inputs_and_its_end_ends_the_call_after_the_sound(fn: Any) -> None:
    """57."""
    stream = listened_to(fn)
    async with stream.running():
        assert await sound_of(stream) == (
            SOUND.tobytes() * 2,
            [("fetch_output", []), ("fetch_output", []), ("end_stream", "the call has ended")],
        )


def closes() -> Iterator[Any]:
    yield (24000, SOUND), CloseStream("enough")
    yield 24000, SOUND


@pytest.mark.parametrize("fn", both(closes))
async def test_it_may_end_the_call(fn: Any) -> None:
    assert await sound_of(listened_to(fn)) == (SOUND.tobytes(), [("end_stream", "enough")])


def of_inputs(level: int, times: int = 1) -> Iterator[Any]:
    for _ in range(times):
        yield 24000, np.full(480, level, np.int16)


@pytest.mark.parametrize("fn", both(of_inputs))
async def test_all_inputs_reach_it_the_first_included(fn: Any) -> None:
    """57."""
    pcm, _ = await sound_of(listened_to(fn), inputs=[5, 2])
    assert pcm == np.full(960, 5, "<i2").tobytes()


@pytest.mark.parametrize("fn", both(of_inputs))
async def test_it_asks_for_what_it_needs(fn: Any) -> None:
    async with connect(listened_to(fn), encoding="audio/pcm") as call:
        assert (await anext(call.messages)).type == "send_input"
        await call.send_inputs(3)
        assert (await anext(call.audio)).samples[0] == 3


@pytest.mark.parametrize("fn", both(of_inputs))
async def test_inputs_that_never_come_end_the_call(fn: Any) -> None:
    async with connect(listened_to(AudioGenerator(fn, inputs_timeout=0.01))) as call:
        assert await errors_told(call) == ["no inputs came within 0.01 s"]


def wrong() -> Iterator[Any]:
    yield "hello"
    yield 24000, SOUND


@pytest.mark.parametrize("fn", both(wrong))
async def test_what_is_no_sound_is_told_and_left_out(fn: Any) -> None:
    pcm, messages = await sound_of(listened_to(fn))
    assert pcm == SOUND.tobytes()
    assert [kind for kind, _ in messages] == ["error", "end_stream"]


def fails() -> Iterator[Any]:
    yield 24000, SOUND
    raise LookupError("no more")


@pytest.mark.parametrize("fn", both(fails))
async def test_an_exception_ends_it_and_the_call(fn: Any) -> None:
    async with connect(listened_to(fn)) as call:
        assert await errors_told(call) == ["no more"]


def endless() -> Iterator[Any]:
    while True:
        yield "hello"


async def test_nothing_but_failures_end_the_call() -> None:
    async with connect(listened_to(AudioGenerator(endless, max_failures=3))) as call:
        (told_once, last) = await errors_until(call, 2)
        assert last == f"3 yields in a row failed: {told_once}"


def forever() -> Iterator[Any]:
    while True:
        yield 24000, SOUND


@pytest.mark.parametrize("fn", both(forever))
async def test_one_that_never_waits_lets_others_run(fn: Any) -> None:
    async with connect(listened_to(fn)), connect(Stream(echo)) as other:
        for _ in range(20):
            await other.ping()


async def native(call: Call) -> None:
    await call.send_audio((24000, SOUND))


def function() -> None: ...


def test_native_handlers_stay_what_they_are() -> None:
    assert as_audio_handler(native, "receive") is native
    assert isinstance(as_audio_handler(twice), AudioGenerator)


@pytest.mark.parametrize("other", [function, AudioGenerator, 7])
def test_what_is_no_handler_is_refused(other: Any) -> None:
    with pytest.raises(TypeError, match="a handler is a coroutine function"):
        as_audio_handler(other, "receive")


@pytest.mark.parametrize("mode", ["send", "send-receive"])
def test_a_generator_is_for_clients_that_only_listen(mode: Any) -> None:
    with pytest.raises(TypeError, match=f"mode='receive', not '{mode}'"):
        Stream(twice, mode=mode)


def test_its_arguments_are_checked() -> None:
    with pytest.raises(TypeError, match="a generator function of sound is wanted"):
        AudioGenerator(native)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(ValueError, match="inputs_timeout"):
        AudioGenerator(twice, inputs_timeout=0)
    with pytest.raises(ValueError, match="max_failures"):
        AudioGenerator(twice, max_failures=0)
