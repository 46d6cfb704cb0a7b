"""The encodings of a media format."""

import pytest

from antiphon.core.audio.codecs import codec_for

PCM = bytes(range(256)) * 2


@pytest.mark.parametrize(
    ("name", "bytes_per_sample"),
    [("audio/x-mulaw", 1), ("audio/x-alaw", 1), ("audio/pcm", 2)],
)
def test_sample_takes_as_many_bytes_as_the_codec_says(name: str, bytes_per_sample: int) -> None:
    codec = codec_for(name)
    wire = codec.encode(PCM)
    assert codec.name == name
    assert codec.bytes_per_sample == bytes_per_sample
    assert len(wire) == len(PCM) // 2 * bytes_per_sample
    assert len(codec.decode(wire)) == len(PCM)


@pytest.mark.parametrize(
    ("name", "silence"), [("audio/x-mulaw", 0xFF), ("audio/x-alaw", 0xD5), ("audio/pcm", 0)]
)
def test_silence_has_the_code_of_its_own_law(name: str, silence: int) -> None:
    codec = codec_for(name)
    assert set(codec.encode(bytes(320))) == {silence}


def test_pcm_passes_both_ways_without_a_copy() -> None:
    codec = codec_for("audio/pcm")
    assert codec.encode(PCM) is PCM
    assert codec.decode(PCM) is PCM


def test_pcm_that_ends_in_half_a_sample_is_refused_by_decode() -> None:
    with pytest.raises(ValueError, match="odd count of 3 bytes"):
        codec_for("audio/pcm").decode(b"abc")


@pytest.mark.parametrize("name", ["audio/x-mulaw", "audio/x-alaw", "audio/pcm"])
def test_half_a_sample_is_refused_by_every_encoder(name: str) -> None:
    with pytest.raises(ValueError, match="odd count of 3 bytes"):
        codec_for(name).encode(b"abc")


@pytest.mark.parametrize("name", ["", "audio/opus", "AUDIO/PCM", "audio/x-mulaw;rate=8000"])
def test_unknown_encoding_names_those_that_are_allowed(name: str) -> None:
    with pytest.raises(ValueError) as refusal:
        codec_for(name)
    assert str(refusal.value) == (
        f"encoding is {name!r}; allowed: audio/x-mulaw, audio/x-alaw, audio/pcm"
    )
