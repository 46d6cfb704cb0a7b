"""Received sound in frames of 20 ms, however it comes."""

import numpy as np
import pytest

from antiphon import AudioFrame
from antiphon.handlers.blocks import Blocks


@pytest.mark.parametrize(("rate", "size"), [(8000, 160), (11025, 220), (24000, 480), (48000, 960)])
@pytest.mark.parametrize("chunk", [1, 80, 480, 1000, 5000])
def test_any_cutting_of_the_same_sound_gives_the_same_blocks(
    rate: int, size: int, chunk: int
) -> None:
    sound = np.arange(5000, dtype=np.int16)
    blocks = Blocks(rate)
    came = [
        block
        for at in range(0, 5000, chunk)
        for block in blocks.cut(AudioFrame(sound[at : at + chunk].tobytes(), rate))
    ]
    assert {block.shape for block in came} == {(1, size)}
    assert np.array_equal(np.concatenate(came, axis=1)[0], sound[: 5000 - 5000 % size])


def test_blocks_are_their_takers_to_write_on() -> None:
    frame = AudioFrame(bytes(960), 24000)
    (block,) = Blocks(24000).cut(frame)
    assert block.dtype == np.int16
    block += 1
    assert frame.pcm == bytes(960)
