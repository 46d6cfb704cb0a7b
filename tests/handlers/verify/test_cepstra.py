import numpy as np
import pytest

from antiphon.handlers.verify.cepstra import DIMENSIONS, FRAME, RATE, Floats, cepstra


def noise(seconds: float = 1.0) -> Floats:
    rng = np.random.default_rng(1)
    return (1000 * rng.standard_normal(round(seconds * RATE))).astype(np.float32)


def test_there_is_a_row_each_10_ms_once_a_frame_is_whole() -> None:
    assert cepstra(noise()[:FRAME]).shape == (1, DIMENSIONS)
    assert cepstra(noise()[: FRAME + 159]).shape == (1, DIMENSIONS)
    assert cepstra(noise()[: FRAME + 160]).shape == (2, DIMENSIONS)
    with pytest.raises(ValueError, match="399 samples"):
        cepstra(noise()[: FRAME - 1])


def test_strength_and_a_steady_filter_fall_out() -> None:
    plain = cepstra(noise())
    assert cepstra(noise() * 8) == pytest.approx(plain, abs=0.05)
    filtered = noise()
    filtered[1:] += np.float32(0.7) * noise()[:-1]
    assert np.abs(cepstra(filtered) - plain).mean() < 0.2


def test_a_mean_of_nothing_is_left_and_slopes_follow_a_rise() -> None:
    chirp = 3000 * np.sin(2 * np.pi * 1500 * np.arange(RATE) ** 2 / RATE**2)
    found = cepstra((chirp + noise() / 100).astype(np.float32))
    assert np.abs(found[:, : DIMENSIONS // 2].mean(axis=0)).max() < 1e-3
    first, slope = found[:, 0], found[:, DIMENSIONS // 2]
    assert slope[2:-2] == pytest.approx(
        (first[3:-1] - first[1:-3] + 2 * (first[4:] - first[:-4])) / 10, abs=1e-4
    )


def test_what_is_computed_in_blocks_is_the_same_as_at_once() -> None:
    long = noise(6.0)  # 598 frames: three blocks
    assert np.array_equal(cepstra(long), cepstra(long))
    inner = slice(300, 400)
    part = cepstra(long[300 * 160 - 3200 : 400 * 160 + 3200])
    whole = cepstra(long)[inner]
    half = slice(None, DIMENSIONS // 2)
    moved = part[20:120, half] - whole[:, half]
    # The mean that is taken away is another one; nothing else is.
    assert moved == pytest.approx(np.tile(moved[0], (100, 1)), abs=1e-3)
