"""How well probabilities of speech, one a frame, agree with labels."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ("area_under_curve", "best_threshold", "f1_score", "false_positive_rate", "reactions")

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]


def f1_score(found: Booleans, labels: Booleans) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is found rightly."""
    right = int(np.sum(found & labels))
    return 2 * right / max(1, int(found.sum()) + int(labels.sum()))


def false_positive_rate(found: Booleans, labels: Booleans) -> float:
    """The share of frames without speech that were taken for it; 0 if there are none."""
    return int(np.sum(found & ~labels)) / max(1, int(np.sum(~labels)))


def area_under_curve(probabilities: Floats, labels: Booleans) -> float:
    """The chance that a frame of speech gets more than one without (ROC-AUC); a tie is half."""
    _, places, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positive, negative = int(labels.sum()), int(np.sum(~labels))
    over = float(ranks[labels].sum()) - positive * (positive + 1) / 2
    return over / (positive * negative)


def best_threshold(probabilities: Floats, labels: Booleans, *, spare: float = 0.0) -> float:
    """Of 0.01 to 0.99, the highest whose F1 is the best, or worse by `spare` at most."""
    candidates = np.arange(1, 100) / 100
    scores = [f1_score(probabilities >= candidate, labels) for candidate in candidates]
    good = np.flatnonzero(np.array(scores) >= max(scores) - spare)
    return float(candidates[int(good[-1])])


def reactions(found: Booleans, labels: Booleans, *, quiet: int) -> tuple[list[int], list[int]]:
    """Steps until speech is found after each onset, and until it is no longer found after each
    end; 0 is at once. Counted are only onsets after, and ends before, `quiet` steps without speech;
    one that is never noticed counts the whole stretch.
    """
    changes = [int(place) for place in np.flatnonzero(np.diff(labels.astype(np.int8))) + 1]
    onsets: list[int] = []
    ends: list[int] = []
    for start, stop in pairwise([*changes, len(labels)]):
        before = labels[max(0, start - quiet) : start]
        if labels[start] and len(before) == quiet and not before.any():
            onsets.append(_first(found[start:stop]))
        elif not labels[start] and stop - start >= quiet:
            ends.append(_first(~found[start:stop]))
    return onsets, ends


def _first(hits: Booleans) -> int:
    return int(np.argmax(hits)) if hits.any() else len(hits)
