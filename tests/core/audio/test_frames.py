"""Frames: bytes, and the views of them."""

import numpy as np
import pytest

from antiphon.core.audio.frames import AudioFrame, Coded


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


def test_a_short_frame_is_its_own_piece() -> None:
    frame = AudioFrame(bytes(320), 8000, coded=Coded("audio/x-mulaw", b"", b""))
    assert list(frame.pieces(0.02)) == [frame]


def test_pieces_are_the_same_sound_in_its_place() -> None:
    pcm = np.arange(9000, dtype=np.int16).tobytes()
    pieces = list(AudioFrame(pcm, 8000, pts=100).pieces(0.5))
    places = [(len(piece), piece.pts, piece.sample_rate) for piece in pieces]
    assert places == [(4000, 100, 8000), (4000, 4100, 8000), (1000, 8100, 8000)]
    assert b"".join(piece.pcm for piece in pieces) == pcm
