"""From how alike two voices are to how likely they are one."""

import math

import msgspec

__all__ = ("Calibration",)


class Calibration(msgspec.Struct, frozen=True):
    """A logistic curve, fitted for one speaker encoder; ValueError unless it rises.

    It takes one speaker and two for equally likely. Who knows better adds the logarithm of the odds
    to `offset`.
    """

    scale: float
    offset: float

    def __post_init__(self) -> None:
        if not (0 < self.scale < math.inf and math.isfinite(self.offset)):
            raise ValueError(
                f"scale {self.scale}, offset {self.offset}; allowed: finite, and a scale above 0"
            )

    def probability(self, score: float) -> float:
        """That both voices are the same speaker's, 0 to 1."""
        # By way of tanh: exp overflows where a scale is steep.
        return 0.5 + 0.5 * math.tanh(0.5 * (self.scale * score + self.offset))
