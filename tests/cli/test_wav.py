import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.cli.wav import WavError, WavReader, WavWriter
from antiphon.core.audio.frames import Samples
from antiphon.core.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from tests.cli.sounds import melody, read_wav, write_wav

RATE = 16000
SOUND = melody(RATE, 0.5)
Pack = Callable[[Samples], bytes]


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    size = len(body) if size is None else size
    return name + struct.pack("<I", size) + body + bytes(len(body) & 1)


def fmt(tag: int, bits: int, channels: int = 1, rate: int = RATE, *, extensible: bool) -> bytes:
    block = channels * bits // 8
    head = struct.pack(
        "<HHIIHH", 0xFFFE if extensible else tag, channels, rate, rate * block, block, bits
    )
    if not extensible:
        return head
    guid = struct.pack("<H", tag) + bytes.fromhex("000000001000800000aa00389b71")
    return head + struct.pack("<HHI", 22, bits, 0) + guid


def file_of(path: Path, form: bytes, data: bytes, size: int | None = None) -> Path:
    body = b"WAVE" + chunk(b"LIST", b"odd") + chunk(b"fmt ", form) + chunk(b"data", data, size)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def heard(path: Path, rate: int = RATE) -> Samples:
    with WavReader(path) as reader:
        return np.frombuffer(b"".join(frame.pcm for frame in reader.frames(rate)), "<i2")


def int24(samples: Samples) -> bytes:
    wide = (samples.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)
    return wide[:, :3].tobytes()


def floats(dtype: str) -> Pack:
    return lambda samples: (samples / 32768).astype(dtype).tobytes()


KINDS: dict[str, tuple[int, int, Pack]] = {
    "pcm16": (1, 16, lambda samples: samples.tobytes()),
    "pcm24": (1, 24, int24),
    "pcm32": (1, 32, lambda samples: (samples.astype("<i4") << 16).tobytes()),
    "float32": (3, 32, floats("<f4")),
    "float64": (3, 64, floats("<f8")),
}


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_samples(tmp_path: Path, kind: str, extensible: bool) -> None:
    tag, bits, pack = KINDS[kind]
    path = file_of(tmp_path / "a.wav", fmt(tag, bits, extensible=extensible), pack(SOUND))
    assert np.array_equal(heard(path), SOUND)


@pytest.mark.parametrize("kind", KINDS)
def test_stereo_becomes_the_mean(tmp_path: Path, kind: str) -> None:
    tag, bits, pack = KINDS[kind]
    pairs = np.stack((SOUND, SOUND // 2 * 2 - SOUND), axis=1).astype("<i2")
    path = file_of(tmp_path / "a.wav", fmt(tag, bits, 2, extensible=False), pack(pairs.reshape(-1)))
    wanted = np.rint(pairs.astype(np.float64).mean(axis=1))
    assert np.array_equal(heard(path), wanted.astype("<i2"))


def test_8_bit_pcm_is_unsigned(tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.wav", fmt(1, 8, extensible=False), bytes([0, 127, 128, 255]))
    assert heard(path).tolist() == [-32768, -256, 0, 32512]


@pytest.mark.parametrize(
    ("tag", "encode", "decode"),
    [(6, alaw_encode, alaw_decode), (7, mulaw_encode, mulaw_decode)],
)
def test_g711_files_are_decoded(
    tmp_path: Path, tag: int, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]
) -> None:
    codes = encode(SOUND.tobytes())
    path = file_of(tmp_path / "a.wav", fmt(tag, 8, extensible=False), codes)
    assert heard(path).tobytes() == decode(codes)


def test_float_beyond_full_scale_is_clipped(tmp_path: Path) -> None:
    data = np.array([2.0, -2.0, np.nan], "<f4").tobytes()
    path = file_of(tmp_path / "a.wav", fmt(3, 32, extensible=False), data)
    assert heard(path).tolist() == [32767, -32768, 0]


def test_frames_are_20_ms_and_the_last_is_shorter(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", SOUND[:1000], RATE)
    with WavReader(path) as reader:
        frames = list(reader.frames(RATE))
    assert [len(frame) for frame in frames] == [320, 320, 320, 40]
    assert [frame.pts for frame in frames] == [0, 320, 640, 960]


def test_a_file_longer_than_a_block_has_no_seam(tmp_path: Path) -> None:
    sound = melody(8000, 2.5)
    assert np.array_equal(heard(write_wav(tmp_path / "a.wav", sound, 8000), 8000), sound)


def test_another_rate_keeps_length_and_level(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", melody(44100, 2.0), 44100)
    got = heard(path, 24000).astype(np.float64)
    assert abs(len(got) - 48000) <= 1
    wanted = melody(24000, 2.0).astype(np.float64)
    assert np.sqrt(np.mean(got**2)) == pytest.approx(np.sqrt(np.mean(wanted**2)), rel=0.01)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 10**6])
def test_a_size_that_a_pipe_left_wrong_reads_to_the_end(tmp_path: Path, size: int) -> None:
    form = fmt(1, 16, extensible=False)
    path = file_of(tmp_path / "a.wav", form, SOUND.tobytes(), size)
    assert np.array_equal(heard(path), SOUND)


def test_half_a_sample_at_the_end_is_left_out(tmp_path: Path) -> None:
    form = fmt(1, 16, extensible=False)
    path = file_of(tmp_path / "a.wav", form, SOUND.tobytes()[:-1], 10**6)
    assert len(heard(path)) in (len(SOUND) - 1, len(SOUND))


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not a WAV file"),
    "text": (b"hello, this is no sound at all", "not a WAV file"),
    "rf64": (b"RF64\xff\xff\xff\xffWAVE", "RF64"),
    "no sound": (b"RIFF\x04\0\0\0WAVE", "no sound"),
    "sound first": (b"RIFF\x0c\0\0\0WAVE" + chunk(b"data", b"ab"), "before its format"),
    "short format": (b"RIFF\x0c\0\0\0WAVE" + chunk(b"fmt ", b"abcd"), "cut short"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_wav_file_is_told(tmp_path: Path, case: str) -> None:
    content, words = BAD[case]
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(WavError, match=words):
        WavReader(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (fmt(0x11, 4, extensible=False), "4-bit IMA ADPCM; readable"),
        (fmt(0x55, 0, extensible=False), "MP3"),
        (fmt(1, 12, extensible=False), "12-bit PCM"),
        (fmt(1, 16, 6, extensible=False), "6 channels"),
        (fmt(1, 16, rate=4000, extensible=False), "sample rate is 4000"),
        (fmt(1, 16, rate=384000, extensible=False), "sample rate is 384000"),
        (fmt(1, 16, extensible=True)[:-1] + b"?", "sub-format"),
    ],
)
def test_what_is_not_readable_is_named(tmp_path: Path, form: bytes, words: str) -> None:
    with pytest.raises(WavError, match=words):
        WavReader(file_of(tmp_path / "a.wav", form, bytes(64)))


def test_the_recording_is_whole_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    writer = WavWriter(path, RATE)
    for length in (0, 320, 640):
        assert read_wav(path)[0] == RATE
        assert np.array_equal(read_wav(path)[1], SOUND[:length])
        writer.append(SOUND[length : length + 320].tobytes())
    writer.close()
    assert np.array_equal(read_wav(path)[1], SOUND[:960])


def test_a_recording_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(bytes(10**5))
    writer = WavWriter(path, RATE)
    writer.close()
    assert path.stat().st_size == 44


def test_the_reader_agrees_with_the_standard_library(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", SOUND, RATE)
    with wave.open(str(path)) as file:
        wanted: npt.NDArray[Any] = np.frombuffer(file.readframes(10**6), "<i2")
    assert np.array_equal(heard(path), wanted)
