"""The way of sound in and out: nothing lost, nothing repeated, in any cutting."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.codecs import codec_for
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.audio.path import AudioDecoder, AudioEncoder
from antiphon.core.playout import MAX_PIECE
from tests.core.pair import ramp, tone

PCM = codec_for("audio/pcm")
MULAW = codec_for("audio/x-mulaw")
SPLITS = st.lists(st.integers(1, 5000), min_size=1, max_size=12)


def cut(frame: AudioFrame, lengths: list[int]) -> list[AudioFrame]:
    """A frame in parts of these lengths, over and over."""
    parts: list[AudioFrame] = []
    at = 0
    while at < len(frame):
        length = lengths[len(parts) % len(lengths)]
        parts.append(AudioFrame(frame.pcm[2 * at : 2 * (at + length)], frame.sample_rate))
        at += length
    return parts


@given(SPLITS)
def test_frames_of_the_wires_rate_pass_whole(lengths: list[int]) -> None:
    encoder = AudioEncoder(PCM, 24000)
    sound = ramp(10_000, 24000)
    payloads = [payload for part in cut(sound, lengths) for payload, _ in encoder.encode(part)]
    assert b"".join(payloads) == sound.pcm
    assert encoder.flush() == []
    assert not encoder.resampling


@given(st.integers(1, 20_000), st.sampled_from([8000, 11025, 24000, 44100]))
def test_pieces_are_short_even_and_tell_their_length(samples: int, rate: int) -> None:
    pieces = AudioEncoder(MULAW, rate).encode(ramp(samples, rate))
    lengths = [len(payload) for payload, _ in pieces]
    assert sum(lengths) == samples
    assert max(lengths) <= MAX_PIECE * rate
    assert len(set(lengths[:-1])) <= 1
    assert lengths[0] - lengths[-1] < len(lengths)
    assert [duration for _, duration in pieces] == [length / rate for length in lengths]


@given(SPLITS)
def test_any_cutting_of_resampled_sound_gives_the_same_sound(lengths: list[int]) -> None:
    sound = tone(8000, 16000)
    whole = AudioEncoder(PCM, 24000)
    expected = b"".join(payload for payload, _ in [*whole.encode(sound), *whole.flush()])
    encoder = AudioEncoder(PCM, 24000)
    pieces = [piece for part in cut(sound, lengths) for piece in encoder.encode(part)]
    pieces += encoder.flush()
    assert b"".join(payload for payload, _ in pieces) == expected
    assert abs(len(expected) // 2 - 12_000) <= 1


def test_a_change_of_rate_first_gives_the_tail_of_what_came_before() -> None:
    encoder = AudioEncoder(PCM, 24000)
    pieces = encoder.encode(tone(1600, 16000))
    pieces += encoder.encode(ramp(2400, 24000))
    pieces += encoder.encode(tone(800, 8000))
    pieces += encoder.flush()
    samples = sum(len(payload) // 2 for payload, _ in pieces)
    assert abs(samples - 3 * 2400) <= 2
    sound = b"".join(payload for payload, _ in pieces)
    at = sound.index(ramp(2400, 24000).pcm)
    assert abs(at // 2 - 2400) <= 1


def test_a_frame_that_cannot_be_resampled_costs_nothing_that_was_given_before() -> None:
    encoder = AudioEncoder(PCM, 24000)
    before = encoder.encode(tone(1600, 16000))
    with pytest.raises(ValueError, match="sample rate"):
        encoder.encode(AudioFrame(bytes(20), 5))
    with pytest.raises(ValueError, match="odd count"):
        encoder.encode(AudioFrame(bytes(21), 8000))
    after = encoder.flush()
    assert abs(sum(len(payload) // 2 for payload, _ in before + after) - 2400) <= 1


def test_a_decoder_counts_the_samples_it_gave() -> None:
    decoder = AudioDecoder(MULAW, 8000, 8000)
    frames = [decoder.decode(bytes(n)) for n in (160, 1, 80)]
    assert [frame and (frame.pts, len(frame)) for frame in frames] == [
        (0, 160),
        (160, 1),
        (161, 80),
    ]


def test_an_empty_payload_gives_no_frame() -> None:
    assert AudioDecoder(PCM, 8000, 8000).decode(b"") is None
    assert AudioDecoder(PCM, 8000, 16000).decode(b"") is None


@pytest.mark.parametrize("rate", [8000, 16000])
def test_half_a_sample_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="odd count"):
        AudioDecoder(PCM, 8000, rate).decode(b"\0\0\0")


@given(SPLITS)
def test_a_resampling_decoder_gives_the_same_sound_in_any_cutting(lengths: list[int]) -> None:
    sound = tone(8000, 8000)
    expected = AudioDecoder(PCM, 8000, 24000).decode(sound.pcm)
    assert expected is not None
    decoder = AudioDecoder(PCM, 8000, 24000)
    frames = [decoder.decode(part.pcm) for part in cut(sound, lengths)]
    heard = np.concatenate([frame.samples for frame in frames if frame is not None])
    common = min(len(heard), len(expected))
    assert common > 22_000
    assert heard[:common].tolist() == expected.samples[:common].tolist()
    given_frames = [frame for frame in frames if frame is not None]
    assert all(later.pts == earlier.pts + len(earlier) for earlier, later in pairwise(given_frames))


def test_a_frame_sent_on_as_it_came_keeps_every_code() -> None:
    codec = codec_for("audio/x-mulaw")
    codes = bytes(range(256))  # 0x7F among them: negative zero, which encoding anew makes 0xFF
    frame = AudioDecoder(codec, 8000, 8000).decode(codes)
    assert frame is not None
    assert AudioEncoder(codec, 8000).encode_whole(frame) == codes


def test_a_frame_with_other_samples_is_encoded_whatever_it_came_as() -> None:
    codec = codec_for("audio/x-mulaw")
    frame = AudioDecoder(codec, 8000, 8000).decode(bytes(160))
    assert frame is not None
    silent = msgspec.structs.replace(frame, pcm=bytes(320))
    assert AudioEncoder(codec, 8000).encode_whole(silent) == b"\xff" * 160


def test_another_encoding_on_the_way_out_is_encoded() -> None:
    frame = AudioDecoder(codec_for("audio/x-mulaw"), 8000, 8000).decode(bytes(160))
    assert frame is not None
    alaw = codec_for("audio/x-alaw")
    assert AudioEncoder(alaw, 8000).encode_whole(frame) == alaw.encode(frame.pcm)
