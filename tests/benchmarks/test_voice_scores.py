import numpy as np
import pytest

from benchmarks.voice_scores import (
    area_under_curve,
    best_threshold,
    f1_score,
    false_positive_rate,
    reactions,
)

LABELS = np.array([0, 0, 1, 1, 1, 0], np.bool_)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    found = np.array([0, 1, 1, 1, 0, 0], np.bool_)
    assert f1_score(found, LABELS) == pytest.approx(2 / 3)  # precision 2/3, recall 2/3
    assert f1_score(LABELS, LABELS) == 1
    assert f1_score(~LABELS, LABELS) == 0


def test_false_positives_are_a_share_of_the_frames_without_speech() -> None:
    found = np.array([1, 0, 1, 0, 0, 0], np.bool_)
    assert false_positive_rate(found, LABELS) == pytest.approx(1 / 3)
    assert false_positive_rate(found, np.ones(6, np.bool_)) == 0


def test_the_area_is_the_chance_to_rank_a_pair_rightly_and_a_tie_is_half() -> None:
    assert area_under_curve(LABELS.astype(np.float32), LABELS) == 1
    assert area_under_curve(1 - LABELS.astype(np.float32), LABELS) == 0
    assert area_under_curve(np.full(6, 0.3, np.float32), LABELS) == 0.5
    ranked = np.array([0.1, 0.6, 0.5, 0.7, 0.6, 0.2], np.float32)
    # Nine pairs; 0.6 beats 0.5 wrongly and ties with 0.6.
    assert area_under_curve(ranked, LABELS) == pytest.approx(7.5 / 9)


def test_the_best_threshold_parts_the_two() -> None:
    figures = np.array([0.1, 0.2, 0.4, 0.9, 0.8, 0.3], np.float32)
    assert best_threshold(figures, LABELS) == 0.4
    assert best_threshold(figures, LABELS, spare=0.25) == 0.8


def stretches(*lengths: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """No speech, speech, and so on, each so long."""
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)


def test_reactions_count_from_the_change_to_the_first_step_that_knows() -> None:
    labels = stretches(10, 20, 10)
    found = stretches(13, 22, 5)
    assert reactions(found, labels, quiet=10) == ([3], [5])
    assert reactions(labels, labels, quiet=10) == ([0], [0])


def test_changes_with_other_speech_near_do_not_count() -> None:
    labels = stretches(9, 20, 9, 20, 10)
    assert reactions(~labels, labels, quiet=10) == ([], [10])


def test_what_is_never_noticed_counts_the_whole_stretch() -> None:
    labels = stretches(10, 20, 15)
    assert reactions(np.zeros(45, np.bool_), labels, quiet=10) == ([20], [0])
    assert reactions(np.ones(45, np.bool_), labels, quiet=10) == ([0], [15])
