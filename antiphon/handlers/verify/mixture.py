"""How a stretch of speech differs from what all speakers have in common.

A mixture of Gaussians describes the frames of many speakers (Reynolds, Quatieri and Dunn 2000). For
each Gaussian, the mean of the frames that belong to it is drawn away from the mixture's own as far
as their number justifies; these shifts together tell about the speaker.
"""

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ("Mixture", "memberships", "shifts")

Floats = npt.NDArray[np.float32]

_RELEVANCE = 8.0
"""Frames that draw a mean half the way."""
_BLOCK = 2048  # frames looked at together: 0.5 MB however long the speech is


class Mixture(msgspec.Struct, frozen=True, eq=False):
    """Gaussians with diagonal covariance."""

    shares: Floats
    """(gaussians,), 1 together"""
    means: Floats
    """(gaussians, figures)"""
    variances: Floats
    """(gaussians, figures)"""


def memberships(frames: Floats, mixture: Mixture) -> Floats:
    """How much each of (n, figures) belongs to each Gaussian: (n, gaussians), 1 a row."""
    precisions = 1 / mixture.variances
    constants = np.log(mixture.shares) - 0.5 * np.sum(
        np.log(mixture.variances) + mixture.means**2 * precisions, axis=1
    )
    likely: Floats = (
        frames @ (mixture.means * precisions).T - 0.5 * (frames**2 @ precisions.T) + constants
    )
    likely -= likely.max(axis=1, keepdims=True)
    np.exp(likely, out=likely)
    likely /= likely.sum(axis=1, keepdims=True)
    return likely


def shifts(frames: Floats, mixture: Mixture) -> Floats:
    """(n, figures) as one vector (gaussians * figures,), in standard deviations, each Gaussian by
    the root of its share, as Campbell, Sturim and Reynolds (2006) have it.
    """
    counts = np.zeros(len(mixture.shares), np.float32)
    sums = np.zeros(mixture.means.shape, np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        belonging = memberships(block, mixture)
        counts += belonging.sum(axis=0)
        sums += belonging.T @ block
    sums -= counts[:, np.newaxis] * mixture.means
    worth = np.sqrt(mixture.shares) / (counts + _RELEVANCE)
    scaled = sums * worth[:, np.newaxis] / np.sqrt(mixture.variances)
    found: Floats = scaled.ravel().astype(np.float32)
    return found
