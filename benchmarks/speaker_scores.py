"""How well scores tell one speaker from two, and what a score is worth."""

from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon.core.speech.calibration import Calibration

__all__ = ("calibrated", "cllr", "equal_error_rate", "false_rejects")

Floats = npt.NDArray[np.floating[Any]]

_STEPS = 50  # Newton's method needs about ten


def equal_error_rate(same: Floats, different: Floats) -> float:
    """The share of errors at the threshold where both kinds of them are as frequent."""
    thresholds = np.sort(np.concatenate((same, different)))
    rejected = np.searchsorted(np.sort(same), thresholds) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds) / len(different)
    place = int(np.argmin(np.abs(rejected - accepted)))
    return float(rejected[place] + accepted[place]) / 2


def cllr(same: Floats, different: Floats, calibration: Calibration) -> float:
    """What the probabilities cost who believes them, in bits: 0 for all-knowing, 1 for one that
    always says a half (Brümmer and du Preez 2006).
    """
    missed = np.logaddexp(0, -_logits(same, calibration)).mean()
    taken = np.logaddexp(0, _logits(different, calibration)).mean()
    return float(missed + taken) / 2 / float(np.log(2))


def false_rejects(same: Floats, calibration: Calibration) -> float:
    """The share of scores of one speaker whose probability is under a half."""
    return float(np.mean(_logits(same, calibration) < 0))


def calibrated(same: Floats, different: Floats) -> Calibration:
    """The curve with the least `cllr`: logistic regression, both kinds of equal weight."""
    scores = np.concatenate((same, different)).astype(np.float64)
    labels = np.repeat([1.0, 0.0], [len(same), len(different)])
    worth = np.repeat([0.5 / len(same), 0.5 / len(different)], [len(same), len(different)])
    inputs = np.column_stack((scores, np.ones(len(scores))))
    found = np.zeros(2)
    for _ in range(_STEPS):
        probabilities = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (worth * (probabilities - labels))
        bend = (inputs.T * (worth * probabilities * (1 - probabilities))) @ inputs
        found -= np.linalg.solve(bend + 1e-9 * np.eye(2), slope)
    return Calibration(float(found[0]), float(found[1]))


def _logits(scores: Floats, calibration: Calibration) -> Floats:
    logits: Floats = calibration.scale * scores + calibration.offset
    return logits
