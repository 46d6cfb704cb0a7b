"""Resampling of running streams."""

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.audio.resample import Resampler

Floats = npt.NDArray[np.float64]

PAIRS = [(8000, 24000), (24000, 8000), (48000, 16000), (44100, 24000), (8000, 16000)]
SPEECH_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
AMPLITUDE = 16_000


def tone(rate: int, seconds: float, hertz: float, shift: float = 0.0) -> Floats:
    return AMPLITUDE * np.sin(2 * np.pi * hertz * (np.arange(round(rate * seconds)) / rate - shift))


def as_pcm(samples: Floats) -> bytes:
    return np.rint(samples).astype("<i2").tobytes()


def as_samples(pcm: bytes) -> Floats:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def resampled(resampler: Resampler, pcm: bytes, chunk: int) -> bytes:
    """The whole stream, fed in chunks of so many samples."""
    parts = [resampler.process(pcm[i : i + 2 * chunk]) for i in range(0, len(pcm), 2 * chunk)]
    return b"".join([*parts, resampler.flush()])


def shift_of(samples: Floats, rate: int, hertz: float) -> float:
    """By how many seconds a tone is late, from its phase."""
    angle = 2 * np.pi * hertz * np.arange(len(samples)) / rate
    in_phase, quadrature = samples @ np.sin(angle), samples @ np.cos(angle)
    return float(-np.arctan2(quadrature, in_phase) / (2 * np.pi * hertz))


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_any_cutting_gives_the_same_output(rate_in: int, rate_out: int) -> None:
    noise = np.random.default_rng(1).laplace(0, 3000, rate_in).clip(-32768, 32767)
    pcm = as_pcm(noise)
    outputs = {
        resampled(Resampler(rate_in, rate_out), pcm, chunk) for chunk in (1, 80, 160, 512, rate_in)
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("count", [0, 1, 7, 160, 1234, 9999])
@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_output_lasts_as_long_as_the_input(rate_in: int, rate_out: int, count: int) -> None:
    pcm = resampled(Resampler(rate_in, rate_out), bytes(2 * count), 160)
    assert abs(len(pcm) / 2 - count * rate_out / rate_in) <= 1


def tone_and_exact(rate_in: int, rate_out: int) -> tuple[Floats, Floats]:
    """A second of a resampled 440 Hz tone, away from its ends, and the tone as it should be, late
    by the constant shift of the engine."""
    pcm = resampled(Resampler(rate_in, rate_out), as_pcm(tone(rate_in, 2, 440)), rate_in // 50)
    inner = slice(rate_out // 2, rate_out * 3 // 2)
    output = as_samples(pcm)[inner]
    shift = shift_of(output, rate_out, 440)
    assert abs(shift) <= 0.000_25
    return output, tone(rate_out, 2, 440, shift)[inner]


def decibels(signal: Floats, error: Floats) -> float:
    return float(10 * np.log10(np.mean(signal**2) / np.mean(error**2)))


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_tone_comes_out_as_the_exact_tone(rate_in: int, rate_out: int) -> None:
    output, exact = tone_and_exact(rate_in, rate_out)
    # The engine's strength is right to 1.6e-4, which is 76 dB; measured 77 to 90 dB.
    assert decibels(exact, output - exact) >= 75
    # All else is rounding to int16 at both ends: 10 log10(16000^2 / 2 / (2 / 12)) = 89 dB.
    strength = float(output @ exact / (exact @ exact))
    assert decibels(exact, output - strength * exact) >= 88


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_no_click_stands_at_any_edge_of_a_chunk(rate_in: int, rate_out: int) -> None:
    output, exact = tone_and_exact(rate_in, rate_out)
    strength = float(output @ exact / (exact @ exact))
    assert np.abs(output - strength * exact).max() <= 1.5  # half a step and the input's rounding


@pytest.mark.parametrize(("rate_in", "rate_out"), [(24000, 8000), (48000, 16000), (44100, 24000)])
def test_tone_above_the_new_band_is_gone(rate_in: int, rate_out: int) -> None:
    above = as_pcm(tone(rate_in, 1, 0.6 * rate_out))
    output = as_samples(resampled(Resampler(rate_in, rate_out), above, 160))
    inner = output[rate_out // 4 : rate_out * 3 // 4]
    assert np.abs(inner).max() <= 2


@pytest.mark.parametrize(("rate_in", "rate_out"), [(8000, 24000), (8000, 16000), (44100, 48000)])
def test_tone_near_the_edge_of_the_old_band_keeps_its_strength(rate_in: int, rate_out: int) -> None:
    output = as_samples(
        resampled(Resampler(rate_in, rate_out), as_pcm(tone(rate_in, 1, 0.44 * rate_in)), 160)
    )
    inner = output[rate_out // 4 : rate_out * 3 // 4]
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(AMPLITUDE, rel=0.01)


@pytest.mark.parametrize(("rate_in", "rate_out"), list(permutations(SPEECH_RATES, 2)))
def test_at_most_30_ms_wait_inside(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_in, rate_out)
    chunk = rate_in // 50
    produced = 0
    for fed in range(chunk, 100 * chunk, chunk):
        produced += len(resampler.process(bytes(2 * chunk))) // 2
        assert fed / rate_in - produced / rate_out <= 0.0301


def test_overshoot_is_clipped_not_wrapped() -> None:
    halves = np.where(np.arange(8000) // 40 % 2 == 0, 32767.0, -32768.0)
    output = as_samples(resampled(Resampler(8000, 24000), as_pcm(halves), 160))
    position = np.arange(len(output)) % 120
    settled = (position > 6) & (position < 114)
    expected_sign = np.where(np.arange(len(output)) // 120 % 2 == 0, 1, -1)
    inner = slice(2400, -2400)
    assert output.max() == 32767
    assert output.min() == -32768
    assert (np.sign(output[inner]) == expected_sign[inner])[settled[inner]].all()


def test_flush_ends_one_stream_and_the_next_begins_anew() -> None:
    resampler = Resampler(8000, 24000)
    speech = as_pcm(tone(8000, 0.5, 300))
    first = resampled(resampler, speech, 160)
    assert resampled(resampler, speech, 160) == first


def test_flush_of_an_unused_stream_is_empty_and_harmless() -> None:
    resampler = Resampler(8000, 24000)
    assert resampler.flush() == b""
    assert resampler.flush() == b""
    pcm = as_pcm(tone(8000, 0.5, 300))
    assert resampled(resampler, pcm, 160) == resampled(Resampler(8000, 24000), pcm, 160)


def test_equal_rates_give_the_same_object_back() -> None:
    resampler = Resampler(16000, 16000)
    pcm = as_pcm(tone(16000, 0.1, 300))
    assert resampler.process(pcm) is pcm
    assert resampler.flush() == b""


@pytest.mark.parametrize("rates", [(8000, 24000), (8000, 8000)])
def test_half_a_sample_is_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="odd count of 3 bytes"):
        Resampler(*rates).process(b"abc")


@pytest.mark.parametrize("rate", [-8000, 0, 999, 192_001])
def test_rates_out_of_range_are_refused_at_either_end(rate: int) -> None:
    with pytest.raises(ValueError, match=f"sample rate is {rate}; allowed: 1000 to 192000 Hz"):
        Resampler(rate, 8000)
    with pytest.raises(ValueError, match=f"sample rate is {rate}"):
        Resampler(8000, rate)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(1000, 192_000), (192_000, 1000)])
def test_rates_at_the_limits_are_served(rate_in: int, rate_out: int) -> None:
    pcm = resampled(Resampler(rate_in, rate_out), bytes(2 * rate_in), 160)
    assert len(pcm) == 2 * rate_out


@pytest.mark.parametrize(("rate_in", "rate_out"), [(44100, 24000), (24000, 8000), (8000, 24000)])
def test_not_live_all_tones_are_equally_late(rate_in: int, rate_out: int) -> None:
    inner = slice(rate_out // 2, rate_out * 3 // 2)
    for frequency in (300, 1000, 2500):
        resampler = Resampler(rate_in, rate_out, live=False)
        pcm = resampled(resampler, as_pcm(tone(rate_in, 2, frequency)), rate_in // 50)
        shift = shift_of(as_samples(pcm)[inner], rate_out, frequency)
        assert abs(shift) <= 0.000_001
