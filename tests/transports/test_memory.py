"""Calls without a network."""

import anyio
import numpy as np
import pytest

from antiphon import (
    AudioFrame,
    Call,
    CallRefused,
    LocalProtocolError,
    Stream,
    Tone,
    VideoFrame,
    connect,
    echo,
)
from tests.transports.serving import WatchedDirectory, cancelled_on_exit, listener

PCM = "audio/pcm"


async def test_nothing_is_lost_or_paced() -> None:
    """Ten minutes of sound, with a reader that is not always there."""
    frame = AudioFrame(bytes(range(200)) * 24, 24000)
    back = 0

    async with connect(Stream(echo), encoding=PCM) as call, anyio.create_task_group() as tasks:

        async def speak() -> None:
            for _ in range(6_000):
                await call.send_audio(frame)

        tasks.start_soon(speak)
        async for heard in call.audio:
            back += len(heard.pcm)
            if back == 6_000 * len(frame.pcm):
                break
        assert call.dropped_frames == 0


async def test_who_does_not_take_sound_makes_the_other_wait() -> None:
    sent = 0

    async def speak(call: Call) -> None:
        nonlocal sent
        while True:
            await call.send_audio(AudioFrame(bytes(4800), 24000))
            sent += 1

    async with connect(Stream(speak), encoding=PCM) as call:
        await anyio.wait_all_tasks_blocked()
        waiting = sent
        assert 3 <= waiting <= 40
        for _ in range(10):
            await anext(call.audio)  # 50 ms each: what is sent is cut in two
        await anyio.wait_all_tasks_blocked()
        assert waiting + 4 <= sent <= waiting + 6
        assert call.dropped_frames == 0


async def test_an_interruption_reaches_who_reads() -> None:
    async def speak(call: Call) -> None:
        await call.send_audio(AudioFrame(bytes(4800), 24000))
        call.interrupt()
        await anyio.sleep_forever()

    async with connect(Stream(speak), encoding=PCM) as call:
        assert (await anext(call.messages)).type == "clear"


async def test_of_several_calls_each_ends_when_it_will() -> None:
    """The call that came first may leave first."""
    stream = Stream(echo)
    first_open, second_open, first_over = anyio.Event(), anyio.Event(), anyio.Event()

    async def first() -> None:
        async with connect(stream, call_id="first"):
            first_open.set()
            await second_open.wait()
        first_over.set()

    async def second() -> None:
        await first_open.wait()
        async with connect(stream, call_id="second") as call:
            second_open.set()
            await first_over.wait()
            assert await call.ping() >= 0
            assert [info.id for info in stream.calls] == ["second"]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        tasks.start_soon(second)
    assert stream.calls == []


async def test_limits_hold_in_memory_too() -> None:
    stream = Stream(listener, concurrency_limit=1)
    async with connect(stream, call_id="a"):
        for call_id, reason in (("a", "already_exists"), ("b", "limit_reached")):
            with pytest.raises(CallRefused, match=reason):
                async with connect(stream, call_id=call_id):
                    pytest.fail("it opens")


async def test_a_stream_that_shuts_down_ends_and_refuses_calls_in_memory() -> None:
    stream = Stream(cancelled_on_exit, directory=WatchedDirectory())
    refused: list[str] = []

    async def linger(call_id: str) -> None:
        async with connect(stream, call_id=call_id) as call:
            opened.set()
            async for message in call.messages:
                if message.type == "warning":
                    try:
                        async with connect(stream):
                            pytest.fail("it opens")
                    except CallRefused as error:
                        refused.append(error.reason)

    opened = anyio.Event()
    async with anyio.create_task_group() as tasks, stream.host.run(0.05):
        tasks.start_soon(linger, "a")
        await opened.wait()
    assert refused == ["shutting_down"]
    assert stream.calls == []


async def test_a_handlers_test_takes_no_longer_than_its_computation() -> None:
    """A minute of tone, drained: nobody listens in real time."""
    heard = 0.0
    async with connect(Stream(Tone(seconds=60)), encoding=PCM) as call:
        async for frame in call.audio:
            heard += frame.duration
    assert heard == pytest.approx(60)


async def mirror(call: Call) -> None:
    async for frame in call.video:
        await call.send_video(frame)


async def test_pictures_go_there_and_back_as_they_are() -> None:
    shown = [np.full((4, 6, 3), number, np.uint8) for number in range(40)]
    seen: list[VideoFrame] = []
    async with connect(Stream(mirror, modality="video")) as call:

        async def show() -> None:
            for pixels in shown:
                await call.send_video(pixels)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(show)
            async for frame in call.video:
                seen.append(frame)
                if len(seen) == len(shown):
                    break
    assert all(frame.bgr is pixels for frame, pixels in zip(seen, shown, strict=True))


class Flooding:
    """Sound without end beside pictures that are numbered."""

    async def __call__(self, call: Call) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.speak, call)
            for number in range(40):
                await call.send_video(np.full((2, 2, 3), number, np.uint8))
            tasks.cancel_scope.cancel()

    async def speak(self, call: Call) -> None:
        while True:
            await call.send_audio(AudioFrame(bytes(4800), 24000))


@pytest.mark.parametrize("listened", [False, True])
async def test_sound_without_end_does_not_hold_up_pictures(listened: bool) -> None:
    stream = Stream(Flooding(), modality="audio-video")
    async with connect(stream) as call, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for _ in call.audio:
                pass

        if listened:
            tasks.start_soon(listen)
        with anyio.fail_after(5):
            seen = [int(frame.bgr[0, 0, 0]) async for frame in call.video]
            assert seen == list(range(40))


async def test_what_is_taken_comes_in_the_order_in_which_it_was_sent() -> None:
    """More pictures than there is room for, taken slowly: what is said behind them comes later."""
    seen: list[int] = []

    async def watch(call: Call) -> None:
        async for frame in call.video:
            await anyio.lowlevel.checkpoint()
            seen.append(int(frame.bgr[0, 0, 0]))

    async with connect(Stream(watch, modality="video")) as call:
        for number in range(20):
            await call.send_video(np.full((2, 2, 3), number, np.uint8))
        await call.ping()
        assert seen[:15] == list(range(15))


async def test_pictures_that_nobody_takes_do_not_hold_up_sound() -> None:
    async def show(call: Call) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak, call)
            while True:
                await call.send_video(np.zeros((2, 2, 3), np.uint8))

    async def speak(call: Call) -> None:
        while True:
            await call.send_audio(AudioFrame(bytes(4800), 24000))

    async with connect(Stream(show, modality="audio-video"), encoding=PCM) as call:
        with anyio.fail_after(5):
            for _ in range(100):
                await anext(call.audio)


async def test_a_call_for_sound_has_no_place_for_pictures() -> None:
    async with connect(Stream(echo)) as call:
        with pytest.raises(LocalProtocolError, match="this call carries no video"):
            await call.send_video(np.zeros((2, 2, 3), np.uint8))
