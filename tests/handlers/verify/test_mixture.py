import numpy as np
import pytest

from antiphon.handlers.verify.mixture import Floats, Mixture, memberships, shifts

TWO = Mixture(
    shares=np.array([0.25, 0.75], np.float32),
    means=np.array([[0, 0], [10, 0]], np.float32),
    variances=np.array([[1, 1], [4, 1]], np.float32),
)


def around(x: float, y: float, count: int) -> Floats:
    return np.tile(np.array([x, y], np.float32), (count, 1))


def test_a_frame_belongs_where_it_is_likely() -> None:
    found = memberships(np.array([[0, 0], [10, 0], [4, 1]], np.float32), TWO)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[0, 0] > 0.999
    assert found[1, 1] > 0.999
    near, far = 0.25 * np.exp(-8.5), 0.75 / 2 * np.exp(-4.5 - 0.5)
    assert found[2] == pytest.approx(np.array([near, far]) / (near + far), rel=1e-3)


def test_a_frame_far_from_everything_still_belongs_somewhere() -> None:
    assert memberships(around(1e6, -1e6, 1), TWO).sum() == pytest.approx(1)


def test_a_mean_moves_as_far_as_the_frames_justify_in_deviations_by_its_share() -> None:
    found = shifts(around(12, 0.5, 24), TWO)
    drawn = 24 / (24 + 8)
    expected = [0, 0, np.sqrt(0.75) * drawn * 2 / 2, np.sqrt(0.75) * drawn * 0.5]
    assert found == pytest.approx(np.array(expected), abs=1e-4)


def test_no_frames_shift_nothing_and_blocks_change_nothing() -> None:
    assert not shifts(around(0, 0, 0), TWO).any()
    rng = np.random.default_rng(2)
    many = rng.normal(5, 4, (5000, 2)).astype(np.float32)
    reverse = shifts(many[::-1], TWO)
    assert shifts(many, TWO) == pytest.approx(reverse, abs=1e-4)
