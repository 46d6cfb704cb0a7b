"""What an Opus codec object may be asked for."""

from typing import Literal, get_args

import msgspec

__all__ = (
    "LONGEST_FRAME",
    "OPUS_RATES",
    "OpusApplication",
    "OpusSettings",
    "checked_rate",
    "frame_samples",
    "longest_frame",
)

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
LONGEST_FRAME = 0.12  # seconds: the most that one packet holds, RFC 6716 section 3.2.5

OpusApplication = Literal["voip", "audio", "lowdelay"]

_STEPS = (1, 2, 4, 8, 16, 24, 32, 40, 48)  # of 2.5 ms: the durations that an encoder takes
_LOWEST_BIT_RATE, _HIGHEST_BIT_RATE = 6000, 510_000  # bits a second, RFC 6716 section 2.1.1


class OpusSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How an encoder codes; why these defaults, `antiphon.transports.opus` says.

    ValueError for what Opus does not know.
    """

    bit_rate: int = 96_000
    """Bits a second, 6,000 to 510,000: the aim of a variable rate, which speech exceeds."""
    application: OpusApplication = "lowdelay"
    """`lowdelay` is CELT alone; with the others the bit rate picks between SILK and CELT."""
    complexity: int = 2
    """0, the cheapest, to 10."""
    expected_loss: int = 0
    """Per cent of packets. Above 0 each packet carries a coarse copy of the one before, where
    `voip` or `audio` at a low bit rate picks SILK: CELT has no such copies.
    """
    dtx: bool = False
    """Whether silence may become packets of one byte, which need not be sent: where SILK is
    picked, or from complexity 7, and not through PyAV.
    """

    def __post_init__(self) -> None:
        _check_range("bit_rate", self.bit_rate, _LOWEST_BIT_RATE, _HIGHEST_BIT_RATE)
        _check_range("complexity", self.complexity, 0, 10)
        _check_range("expected_loss", self.expected_loss, 0, 100)
        allowed = get_args(OpusApplication)
        if self.application not in allowed:
            raise ValueError(f"application is {self.application!r}; allowed: {', '.join(allowed)}")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; allowed: {low} to {high}")


def checked_rate(sample_rate: int) -> int:
    """The rate itself; ValueError for one that Opus does not have."""
    if sample_rate not in OPUS_RATES:
        raise ValueError(f"sample rate is {sample_rate}; allowed: {OPUS_RATES}")
    return sample_rate


def longest_frame(sample_rate: int) -> int:
    """The most samples that one packet holds at that rate."""
    return int(LONGEST_FRAME * sample_rate)


_LEGAL_BYTES = {rate: frozenset(2 * steps * rate // 400 for steps in _STEPS) for rate in OPUS_RATES}


def frame_samples(pcm: bytes, sample_rate: int) -> int:
    """The samples of one frame of int16 PCM; ValueError for a length that Opus does not code."""
    if len(pcm) not in _LEGAL_BYTES[sample_rate]:
        raise ValueError(
            f"a frame is {len(pcm)} bytes, {500 * len(pcm) / sample_rate:g} ms at {sample_rate} Hz;"
            f" Opus codes {', '.join(f'{2.5 * steps:g}' for steps in _STEPS)} ms"
        )
    return len(pcm) // 2
