"""How the embedded speaker encoder is fitted: the mixture, and the discriminant behind it."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon.handlers.verify.mixture import Mixture, memberships

__all__ = ("Discriminant", "discriminant", "mixture_of")

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Labels = npt.NDArray[np.signedinteger[Any]]

_LEAST_VARIANCE = 0.01  # of that of all frames
_BLOCK = 20_000  # frames


class Discriminant(msgspec.Struct, frozen=True, eq=False):
    """Takes vectors (n, figures) to (n, dimension) as (vectors - mean) / length @ projection -
    centre.
    """

    mean: Floats
    projection: Floats
    centre: Floats

    def embeddings(self, vectors: Floats) -> Floats:
        centred = vectors - self.mean
        return _unit(centred) @ self.projection - self.centre


def mixture_of(rng: np.random.Generator, frames: Floats, gaussians: int, rounds: int) -> Mixture:
    """Frames (n, figures) described by expectation and maximisation, from some of themselves."""
    spread = frames.var(axis=0)
    means = frames[rng.choice(len(frames), gaussians, replace=False)].copy()
    shares = np.full(gaussians, 1 / gaussians, np.float32)
    mixture = Mixture(shares, means, np.tile(spread / 4, (gaussians, 1)))
    for _ in range(rounds):
        mixture = _better(mixture, frames, _LEAST_VARIANCE * spread)
    return mixture


def _better(mixture: Mixture, frames: Floats, least: Floats) -> Mixture:
    counts = np.full(len(mixture.shares), 1e-6)
    sums, squares = np.zeros(mixture.means.shape), np.zeros(mixture.means.shape)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        belonging = memberships(block, mixture)
        counts += belonging.sum(axis=0)
        sums += belonging.T @ block
        squares += belonging.T @ block**2
    means = sums / counts[:, np.newaxis]
    variances = np.maximum(squares / counts[:, np.newaxis] - means**2, least)
    shares = counts / counts.sum()
    return Mixture(*(array.astype(np.float32) for array in (shares, means, variances)))


def discriminant(
    vectors: Floats, speakers: Labels, *, components: int, dimension: int, shrinkage: float
) -> Discriminant:
    """Where speakers differ most against how much one differs (Fisher's), among the principal
    components. `shrinkage`, 0 to 1, is how far the latter is drawn to the same in all directions.
    """
    mean = vectors.mean(axis=0)
    units = _unit(vectors - mean)
    centre = units.mean(axis=0)
    units -= centre
    main = _strongest((units.T @ units).astype(np.float64), components)
    reduced = units @ main
    _, places = np.unique(speakers, return_inverse=True)
    counts = np.bincount(places)
    averages = np.zeros((len(counts), components))
    np.add.at(averages, places, reduced)
    averages /= counts[:, np.newaxis]
    own = reduced - averages[places]
    within = own.T @ own / len(reduced)
    even = np.trace(within) / components * np.eye(components)
    sizes, turned = np.linalg.eigh((1 - shrinkage) * within + shrinkage * even)
    whitening = turned / np.sqrt(sizes)
    between = (averages.T * counts) @ averages / len(reduced)
    chosen = whitening @ _strongest(whitening.T @ between @ whitening, dimension)
    projection = (main @ chosen).astype(np.float32)
    return Discriminant(mean, projection, centre @ projection)


def _unit(vectors: Floats) -> Floats:
    units: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return units


def _strongest(symmetric: Doubles, count: int) -> Doubles:
    """The eigenvectors of the largest eigenvalues, as columns."""
    _, vectors = np.linalg.eigh(symmetric)
    strongest: Doubles = vectors[:, ::-1][:, :count]
    return strongest
