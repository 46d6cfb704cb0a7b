"""WAV files in memory; what kinds of them are read is tested with the command line's reader."""

import io
import struct

import numpy as np
import pytest

from antiphon.core.audio.wav import WavSound


def wav(data: bytes, *, channels: int = 1, rate: int = 16_000, size: int | None = None) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    length = struct.pack("<I", len(data) if size is None else size)
    return b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", 16) + form + b"data" + length + data


def test_sound_comes_a_second_at_a_time() -> None:
    data = np.arange(40_000, dtype="<i2").tobytes()
    sound = WavSound(io.BytesIO(wav(data)))
    pieces = list(sound.mono())
    assert sound.sample_rate == 16_000
    assert [len(piece) for piece in pieces] == [32_000, 32_000, 16_000]
    assert b"".join(pieces) == data


def test_stereo_is_the_mean_of_its_channels() -> None:
    data = np.array([[100, 300], [-50, 50]], "<i2").tobytes()
    [pcm] = WavSound(io.BytesIO(wav(data, channels=2))).mono()
    assert np.frombuffer(pcm, "<i2").tolist() == [200, 0]


def test_a_file_that_says_more_than_it_has_ends_where_it_ends() -> None:
    [pcm] = WavSound(io.BytesIO(wav(b"\1\2\3", size=1000))).mono()
    assert pcm == b"\1\2"


@pytest.mark.parametrize("data", [b"", b"RIFF", b"OggS" + bytes(40), wav(b"", channels=3)])
def test_anything_else_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a WAV file|3 channels"):
        WavSound(io.BytesIO(data))
