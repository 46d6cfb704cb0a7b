"""GE2E once more, from its definition, a gate at a time: what the quick one is held to."""

import numpy as np
import numpy.typing as npt

from antiphon.handlers.verify.ge2e_network import SHAPES

__all__ = ("Doubles", "some_weights", "voice_by_hand")

Doubles = npt.NDArray[np.float64]


def some_weights(seed: int = 1) -> dict[str, npt.NDArray[np.float16]]:
    """Of the right shapes, as strong as a network's are."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.standard_normal(shape) * 0.3 / np.sqrt(shape[-1]) ** 0.5).astype(np.float16)
        for name, shape in SHAPES.items()
    }


def voice_by_hand(mels: Doubles, weights: dict[str, npt.NDArray[np.float16]]) -> Doubles:
    """One stretch (frames, bands) as a unit vector."""
    inputs = list(mels)
    for layer in range(3):
        weight_ih, weight_hh, bias_ih, bias_hh = (
            weights[f"lstm.{kind}_l{layer}"].astype(np.float64)
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        hidden, cell = np.zeros(256), np.zeros(256)
        outputs: list[Doubles] = []
        for frame in inputs:
            gates = weight_ih @ frame + bias_ih + weight_hh @ hidden + bias_hh
            let_in, kept, new, out = gates[:256], gates[256:512], gates[512:768], gates[768:]
            cell = sigmoid(kept) * cell + sigmoid(let_in) * np.tanh(new)
            hidden = sigmoid(out) * np.tanh(cell)
            outputs.append(hidden)
        inputs = outputs
    linear = weights["linear.weight"].astype(np.float64) @ inputs[-1]
    vector = np.maximum(0, linear + weights["linear.bias"].astype(np.float64))
    unit: Doubles = vector / np.sqrt(np.sum(vector**2))
    return unit


def sigmoid(values: Doubles) -> Doubles:
    return 1 / (1 + np.exp(-values))
