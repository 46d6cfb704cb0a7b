import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.speech.calibration import Calibration

FINITE = st.floats(-1e300, 1e300)


def test_the_probability_is_the_logistic_function_of_the_line() -> None:
    curve = Calibration(21.5, -12.9)
    assert curve.probability(0.6) == pytest.approx(0.5)
    assert curve.probability(0.667) == pytest.approx(1 / (1 + math.exp(-(21.5 * 0.667 - 12.9))))


@given(st.floats(1e-3, 1e6), st.floats(-1e6, 1e6), FINITE, FINITE)
def test_more_alike_is_never_less_likely(
    scale: float, offset: float, one: float, two: float
) -> None:
    curve = Calibration(scale, offset)
    lower, higher = sorted((one, two))
    assert 0 <= curve.probability(lower) <= curve.probability(higher) <= 1


@pytest.mark.parametrize(
    ("scale", "offset"),
    [(0, 1), (-1, 0), (math.inf, 0), (math.nan, 0), (1, math.inf), (1, math.nan)],
)
def test_a_curve_that_does_not_rise_is_refused(scale: float, offset: float) -> None:
    with pytest.raises(ValueError, match="allowed: finite"):
        Calibration(scale, offset)
