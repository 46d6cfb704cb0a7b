"""ITU-T G.711 against its own tables 1 and 2, written down here as value lists."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

from antiphon.core.audio import g711

SIZES = (0, 1, 2, 159, 160, 161, 256, 257, 480, 1024, 1025, 5000)


def decision_values(first: list[int], step: int, segments: int) -> list[int]:
    """The decision values in the standard's own unit: each segment has 16 steps, each twice as
    wide as those of the segment before."""
    values = list(first)
    for _ in range(segments):
        for _ in range(16):
            values.append(values[-1] + step)
        step *= 2
    return values


class Standard(NamedTuple):
    """One of the standard's tables, scaled to int16."""

    decisions: list[int]
    outputs: list[int]
    positive: list[int]
    """The code of each interval of positive samples."""

    def encode(self, sample: int) -> int:
        # A sample on a decision value belongs to the interval above it, so the intervals of
        # positive samples are closed towards zero and those of negative samples away from it.
        if sample >= 0:
            return self.positive[min(bisect_right(self.decisions, sample) - 1, 127)]
        return self.positive[min(bisect_left(self.decisions, -sample) - 1, 127)] - 128

    def decode(self, code: int) -> int:
        positive = code >= 128
        interval = self.positive.index(code if positive else code + 128)
        return self.outputs[interval] if positive else -self.outputs[interval]


def mulaw_table() -> Standard:
    # Table 2: 0, 1, 3 ... 31 (fifteen steps of 2), then seven segments of sixteen steps.
    decisions = decision_values([0, *range(1, 32, 2)], 4, 7)
    assert (decisions[31], decisions[32], decisions[-17], decisions[-1]) == (91, 95, 4063, 8159)
    outputs = [0, *((low + high) // 2 for low, high in pairwise(decisions[1:]))]
    assert (outputs[1], outputs[16], outputs[-1]) == (2, 33, 8031)
    # Character signals count down from 1111 1111 as the samples grow.
    return Standard([4 * x for x in decisions], [4 * y for y in outputs], list(range(255, 127, -1)))


def alaw_table() -> Standard:
    # Table 1: thirty-two steps of 2 up to 64, then six segments of sixteen steps.
    decisions = decision_values(list(range(0, 65, 2)), 4, 6)
    assert (decisions[32], decisions[48], decisions[-17], decisions[-1]) == (64, 128, 2048, 4096)
    outputs = [(low + high) // 2 for low, high in pairwise(decisions)]
    assert (outputs[0], outputs[32], outputs[-1]) == (1, 66, 4032)
    # Character signals count up from 1000 0000, and travel with the even bits inverted.
    travelling = [interval + 128 ^ 0b01010101 for interval in range(128)]
    return Standard([8 * x for x in decisions], [8 * y for y in outputs], travelling)


class LawUnderTest(NamedTuple):
    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]
    tables: g711.Law
    standard: Standard


MULAW = LawUnderTest("mulaw", g711.mulaw_encode, g711.mulaw_decode, g711.MULAW, mulaw_table())
ALAW = LawUnderTest("alaw", g711.alaw_encode, g711.alaw_decode, g711.ALAW, alaw_table())

both_laws = pytest.mark.parametrize("law", [MULAW, ALAW], ids=lambda law: law.name)

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype("<i2")


def as_ints(pcm: bytes) -> list[int]:
    return [int(sample) for sample in np.frombuffer(pcm, "<i2")]


@both_laws
def test_every_code_decodes_to_the_quantised_value_of_the_standard(law: LawUnderTest) -> None:
    assert as_ints(law.decode(EVERY_CODE)) == [law.standard.decode(code) for code in EVERY_CODE]


@both_laws
def test_every_sample_encodes_to_the_character_signal_of_its_interval(law: LawUnderTest) -> None:
    expected = bytes(law.standard.encode(int(sample)) for sample in EVERY_SAMPLE)
    assert law.encode(EVERY_SAMPLE.tobytes()) == expected


def test_known_mulaw_codes() -> None:
    samples = np.array([0, -1, -4, -5, 3, 4, 32767, -32768, 32635, 32636], "<i2")
    codes = bytes([0xFF, 0x7F, 0x7F, 0x7E, 0xFF, 0xFE, 0x80, 0x00, 0x80, 0x80])
    assert g711.mulaw_encode(samples.tobytes()) == codes


def test_known_alaw_codes() -> None:
    samples = np.array([0, -1, 15, 16, -16, -17, 32767, -32768], "<i2")
    codes = bytes([0xD5, 0x55, 0xD5, 0xD4, 0x55, 0x54, 0xAA, 0x2A])
    assert g711.alaw_encode(samples.tobytes()) == codes


def test_mulaw_code_comes_back_from_its_own_sample_but_for_negative_zero() -> None:
    back = g711.mulaw_encode(g711.mulaw_decode(EVERY_CODE))
    assert [code for code in EVERY_CODE if back[code] != code] == [0x7F]
    assert back[0x7F] == 0xFF
    assert as_ints(g711.mulaw_decode(b"\x7f\xff")) == [0, 0]


def test_alaw_code_comes_back_from_its_own_sample() -> None:
    assert g711.alaw_encode(g711.alaw_decode(EVERY_CODE)) == EVERY_CODE


@both_laws
def test_coding_never_swaps_the_order_of_two_samples(law: LawUnderTest) -> None:
    heard = np.frombuffer(law.decode(law.encode(EVERY_SAMPLE.tobytes())), "<i2").astype(int)
    assert (np.diff(heard) >= 0).all()


@pytest.mark.parametrize("size", SIZES)
@both_laws
def test_every_decoding_path_gives_the_same_samples(law: LawUnderTest, size: int) -> None:
    codes = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    expected = np.array([law.standard.decode(code) for code in codes], "<i2").tobytes()
    assert g711.decode_by_translation(law.tables, codes) == expected
    assert g711.decode_by_array(law.tables, codes) == expected
    assert law.decode(codes) == expected


@pytest.mark.parametrize("size", SIZES)
@both_laws
def test_coding_is_the_same_on_a_python_without_audioop(
    law: LawUnderTest, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    pcm = law.decode(codes)
    codes = law.encode(pcm)
    for name in ("NATIVE_MULAW", "NATIVE_ALAW", "NATIVE_ALAW_ENCODE"):
        monkeypatch.setattr(g711, name, None)
    assert law.decode(codes) == pcm
    assert law.encode(pcm) == codes


@pytest.mark.parametrize("size", SIZES)
@both_laws
def test_every_encoding_path_gives_the_same_codes(law: LawUnderTest, size: int) -> None:
    samples = np.random.default_rng(size).integers(-32768, 32768, size).astype("<i2")
    expected = bytes(law.standard.encode(int(sample)) for sample in samples)
    assert law.encode(samples.tobytes()) == expected
    assert g711.encode_by_array(law.tables, samples.tobytes()) == expected


@pytest.mark.parametrize("size", [1, 321, 9601])
@both_laws
def test_half_a_sample_is_refused(law: LawUnderTest, size: int) -> None:
    with pytest.raises(ValueError, match=f"odd count of {size} bytes"):
        law.encode(bytes(size))


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")
def test_audioop_encodes_mulaw_otherwise_just_before_negative_decision_values() -> None:
    audioop: ModuleType = pytest.importorskip("audioop", reason="Python has no audioop from 3.13")
    pcm = EVERY_SAMPLE.tobytes()
    ours, theirs = g711.mulaw_encode(pcm), audioop.lin2ulaw(pcm, 2)
    different = [
        sample
        for sample, our, their in zip(as_ints(pcm), ours, theirs, strict=True)
        if our != their
    ]
    inner_decisions = MULAW.standard.decisions[1:128]
    assert different == sorted(-x + down for x in inner_decisions for down in range(4))
    assert len(different) == 508
    assert all(theirs[s + 32768] == ours[s + 32768] - 1 for s in different)
    assert 0x7F not in theirs
    assert 0x7F in ours


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")
def test_audioop_agrees_on_alaw_and_on_all_decoding() -> None:
    audioop: ModuleType = pytest.importorskip("audioop", reason="Python has no audioop from 3.13")
    pcm = EVERY_SAMPLE.tobytes()
    assert audioop.lin2alaw(pcm, 2) == g711.encode_by_array(g711.ALAW, pcm)
    assert audioop.alaw2lin(EVERY_CODE, 2) == g711.decode_by_array(g711.ALAW, EVERY_CODE)
    assert audioop.ulaw2lin(EVERY_CODE, 2) == g711.decode_by_array(g711.MULAW, EVERY_CODE)
