"""Results, taken apart."""

from typing import Any

import numpy as np
import pytest

from antiphon import AdditionalOutputs, CloseStream
from antiphon.handlers.results import parts_of

PICTURE = np.zeros((2, 2, 3), np.uint8)
SOUND = (24000, np.zeros(10, np.int16))
OUTPUTS = AdditionalOutputs(1, "two")
CLOSE = CloseStream("enough")


@pytest.mark.parametrize(
    ("result", "media", "outputs", "close"),
    [
        (None, None, (), None),
        (PICTURE, PICTURE, (), None),
        (SOUND, SOUND, (), None),
        (OUTPUTS, None, (OUTPUTS,), None),
        (CLOSE, None, (), CLOSE),
        ((PICTURE, OUTPUTS), PICTURE, (OUTPUTS,), None),
        ((PICTURE, CLOSE), PICTURE, (), CLOSE),
        ((SOUND, OUTPUTS), SOUND, (OUTPUTS,), None),
        ((PICTURE, OUTPUTS, OUTPUTS, CLOSE), PICTURE, (OUTPUTS, OUTPUTS), CLOSE),
        ((CLOSE, OUTPUTS), None, (OUTPUTS,), CLOSE),
        ((None, OUTPUTS), None, (OUTPUTS,), None),
    ],
)
def test_outputs_and_the_end_stand_alone_or_behind_the_media(
    result: Any, media: Any, outputs: tuple[Any, ...], close: Any
) -> None:
    parts = parts_of(result)
    assert (parts.media is media, parts.outputs, parts.close) == (True, outputs, close)


def test_media_behind_an_output_are_not_taken_apart() -> None:
    assert parts_of((OUTPUTS, PICTURE)).media == (OUTPUTS, PICTURE)
    assert parts_of((*SOUND, "stereo", CLOSE)).media == (*SOUND, "stereo")


def test_they_are_made_as_in_the_field() -> None:
    assert AdditionalOutputs("a", 2).args == ("a", 2)
    assert repr(AdditionalOutputs("a", 2)) == "AdditionalOutputs('a', 2)"
    assert CloseStream().msg == "Stream closed"
    assert CloseStream("bye").msg == "bye"
