"""The network as it is trained, held to its own gradients and to the detector that uses it."""

import numpy as np
import pytest

from antiphon.handlers.vad.compact import CompactDetector
from antiphon.handlers.vad.compact import Weights as Packed
from antiphon.handlers.vad.spectrum import spectrum_of
from benchmarks.voice_features import labels_of, measured, packed, scale_of, seen_of
from benchmarks.voice_network import Adam, Weights, forth_and_back, probabilities, starting_weights

RNG = np.random.default_rng(8)
FRAMES, CALLS, INPUTS = 7, 3, 5
STEP = 1e-6


def doubled(weights: Weights) -> Weights:
    """In double precision, so that differences show slopes."""
    return {name: value.astype(np.float64) for name, value in weights.items()}


@pytest.mark.parametrize(
    "name", ["see", "see_bias", "gate", "recall", "gate_bias", "judge", "judge_bias"]
)
def test_gradients_are_the_slopes_of_the_loss(name: str) -> None:
    weights = doubled(starting_weights(np.random.default_rng(1), INPUTS, 6, 4))
    inputs = RNG.standard_normal((FRAMES, CALLS, INPUTS))
    awake = (RNG.random((FRAMES, CALLS, 1)) > 0.2).astype(np.float64)
    before = RNG.standard_normal((CALLS, 4)) / 2
    labels = (RNG.random((FRAMES, CALLS)) > 0.5).astype(np.float64)
    worth = RNG.random((FRAMES, CALLS))

    def loss() -> float:
        return forth_and_back(weights, inputs, awake, before, labels, worth)[0]

    slopes = forth_and_back(weights, inputs, awake, before, labels, worth)[1][name].ravel()
    values = weights[name].reshape(-1)
    for place in range(0, len(values), max(1, len(values) // 10)):
        values[place] += STEP
        above = loss()
        values[place] -= 2 * STEP
        below = loss()
        values[place] += STEP
        slope = (above - below) / (2 * STEP)
        assert float(slopes[place]) == pytest.approx(slope, abs=1e-7)


def test_training_learns_what_can_be_learned() -> None:
    weights = starting_weights(np.random.default_rng(2), 2, 8, 8)
    adam = Adam(weights)
    inputs = np.random.default_rng(3).standard_normal((40, 30, 2)).astype(np.float32)
    labels = (np.cumsum(inputs[..., 0], axis=0) > 0).astype(np.float32)  # needs memory
    awake, worth = np.ones((40, 30, 1), np.float32), np.ones((40, 30), np.float32)
    losses: list[float] = []
    for _ in range(300):
        loss, gradients, _ = forth_and_back(
            weights, inputs, awake, np.zeros((30, 8), np.float32), labels, worth
        )
        adam.step(gradients, 0.02)
        losses.append(loss)
    assert losses[0] > 0.6
    assert losses[-1] < 0.25


def test_the_detector_computes_frame_by_frame_what_was_trained() -> None:
    """With exact silence amid the sound and at its start, and through packing."""
    rng = np.random.default_rng(4)
    sound = np.rint(rng.standard_normal(480 * 60) * np.repeat(rng.random(60) * 3000, 480))
    sound[: 480 * 3] = 0
    sound[480 * 20 : 480 * 25] = 0
    measures, heard = measured(sound.astype(np.float32))
    seen = seen_of(measures[:, np.newaxis], heard[:, np.newaxis])
    scale = scale_of(seen)
    weights = starting_weights(rng, seen.inputs.shape[2], 16, 12)
    inputs = (seen.inputs - scale.means) / scale.deviations
    trained = probabilities(weights, inputs, seen.awake)[:, 0] * heard
    detector = CompactDetector(Packed(**packed(weights, scale), origin=""), spectrum_of(16_000))
    frames = sound.astype(np.int16).reshape(-1, 480)
    used = [detector.probability(frame) for frame in frames]
    assert used == pytest.approx(trained.tolist(), abs=2e-4)
    assert np.ptp(trained[heard]) > 0.05


def test_a_frame_is_speech_if_half_of_it_is() -> None:
    speech = np.zeros(480 * 3 + 100, np.bool_)
    speech[240:720] = True
    assert labels_of(speech).tolist() == [True, True, False]
    speech[240] = False
    assert labels_of(speech).tolist() == [False, True, False]
