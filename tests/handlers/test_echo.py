"""What goes in comes out."""

import anyio.lowlevel
import numpy as np
import pytest

from antiphon import AudioFrame, Stream, VideoFrame, connect, echo


async def test_every_frame_comes_back_as_it_was() -> None:
    sound = np.arange(-4800, 4800, dtype="<i2").tobytes()
    async with connect(Stream(echo), encoding="audio/pcm") as call:
        heard = bytearray()
        for start in range(0, len(sound), 960):
            await call.send_audio(AudioFrame(sound[start : start + 960], 24000))
            heard += (await anext(call.audio)).pcm
    assert bytes(heard) == sound


async def test_pictures_and_sound_come_back_each_in_its_order() -> None:
    pictures = [np.full((4, 6, 3), shade, np.uint8) for shade in range(20)]
    sound = np.arange(4800, dtype="<i2").tobytes()
    async with connect(Stream(echo, modality="audio-video"), encoding="audio/pcm") as call:
        assert call.carries_video
        for picture in pictures[:10]:
            await call.send_video(picture)
        await call.send_audio(AudioFrame(sound, 24000))
        for picture in pictures[10:]:
            await call.send_video(picture)
        seen = [(await anext(call.video)).bgr[0, 0, 0] for _ in pictures]
        heard = bytearray()
        while len(heard) < len(sound):
            heard += (await anext(call.audio)).pcm
    assert seen == list(range(20))
    assert bytes(heard) == sound


async def test_a_call_without_pictures_is_told_as_that() -> None:
    async with connect(Stream(echo), encoding="audio/pcm") as call:
        assert not call.carries_video
        assert call.sound_quality is None


async def test_a_client_that_leaves_amid_pictures_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Stream(echo, modality="video")
    async with connect(stream) as call:
        for _ in range(10):
            await call.send_video(VideoFrame(np.zeros((4, 6, 3), np.uint8)))
    while stream.calls:
        await anyio.lowlevel.checkpoint()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
