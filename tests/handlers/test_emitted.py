"""What is taken for sound."""

from typing import Any

import numpy as np
import pytest

from antiphon import AdditionalOutputs, AudioFrame, CloseStream
from antiphon.handlers.emitted import sound_of
from tests.handlers.classics import SOUND

FRAME = AudioFrame(SOUND.tobytes(), 24000)


@pytest.mark.parametrize(
    "media",
    [
        FRAME,
        (24000, SOUND),
        (np.int64(24000), SOUND.reshape(1, -1)),
        (24000, SOUND, "mono"),
        (24000, np.stack([SOUND, SOUND]), "stereo"),
        (24000, np.stack([SOUND, SOUND])),
        (24000, SOUND.astype(np.float32) / 32768),
    ],
)
@pytest.mark.parametrize("controls", [(), (AdditionalOutputs(1),), (CloseStream("x"),)])
def test_sound_is_a_frame_whatever_it_comes_as(media: Any, controls: tuple[Any, ...]) -> None:
    parts = sound_of((media, *controls) if controls else media)
    assert (parts.media.pcm, parts.media.sample_rate) == (FRAME.pcm, 24000)
    assert [each.args for each in parts.outputs] == ([(1,)] if 1 in _args(controls) else [])
    assert (parts.close is not None) == (controls[:1] == (CloseStream("x"),))


def _args(controls: tuple[Any, ...]) -> list[Any]:
    return [value for each in controls for value in getattr(each, "args", ())]


@pytest.mark.parametrize("nothing", [None, (24000, SOUND[:0]), AudioFrame(b"", 24000)])
def test_no_sound_is_nothing(nothing: Any) -> None:
    assert sound_of(nothing).media is None


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("hello", TypeError, "not str"),
        (SOUND, TypeError, "not ndarray"),
        ((24000, [1, 2]), TypeError, r"not \(int, list\)"),
        ((24000.5, SOUND), TypeError, "whole number"),
        ((0, SOUND), ValueError, "sample rate is 0"),
        ((24000, SOUND, "quad"), ValueError, "not 'quad'"),
        ((24000, SOUND, "stereo"), ValueError, r"shape \(2, n\)"),
        ((24000, SOUND.astype(np.complex64)), TypeError, "complex64"),
    ],
)
def test_what_is_no_sound_is_refused_where_it_was_given(
    wrong: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        sound_of(wrong)
