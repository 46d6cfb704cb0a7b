"""Left is right."""

import numpy as np

from antiphon import Stream, connect, mirror


async def test_left_and_right_are_exchanged() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    async with connect(Stream(mirror, modality="video")) as call:
        await call.send_video(pixels)
        seen = (await anext(call.video)).bgr
    assert (seen == pixels[:, ::-1]).all()
    assert seen.flags.c_contiguous
