"""Figures as they are printed."""

import pytest

from benchmarks.figures import median_range, number, show


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0001, "<0.001"),
        (0.0314, "0.031"),
        (0.314, "0.31"),
        (31.44, "31.4"),
        (3144.4, "3,144"),
    ],
)
def test_numbers_have_the_figures_that_a_noisy_machine_can_give(value: float, text: str) -> None:
    assert number(value) == text


def test_a_spread_tells_median_and_range_of_what_was_measured() -> None:
    assert str(median_range([3.0, None, 1.0, 2.0])) == "2 (1-3)"
    assert str(median_range([0.5, 0.5])) == "0.50"
    assert median_range([None]) is None


def test_a_figure_that_was_not_measured_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    show("Costs", ("server", "µs"), [("ours", 1.5), ("theirs", None)])
    cells = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [[text.strip() for text in row] for row in cells] == [["ours", "1.50"], ["theirs", "-"]]
