"""The network of GE2E: three layers of long short-term memory, run by NumPy.

The states of a layer are the columns of one array (256, stretches), so that a matrix of a megabyte
is read once for several stretches; what a layer's inputs add is computed for all its steps in one
product. ms of CPU on an EPYC core with one BLAS thread, for 1.6, 3 and 10 s of speech, which are 1,
3 and 12 stretches:

    all stretches so        13, 32, 105
    one after the other     13, 40, 160
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from .mel import BANDS

__all__ = ("SHAPES", "Layer", "Network", "network", "voices")

Floats = npt.NDArray[np.float32]

_STATES = 256
_LAYERS = 3

SHAPES: dict[str, tuple[int, ...]] = {
    f"lstm.{kind}_l{layer}": shape
    for layer in range(_LAYERS)
    for kind, shape in {
        "weight_ih": (4 * _STATES, BANDS if layer == 0 else _STATES),
        "weight_hh": (4 * _STATES, _STATES),
        "bias_ih": (4 * _STATES,),
        "bias_hh": (4 * _STATES,),
    }.items()
} | {"linear.weight": (_STATES, _STATES), "linear.bias": (_STATES,)}
"""The weights by their names in the checkpoint. PyTorch's order of gates: in, kept, new, out."""


class Layer(msgspec.Struct, frozen=True, eq=False):
    """One layer. Its gates: in, kept, out, new. The first three are halved, since a sigmoid is
    taken as tanh of the half.
    """

    inputs: Floats
    """(inputs, gates)"""
    states: Floats
    """(gates, states)"""
    bias: Floats
    """(gates,)"""


class Network(msgspec.Struct, frozen=True, eq=False):
    """All that was trained."""

    layers: tuple[Layer, ...]
    projection: Floats
    """(states, figures)"""
    bias: Floats
    """(figures,)"""


def network(weights: Mapping[str, npt.NDArray[np.floating]]) -> Network:
    """Ready to run. `weights` has the shapes of SHAPES, else ValueError."""
    for name, shape in SHAPES.items():
        if name not in weights or weights[name].shape != shape:
            seen = weights[name].shape if name in weights else "missing"
            raise ValueError(f"not GE2E's network: {name} is {seen}, not {shape}")
    single = {name: np.asarray(weights[name], np.float32) for name in SHAPES}
    layers = tuple(
        Layer(
            inputs=np.ascontiguousarray(_gates(single[f"lstm.weight_ih_l{layer}"]).T),
            states=_gates(single[f"lstm.weight_hh_l{layer}"]),
            bias=_gates(single[f"lstm.bias_ih_l{layer}"] + single[f"lstm.bias_hh_l{layer}"]),
        )
        for layer in range(_LAYERS)
    )
    return Network(layers, np.ascontiguousarray(single["linear.weight"].T), single["linear.bias"])


def _gates(rows: Floats) -> Floats:
    let_in, kept, new, out = np.split(rows, 4)
    half = np.float32(0.5)
    return np.concatenate((half * let_in, half * kept, half * out, new))


def voices(mels: Floats, trained: Network) -> Floats:
    """Stretches (n, frames, BANDS) as unit vectors (n, figures); one that is heard as nothing at
    all is all zeros.
    """
    found = mels.transpose(1, 0, 2)
    for layer in trained.layers:
        found = _states(found, layer)
    vectors: Floats = np.maximum(0, found[-1] @ trained.projection + trained.bias)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.divide(vectors, lengths, out=vectors, where=lengths > 0)
    return vectors


def _states(inputs: Floats, layer: Layer) -> Floats:
    """Inputs (steps, n, inputs) as the states after each step, (steps, n, states)."""
    steps, count, size = inputs.shape
    driven = inputs.reshape(-1, size) @ layer.inputs + layer.bias
    driven = np.ascontiguousarray(driven.reshape(steps, count, -1).transpose(0, 2, 1))
    after = np.zeros((steps + 1, _STATES, count), np.float32)
    memory = np.zeros((_STATES, count), np.float32)
    gates = np.empty((4 * _STATES, count), np.float32)
    sigmoids, new = gates[: 3 * _STATES], gates[3 * _STATES :]
    let_in, kept, out = np.split(sigmoids, 3)
    for step in range(steps):
        np.matmul(layer.states, after[step], out=gates)
        gates += driven[step]
        np.tanh(gates, out=gates)
        sigmoids *= 0.5
        sigmoids += 0.5
        memory *= kept
        new *= let_in
        memory += new
        np.tanh(memory, out=new)
        np.multiply(out, new, out=after[step + 1])
    states: Floats = after[1:].transpose(0, 2, 1)
    return states
