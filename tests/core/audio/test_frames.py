"""Frames: bytes, and the views of them."""

import numpy as np
import pytest

from antiphon.core.audio.frames import AudioFrame


def test_samples_are_a_read_only_view_of_the_bytes() -> None:
    frame = AudioFrame(b"\x01\x00\xff\xff\x00\x80", 8000)
    assert frame.samples.tolist() == [1, -1, -32768]
    assert frame.samples.dtype == np.int16
    assert not frame.samples.flags.writeable
    assert np.shares_memory(frame.samples, np.frombuffer(frame.pcm, np.uint8))


def test_length_is_in_samples_and_duration_in_seconds() -> None:
    frame = AudioFrame(bytes(320), 8000, pts=1600)
    assert len(frame) == 160
    assert frame.duration == 0.02
    assert frame.pts == 1600


def test_no_samples_are_a_frame_too() -> None:
    frame = AudioFrame(b"", 8000)
    assert (len(frame), frame.duration, frame.samples.shape) == (0, 0.0, (0,))


def test_a_frame_cannot_be_changed() -> None:
    frame = AudioFrame(b"", 8000)
    with pytest.raises(AttributeError):
        frame.pts = 1  # type: ignore[misc]  # the rule under test
