"""What the compact network sees of whole calls at once, as its detector sees it frame by frame."""

import msgspec
import numpy as np

from antiphon.handlers.vad.compact import FALL, RISE
from antiphon.handlers.vad.spectrum import BANDS, MEASURES, measure, spectrum_of
from benchmarks.voice_network import Weights
from benchmarks.voice_sounds import RATE, Floats
from benchmarks.voice_speech import Booleans

__all__ = ("Scale", "Seen", "frames_of", "labels_of", "packed", "scale_of", "seen_of")

_TELEPHONE_BANDS = 14
"""Bands that every line carries: their mean is how strong a frame is."""


class Seen(msgspec.Struct, frozen=True, eq=False):
    """Inputs of the network, (frames, calls, n), before they are scaled."""

    inputs: Floats
    awake: Floats
    """(frames, calls, 1): 0 where exact silence came before the frame, else 1."""
    heard: Booleans
    """(frames, calls): not exact silence."""


class Scale(msgspec.Struct, frozen=True, eq=False):
    """Mean and standard deviation of each input."""

    means: Floats
    deviations: Floats


def frames_of(samples: Floats) -> Floats:
    """(frames, samples of a frame), without what is left at the end."""
    size = spectrum_of(RATE).frame_samples
    return samples[: len(samples) // size * size].reshape(-1, size)


def labels_of(speech: Booleans) -> Booleans:
    """Frames of which at least half is speech."""
    size = spectrum_of(RATE).frame_samples
    labels: Booleans = speech[: len(speech) // size * size].reshape(-1, size).mean(axis=1) >= 0.5
    return labels


def measured(samples: Floats) -> tuple[Floats, Booleans]:
    """The measures of a call's frames, and which are not exact silence."""
    frames = frames_of(samples)
    return measure(frames, spectrum_of(RATE)), np.any(frames, axis=1)


def seen_of(measures: Floats, heard: Booleans) -> Seen:
    """From measures (frames, calls, MEASURES) and `heard` (frames, calls)."""
    levels, periodicity = measures[..., :BANDS], measures[..., BANDS:]
    strength = levels[..., :_TELEPHONE_BANDS].mean(axis=2, keepdims=True)
    above = _above_floor(levels, heard)
    inputs = np.concatenate((levels - strength, strength, above, periodicity), axis=2)
    awake = np.zeros((*heard.shape, 1), np.float32)
    awake[1:, :, 0] = heard[:-1]
    return Seen(inputs, awake, heard)


def _above_floor(levels: Floats, heard: Booleans) -> Floats:
    """How far each band is above its floor, which starts at the first frame that is heard."""
    calls = list(range(levels.shape[1]))
    floor = levels[heard.argmax(axis=0), calls].copy()
    above = np.empty_like(levels)
    for frame, level in enumerate(levels):
        np.subtract(level, floor, out=above[frame])
        step = np.minimum(above[frame], RISE)
        floor += np.maximum(step, FALL * step) * heard[frame, :, np.newaxis]
    return above


def scale_of(seen: Seen) -> Scale:
    inputs = seen.inputs[seen.heard]
    return Scale(inputs.mean(axis=0), inputs.std(axis=0) + np.float32(1e-3))


def packed(weights: Weights, scale: Scale) -> dict[str, Floats]:
    """The matrices of `compact.Weights`: scaling, strength and biases folded in."""
    rows = weights["see"] / scale.deviations[:, np.newaxis]
    bias = weights["see_bias"] - scale.means @ rows
    gate = np.vstack((weights["gate"], weights["recall"], weights["gate_bias"]))
    gate[:, : gate.shape[1] // 2] *= 0.5  # (1 + tanh(a / 2)) / 2 is the logistic function of a
    judge = np.append(weights["judge"], weights["judge_bias"])
    matrices = {"see": np.vstack((_unfolded(rows), bias)), "gate": gate, "judge": judge}
    return {name: matrix.astype(np.float32) for name, matrix in matrices.items()}


def _unfolded(rows: Floats) -> Floats:
    """Weights of (levels less strength, strength, above floor, periodicity) as weights of what
    the detector has: (levels, periodicity, above floor).
    """
    shape, strength, above, periodicity = np.split(rows, [BANDS, MEASURES, MEASURES + BANDS])
    levels = shape.copy()
    levels[:_TELEPHONE_BANDS] += (strength - shape.sum(axis=0)) / _TELEPHONE_BANDS
    return np.vstack((levels, periodicity, above))
