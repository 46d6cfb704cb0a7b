"""The encodings that a media format may name."""

from collections.abc import Callable

import msgspec

from .convert import odd_pcm
from .g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode

__all__ = ("ENCODINGS", "Codec", "codec_for")


class Codec(msgspec.Struct, frozen=True):
    """How sound stands on the wire."""

    name: str
    """As in a media format: `audio/x-mulaw`, `audio/x-alaw` or `audio/pcm`."""
    decode: Callable[[bytes], bytes]
    """Wire bytes to int16 little-endian PCM; ValueError if they end in half a sample."""
    encode: Callable[[bytes], bytes]
    """int16 little-endian PCM to wire bytes; ValueError if it ends in half a sample."""
    bytes_per_sample: int
    """On the wire."""


def _whole_samples(pcm: bytes) -> bytes:
    if len(pcm) % 2:
        raise odd_pcm(pcm)
    return pcm


_CODECS = {
    codec.name: codec
    for codec in (
        Codec("audio/x-mulaw", mulaw_decode, mulaw_encode, bytes_per_sample=1),
        Codec("audio/x-alaw", alaw_decode, alaw_encode, bytes_per_sample=1),
        Codec("audio/pcm", _whole_samples, _whole_samples, bytes_per_sample=2),
    )
}
ENCODINGS = tuple(_CODECS)
"""The names that a media format may have."""


def codec_for(encoding: str) -> Codec:
    """The codec of that exact name; ValueError, naming those there are, for any other."""
    codec = _CODECS.get(encoding)
    if codec is None:
        raise ValueError(f"encoding is {encoding!r}; allowed: {', '.join(_CODECS)}")
    return codec
