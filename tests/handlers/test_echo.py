"""What goes in comes out."""

import numpy as np

from antiphon import AudioFrame, Stream, connect, echo


async def test_every_frame_comes_back_as_it_was() -> None:
    sound = np.arange(-4800, 4800, dtype="<i2").tobytes()
    async with connect(Stream(echo), encoding="audio/pcm") as call:
        heard = bytearray()
        for start in range(0, len(sound), 960):
            await call.send_audio(AudioFrame(sound[start : start + 960], 24000))
            heard += (await anext(call.audio)).pcm
    assert bytes(heard) == sound
