import numpy as np
import pytest

from antiphon.core.speech.calibration import Calibration
from benchmarks.speaker_scores import calibrated, cllr, equal_error_rate, false_rejects


def test_the_equal_error_rate_is_where_both_errors_are_as_frequent() -> None:
    same = np.array([0.9, 0.8, 0.7, 0.2])
    different = np.array([0.1, 0.3, 0.15, 0.75])
    assert equal_error_rate(same, different) == pytest.approx(0.25)
    assert equal_error_rate(same + 1, different) == 0
    assert equal_error_rate(same, same) == pytest.approx(0.5)


def test_cllr_is_one_bit_for_who_knows_nothing_and_none_for_who_knows_all() -> None:
    apart = np.array([1.0, 2.0]), np.array([-1.0, -2.0])
    assert cllr(*apart, Calibration(1e-9, 0)) == pytest.approx(1)
    assert cllr(*apart, Calibration(100, 0)) == pytest.approx(0)
    assert cllr(apart[1], apart[0], Calibration(100, 0)) > 100


def test_false_rejects_are_those_under_a_half() -> None:
    assert false_rejects(np.array([0.4, 0.6, 0.7, 0.9]), Calibration(10, -5)) == 0.25


def test_the_curve_that_made_the_scores_is_found_again() -> None:
    rng = np.random.default_rng(1)
    # Two normal distributions of one width: the odds are exactly exp(2 x) at their middle.
    same, different = rng.normal(1, 1, 200_000), rng.normal(-1, 1, 50_000)
    found = calibrated(same, different)
    assert found.scale == pytest.approx(2, abs=0.03)
    assert found.offset == pytest.approx(0, abs=0.03)
    assert cllr(same, different, found) <= cllr(same, different, Calibration(2.0, 0.0))
