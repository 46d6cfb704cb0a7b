import numpy as np
import pytest

from antiphon.handlers.verify.fbank import Floats, Window, fbank, frame_size


def noise(samples: int) -> Floats:
    return np.random.default_rng(3).normal(40, 900, samples).astype(np.float32)


def by_definition(speech: Floats, rate: int, bands: int, window: Window) -> list[list[float]]:
    """From Kaldi's definitions alone, a frame and a band at a time; the mean is still in it."""
    size, hop = rate // 40, rate // 100
    fft = 512 if rate > 8000 else 256
    turns = 2 * np.pi * np.arange(size) / (size - 1)
    shape = {
        "hamming": 0.54 - 0.46 * np.cos(turns),
        "povey": (0.5 - 0.5 * np.cos(turns)) ** 0.85,
    }[window]
    low, high = (1127 * np.log(1 + hertz / 700) for hertz in (20, rate / 2))
    width = (high - low) / (bands + 1)
    mels = [1127 * np.log(1 + k * rate / fft / 700) for k in range(fft // 2)]
    found: list[list[float]] = []
    for start in range(0, len(speech) - size + 1, hop):
        frame = speech[start : start + size].astype(np.float64)
        frame = frame - frame.mean()
        emphasised = [frame[n] - 0.97 * frame[max(n - 1, 0)] for n in range(size)]
        waves = np.exp(-2j * np.pi * np.outer(np.arange(fft // 2), np.arange(size)) / fft)
        powers = np.abs(waves @ (shape * emphasised)) ** 2
        found.append(
            [
                float(
                    np.log(
                        sum(
                            p * max(0, 1 - abs(m - low - (b + 1) * width) / width)
                            for p, m in zip(powers, mels, strict=True)
                        )
                    )
                )
                for b in range(bands)
            ]
        )
    return found


@pytest.mark.parametrize(
    ("rate", "bands", "window"),
    [(16_000, 80, "hamming"), (16_000, 40, "povey"), (8000, 24, "povey")],
)
def test_features_are_what_the_definitions_make_of_the_sound(
    rate: int, bands: int, window: Window
) -> None:
    """They agree with kaldi-native-fbank 1.23 as well, to 0.0003."""
    speech = noise(rate // 10 + 7)
    expected = np.array(by_definition(speech, rate, bands, window))
    found = fbank(speech, rate, bands, window)
    assert found.shape == (8, bands)
    assert found == pytest.approx(expected - expected.mean(axis=0), abs=2e-3)


def test_strength_falls_out_and_silence_is_finite() -> None:
    speech = noise(16_000)
    assert fbank(speech * 8, 16_000, 80, "hamming") == pytest.approx(
        fbank(speech, 16_000, 80, "hamming"), abs=1e-2
    )
    assert fbank(speech * 0, 16_000, 80, "hamming") == pytest.approx(0, abs=1e-5)


def test_what_is_computed_in_blocks_is_the_same_as_at_once() -> None:
    long = noise(20 * 16_000)
    part = fbank(long[1000 * 160 :], 16_000, 80, "povey")[:100]
    moved = fbank(long, 16_000, 80, "povey")[1000:1100] - part
    # The mean that is taken away is another one; nothing else is.
    assert moved == pytest.approx(np.tile(moved[0], (100, 1)), abs=1e-2)


def test_less_than_a_frame_is_refused() -> None:
    assert fbank(noise(frame_size(16_000)), 16_000, 80, "povey").shape == (1, 80)
    with pytest.raises(ValueError, match="399 samples; a frame has 400"):
        fbank(noise(399), 16_000, 80, "povey")
