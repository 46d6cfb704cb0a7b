import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.handlers.vad.frames_16k import FramesTo16k

RATES = [8000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000]
LONGEST_DELAY = 0.0025  # s
Floats = npt.NDArray[np.float64]


def tone(frequency: float, rate: int, seconds: float = 1.0) -> npt.NDArray[np.int16]:
    times = np.arange(round(rate * seconds)) / rate
    sound: Floats = 16_384 * np.sin(2 * np.pi * frequency * times)
    return np.rint(sound).astype(np.int16)


def converted(samples: npt.NDArray[np.int16], rate: int) -> Floats:
    frames = FramesTo16k(rate)
    size = frames.frame_samples
    out = np.empty((len(samples) // size, 512), np.float32)
    for row, start in zip(out, range(0, len(samples) - size + 1, size), strict=True):
        frames.process(samples[start : start + size], row)
    return out.reshape(-1).astype(np.float64)


def decibels(power: np.floating[Any]) -> float:
    return 10 * float(np.log10(power))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.88])
def test_a_tone_comes_out_whole_and_without_seams(rate: int, share: float) -> None:
    frequency = share * min(rate, 16_000) / 2
    size = FramesTo16k(rate).frame_samples
    got = converted(tone(frequency, rate), rate)[512:]
    angle = 2 * np.pi * frequency / rate * size / 512 * np.arange(len(got))
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    parts = np.linalg.lstsq(basis, got, rcond=None)[0]
    rest = got - basis @ parts
    assert np.hypot(*parts) == pytest.approx(0.5, rel=0.02)
    assert decibels(np.mean(rest**2) / np.mean(got**2)) < -55


@pytest.mark.parametrize("rate", [24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_what_16_khz_cannot_hold_does_not_come_back_as_another_tone(
    rate: int, share: float
) -> None:
    frequency = 8800 + share * (rate / 2 - 8800)
    got = converted(tone(frequency, rate), rate)[512:]
    assert decibels(np.mean(got**2) / 0.125) < -55


@pytest.mark.parametrize("rate", RATES)
def test_a_click_is_heard_at_its_place(rate: int) -> None:
    samples = np.zeros(rate, np.int16)
    samples[rate // 2] = 20_000
    place = int(np.argmax(converted(samples, rate)))
    size = FramesTo16k(rate).frame_samples
    late = place * size / 512 / rate - 0.5
    assert -1 / 16_000 <= late <= LONGEST_DELAY


@pytest.mark.parametrize("rate", [*RATES, 16_000, 8001, 8999, 47_999])
def test_frames_last_20_to_32_ms_and_nearly_as_long_as_512_samples(rate: int) -> None:
    size = FramesTo16k(rate).frame_samples
    assert 0.020 <= size / rate <= 0.032
    assert size / rate == pytest.approx(0.032, rel=0.004)


def test_the_rates_of_all_clients_ever_are_not_kept() -> None:
    """Each takes half a megabyte here, and there are forty thousand."""
    kept: list[int] = []
    tracemalloc.start()
    try:
        for rate in range(24_600, 24_624):
            FramesTo16k(rate)
            kept.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert kept[-1] < 1.2 * kept[15]


def test_16_khz_is_not_touched() -> None:
    samples = np.arange(-1024, 1024, dtype=np.int16)
    assert (converted(samples, 16_000) == samples / 32768).all()


def test_silence_after_a_reset_is_silent() -> None:
    frames = FramesTo16k(48_000)
    out = np.empty(512, np.float32)
    frames.process(tone(440, 48_000)[: frames.frame_samples], out)
    frames.reset()
    frames.process(np.zeros(frames.frame_samples, np.int16), out)
    assert not out.any()
