"""Sound and pictures of one call."""

from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AudioFrame, AudioVideo, Call, CloseStream, Stream, connect, echo, mirror
from antiphon.core.video import Pixels
from tests.handlers.pictures import errors_told, number, picture, show, told

SOUND = np.arange(480, dtype="<i2").tobytes()


def stream(audio: Any, video: Any) -> Stream:
    return Stream(AudioVideo(audio, video), modality="audio-video")


async def test_both_are_served_at_once() -> None:
    async with connect(stream(echo, mirror), encoding="audio/pcm") as call:
        pixels = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
        await call.send_video(pixels)
        await call.send_audio(AudioFrame(SOUND, 24000))
        assert (await anext(call.audio)).pcm == SOUND
        assert ((await anext(call.video)).bgr == pixels[:, ::-1]).all()


class Lasting:
    """A handler that waits to be cancelled."""

    def __init__(self) -> None:
        self.cancelled = anyio.Event()

    async def __call__(self, call: Call) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self.cancelled.set()


async def listens_once(call: Call) -> None:
    await anext(call.audio)


async def test_the_first_to_return_ends_the_call_and_the_other() -> None:
    lasting = Lasting()
    async with connect(stream(listens_once, lasting), encoding="audio/pcm") as call:
        await call.send_audio(AudioFrame(SOUND, 24000))
        assert await told(call) == [("end_stream", "the call has ended")]
    await lasting.cancelled.wait()


async def test_a_function_of_pictures_may_end_the_call() -> None:
    def closes(pixels: Pixels) -> Any:
        return picture(number(pixels) + 1), CloseStream("seen enough")

    async with connect(stream(Lasting(), closes)) as call:
        await show(call, [1])
        assert [number(frame) async for frame in call.video] == [2]
        assert await told(call) == [("end_stream", "seen enough")]


async def fails(call: Call) -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("first", [True, False])
async def test_what_one_raises_is_the_calls_error(first: bool) -> None:
    lasting = Lasting()
    handlers = (fails, lasting) if first else (lasting, fails)
    async with connect(stream(*handlers)) as call:
        assert await errors_told(call) == ["broken"]


def test_its_parts_are_handlers() -> None:
    with pytest.raises(TypeError, match="coroutine function"):
        stream(mirror, mirror)
    with pytest.raises(TypeError, match="a function is wanted"):
        stream(echo, None)
