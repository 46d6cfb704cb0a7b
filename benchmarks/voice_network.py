"""The compact network as it is trained: many calls at once, forth and back, in NumPy.

The same computation as `antiphon.handlers.vad.compact` does frame by frame; a test holds the two
to each other.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("Adam", "Gradients", "Weights", "forth_and_back", "probabilities", "starting_weights")

Floats = npt.NDArray[np.floating[Any]]
Weights = dict[str, Floats]
Gradients = dict[str, Floats]


class Passed(msgspec.Struct, frozen=True, eq=False):
    """What a pass through some frames leaves for the way back. Shapes are (frames, calls, n)."""

    seen: Floats
    remembered: Floats
    """One more frame than the others: what was remembered before the first."""
    openings: Floats
    candidates: Floats
    scores: Floats


def starting_weights(rng: np.random.Generator, inputs: int, seen: int, remembered: int) -> Weights:
    """Random weights for so many inputs, units that see and units that remember."""

    def matrix(rows: int, columns: int) -> Floats:
        return rng.normal(0, np.sqrt(1.5 / rows), (rows, columns)).astype(np.float32)

    bias = np.zeros(2 * remembered, np.float32)
    bias[:remembered] = -1.5  # remember for some frames from the start
    return {
        "see": matrix(inputs, seen),
        "see_bias": np.zeros(seen, np.float32),
        "gate": matrix(seen, 2 * remembered),
        "recall": matrix(remembered, 2 * remembered) * np.float32(0.5),
        "gate_bias": bias,
        "judge": matrix(seen + remembered, 1),
        "judge_bias": np.zeros(1, np.float32),
    }


def sigmoid(scores: Floats) -> Floats:
    half = np.float32(0.5)
    result: Floats = half + half * np.tanh(half * scores)
    return result


def passed(weights: Weights, inputs: Floats, awake: Floats, before: Floats) -> Passed:
    """Run frames (frames, calls, inputs) through the network. Where `awake` (frames, calls, 1) is
    0, what was remembered is forgotten before the frame.
    """
    count = before.shape[-1]
    seen = np.maximum(inputs @ weights["see"] + weights["see_bias"], 0)
    driven = seen @ weights["gate"] + weights["gate_bias"]
    remembered = np.empty((len(inputs) + 1, *before.shape), before.dtype)
    openings = np.empty((len(inputs), *before.shape), before.dtype)
    candidates = np.empty_like(openings)
    remembered[0] = before
    for frame, drive in enumerate(driven):
        old = remembered[frame] * awake[frame]
        both = drive + old @ weights["recall"]
        openings[frame] = sigmoid(both[:, :count])
        candidates[frame] = np.tanh(both[:, count:])
        remembered[frame + 1] = old + openings[frame] * (candidates[frame] - old)
    judged = np.concatenate((seen, remembered[1:]), axis=2)
    scores = (judged @ weights["judge"] + weights["judge_bias"])[..., 0]
    return Passed(seen, remembered, openings, candidates, scores)


def probabilities(weights: Weights, inputs: Floats, awake: Floats) -> Floats:
    """(frames, calls) for calls from their beginning."""
    before = np.zeros((inputs.shape[1], len(weights["recall"])), np.float32)
    return sigmoid(passed(weights, inputs, awake, before).scores)


def forth_and_back(
    weights: Weights, inputs: Floats, awake: Floats, before: Floats, labels: Floats, worth: Floats
) -> tuple[float, Gradients, Floats]:
    """Mean cross entropy over some frames, its gradients, and what is remembered after them.
    `labels` and `worth` (how much a frame counts) are (frames, calls).
    """
    run = passed(weights, inputs, awake, before)
    wanted = np.clip(labels, 0.01, 0.99)  # the labels err too
    loss = np.logaddexp(0, run.scores) - wanted * run.scores
    total = float(worth.sum())
    errors = ((sigmoid(run.scores) - wanted) * worth / total)[..., np.newaxis].astype(before.dtype)
    gradients = _back(weights, inputs, awake, run, errors)
    return float((loss * worth).sum()) / total, gradients, run.remembered[-1]


def _back(
    weights: Weights, inputs: Floats, awake: Floats, run: Passed, errors: Floats
) -> Gradients:
    units = run.seen.shape[-1]
    judged = np.concatenate((run.seen, run.remembered[1:]), axis=2)
    blamed = errors @ weights["judge"].T
    olds = run.remembered[:-1] * awake
    driven = _back_through_time(weights, awake, run, olds, blamed[..., units:])
    lit = (run.seen > 0).astype(np.float32)
    seen: Floats = (blamed[..., :units] + driven @ weights["gate"].T) * lit
    return {
        "see": _outer(inputs, seen),
        "see_bias": seen.sum(axis=(0, 1)),
        "gate": _outer(run.seen, driven),
        "recall": _outer(olds, driven),
        "gate_bias": driven.sum(axis=(0, 1)),
        "judge": _outer(judged, errors),
        "judge_bias": errors.sum(axis=(0, 1)),
    }


def _back_through_time(
    weights: Weights, awake: Floats, run: Passed, olds: Floats, blamed: Floats
) -> Floats:
    """The gradients of what drives openings and candidates, (frames, calls, 2 * remembered)."""
    back = weights["recall"].T.copy()
    carried = np.zeros_like(blamed[0])
    driven: list[Floats] = []
    for frame in range(len(blamed) - 1, -1, -1):
        opening, candidate = run.openings[frame], run.candidates[frame]
        blame = blamed[frame] + carried
        opened = blame * (candidate - olds[frame]) * opening * (1 - opening)
        proposed = blame * opening * (1 - candidate**2)
        drive = np.concatenate((opened, proposed), axis=1)
        carried = (blame * (1 - opening) + drive @ back) * awake[frame]
        driven.append(drive)
    return np.stack(driven[::-1])


def _outer(left: Floats, right: Floats) -> Floats:
    result: Floats = left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
    return result


class Adam:
    """Kingma and Ba (2014), with weight decay and gradients held to a length of 1."""

    def __init__(self, weights: Weights, decay: float = 1e-4) -> None:
        self._weights = weights
        self._decay = decay
        self._means = {name: np.zeros_like(value) for name, value in weights.items()}
        self._squares = {name: np.zeros_like(value) for name, value in weights.items()}
        self._steps = 0

    def step(self, gradients: Gradients, rate: float) -> None:
        """Change the weights in place."""
        self._steps += 1
        length = np.sqrt(sum(float(np.sum(value**2)) for value in gradients.values()))
        shrink = min(1.0, 1.0 / (length + 1e-9))
        early, late = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        for name, weight in self._weights.items():
            gradient = gradients[name] * np.float32(shrink)
            mean, square = self._means[name], self._squares[name]
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            weight -= rate * (mean / early / (np.sqrt(square / late) + 1e-8) + self._decay * weight)
