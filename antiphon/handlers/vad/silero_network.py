"""Silero's network for 16 kHz, versions 5 and 6, as some forty NumPy calls a frame.

64 samples of the frame before, 512 of this one, its last 64 mirrored: a Fourier transform of 256
samples every 128 (its window is in the weights), magnitudes, four convolutions of three steps
each, one step of an LSTM, one weighted sum. Every array that a frame needs is made beforehand. The
transform is two products, of the size that OpenBLAS does not yet spread over threads, which costs
more than it gains (NumPy 1.26 does so with the LSTM's: 6 us more a frame).
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from .frames_16k import FRAME_16K

__all__ = ("SileroNetwork", "SileroWeights", "silero_weights")

_CONTEXT = 64  # samples of the frame before, and as many mirrored at the end
_WINDOW, _HOP = 256, 128
_BINS = _WINDOW // 2 + 1
_STEPS = (_CONTEXT + FRAME_16K + _CONTEXT - _WINDOW) // _HOP + 1
_WIDE, _NARROW = 128, 64  # channels
_BASIS = "stft.forward_basis_buffer"
_BASIS_SHAPE = (2 * _BINS, 1, _WINDOW)  # that of the network for 8 kHz, in the same file, is half
_SHAPES = {
    "encoder.0.reparam_conv.weight": (_WIDE, _BINS, 3),
    "encoder.0.reparam_conv.bias": (_WIDE,),
    "encoder.1.reparam_conv.weight": (_NARROW, _WIDE, 3),
    "encoder.1.reparam_conv.bias": (_NARROW,),
    "encoder.2.reparam_conv.weight": (_NARROW, _NARROW, 3),
    "encoder.2.reparam_conv.bias": (_NARROW,),
    "encoder.3.reparam_conv.weight": (_WIDE, _NARROW, 3),
    "encoder.3.reparam_conv.bias": (_WIDE,),
    "decoder.rnn.weight_ih": (4 * _WIDE, _WIDE),
    "decoder.rnn.weight_hh": (4 * _WIDE, _WIDE),
    "decoder.rnn.bias_ih": (4 * _WIDE,),
    "decoder.rnn.bias_hh": (4 * _WIDE,),
    "decoder.decoder.2.weight": (1, _WIDE, 1),
    "decoder.decoder.2.bias": (1,),
}

Floats = npt.NDArray[np.float32]


class SileroWeights(msgspec.Struct, frozen=True, eq=False):
    """Matrices to multiply by from the right, contiguous float32, and what to add."""

    cosines: Floats
    sines: Floats
    convolutions: tuple[tuple[Floats, Floats], ...]
    """Of three, three, two and one steps: of the last two's windows the rest is padding."""
    cell: Floats
    """Input above state. Gates: in, forget, out, then the candidate, all but it halved."""
    cell_bias: Floats
    score: Floats
    score_bias: float


def silero_weights(constants: Mapping[str, Floats]) -> SileroWeights:
    """The 16 kHz network out of the constants of `silero_vad.onnx`, as copies.

    ValueError if they are not those of versions 5 and 6.
    """
    found = _branch_16k(constants)
    cosines, sines = np.split(found[_BASIS][:, 0], 2)
    cell = np.hstack([found["decoder.rnn.weight_ih"], found["decoder.rnn.weight_hh"]])
    return SileroWeights(
        cosines=_contiguous(cosines.T),
        sines=_contiguous(sines.T),
        convolutions=tuple(
            (_taps(found[f"encoder.{n}.reparam_conv.weight"], used), _bias(found, n))
            for n, used in enumerate((slice(3), slice(3), slice(1, 3), slice(1, 2)))
        ),
        cell=_contiguous(_gates(cell).T),
        cell_bias=_gates(found["decoder.rnn.bias_ih"] + found["decoder.rnn.bias_hh"]),
        score=found["decoder.decoder.2.weight"].reshape(_WIDE).copy(),
        score_bias=float(found["decoder.decoder.2.bias"][0]),
    )


def _branch_16k(constants: Mapping[str, Floats]) -> dict[str, Floats]:
    """By the names they had before the exporter put the branch in front of them."""
    for name, basis in constants.items():
        if name.endswith(_BASIS) and basis.shape == _BASIS_SHAPE:
            branch = name.removesuffix(_BASIS)
            found = {known: constants.get(branch + known, _NOTHING) for known in _SHAPES}
            wrong = [known for known, shape in _SHAPES.items() if found[known].shape != shape]
            if not wrong:
                return {_BASIS: basis, **found}
            raise ValueError(f"not Silero's network, version 5 or 6: {', '.join(wrong)}")
    raise ValueError("not Silero's network, version 5 or 6: no transform of 256 samples in it")


_NOTHING: Floats = np.empty(0, np.float32)


def _contiguous(matrix: Floats) -> Floats:
    return np.ascontiguousarray(matrix, np.float32)


def _taps(kernel: Floats, used: slice) -> Floats:
    """(outputs, inputs, steps) to (used steps and inputs, outputs)."""
    return _contiguous(kernel[:, :, used].transpose(2, 1, 0).reshape(-1, len(kernel)))


def _bias(found: Mapping[str, Floats], layer: int) -> Floats:
    return found[f"encoder.{layer}.reparam_conv.bias"].copy()


def _gates(rows: Floats) -> Floats:
    """PyTorch's order in, forget, candidate, out to ours; sigmoid(x) is tanh(x / 2) / 2 + 1 / 2."""
    gate_in, forget, candidate, out = np.split(rows, 4)
    return np.concatenate([gate_in / 2, forget / 2, out / 2, candidate]).astype(np.float32)


class SileroNetwork:
    """One stream: its state, 1.3 kB, and room for one frame's arrays, 25 kB.

    Write a frame into `frame`, float32 (512,), full scale 1.0; then ask for its score.
    """

    def __init__(self, weights: SileroWeights) -> None:
        self._weights = weights
        self._sound = _zeros(_CONTEXT + FRAME_16K + _CONTEXT)
        self.frame = self._sound[_CONTEXT : _CONTEXT + FRAME_16K]
        self._context, self._end = self._sound[:_CONTEXT], self.frame[-_CONTEXT:]
        self._after = self._sound[_CONTEXT + FRAME_16K :]
        self._mirrored = self._sound[_CONTEXT + FRAME_16K - 2 : FRAME_16K - 2 : -1]
        self._windows = _Copied(self._sound, _WINDOW, _HOP)
        self._cosines, self._sines = _zeros(_STEPS, _BINS), _zeros(_STEPS, _BINS)
        # The convolutions pad with a step of silence before the first and after the last.
        self._spectra = _zeros(_STEPS + 2, _BINS)
        self._first = _Copied(self._spectra.reshape(-1), 3 * _BINS, _BINS)
        self._wide = _zeros(_STEPS + 1, _WIDE)
        self._second = _Copied(self._wide.reshape(-1), 3 * _WIDE, 2 * _WIDE)
        self._narrow, self._single = _zeros(2, _NARROW), _zeros(_NARROW)
        self._heard = _zeros(2 * _WIDE)
        """What the LSTM takes: this frame above the state, which is its last answer."""
        self._input, self._state = self._heard[:_WIDE], self._heard[_WIDE:]
        self._memory = _zeros(_WIDE)
        self._gates = _zeros(4 * _WIDE)
        self._all_but_candidate = self._gates[: 3 * _WIDE]
        self._gate_in, self._forget, self._out, self._candidate = np.split(self._gates, 4)
        self._positive = _zeros(_WIDE)

    def score(self) -> float:
        """Of the frame just written: the log odds of speech."""
        self._hear()
        self._encode()
        self._remember()
        np.maximum(self._state, 0, out=self._positive)
        return float(self._positive @ self._weights.score) + self._weights.score_bias

    def reset(self) -> None:
        """Forget all frames so far."""
        for kept in (self._sound, self._state, self._memory):
            kept.fill(0)

    def _hear(self) -> None:
        """Magnitudes, from sound whose context is that of the frame before."""
        np.copyto(self._after, self._mirrored)
        windows = self._windows.now()
        np.copyto(self._context, self._end)
        np.matmul(windows, self._weights.cosines, out=self._cosines)
        np.matmul(windows, self._weights.sines, out=self._sines)
        np.hypot(self._cosines, self._sines, out=self._spectra[1:-1])

    def _encode(self) -> None:
        first, second, third, fourth = self._weights.convolutions
        _layer(self._first.now(), *first, self._wide[1:])
        _layer(self._second.now(), *second, self._narrow)
        _layer(self._narrow.reshape(-1), *third, self._single)
        _layer(self._single, *fourth, self._input)

    def _remember(self) -> None:
        """One step of the LSTM."""
        np.dot(self._heard, self._weights.cell, out=self._gates)
        self._gates += self._weights.cell_bias
        np.tanh(self._gates, out=self._gates)
        self._all_but_candidate *= 0.5
        self._all_but_candidate += 0.5
        self._memory *= self._forget
        self._gate_in *= self._candidate
        self._memory += self._gate_in
        np.tanh(self._memory, out=self._state)
        self._state *= self._out


class _Copied:
    """Overlapping stretches of an array, copied apart: only so are they a matrix to BLAS."""

    def __init__(self, source: Floats, size: int, hop: int) -> None:
        self._spans = np.lib.stride_tricks.sliding_window_view(source, size)[::hop]
        self._copy: Floats = np.empty(self._spans.shape, np.float32)

    def now(self) -> Floats:
        np.copyto(self._copy, self._spans)
        return self._copy


def _zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)


def _layer(inputs: Floats, weights: Floats, bias: Floats, out: npt.NDArray[Any]) -> None:
    np.matmul(inputs, weights, out=out)
    out += bias
    np.maximum(out, 0, out=out)
