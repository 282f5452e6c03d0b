"""What every estimator of lift starts from: sums per allocation row and arm.

The stratum of all inference is the allocation row (epoch and cell): inside it the weights never
change, so arms differ by nothing but the draw. Pooling rows with different weights gives up to
100 % false positives.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Strata", "StrataError"]

# Weights may come rounded from a file; served ones add up to exactly 1.
_PROPENSITY_TOLERANCE = 1e-3


class StrataError(ValueError):
    """Sums that cannot come from an experiment, with what was expected and where."""


# One equals no other, so that what is asked of one for each arm can be kept by it.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strata:
    """Sums over the enrolled units of J allocation rows and K arms, oldest row first.

    Arrays are copied and made read-only.

    Attributes:
        counts: Units n_jk ≥ 0, shape (J, K).
        sums: Sum of the units' outcomes Σy, in the unit of the goal, shape (J, K).
        squares: Sum of squared outcomes Σy², shape (J, K).
        propensities: The weights e_jk that the row published, in [0, 1], each row adding up to
            1, shape (J, K).

    Raises:
        StrataError: Shapes differ, a number is not finite or out of range, an arm has sums
            without units or units without a propensity, or Σy² < (Σy)²/n.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    propensities: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Copy, freeze and check the arrays."""
        shape = np.shape(self.counts)
        if len(shape) != 2 or shape[1] == 0:
            raise StrataError(f"counts: expected shape (rows, arms), got {shape}")
        for name in ("counts", "sums", "squares", "propensities"):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise StrataError(f"{name}: expected shape {shape} as counts, got {array.shape}")
            _refuse(~np.isfinite(array), name, "a finite number", array)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        n, y, y2, e = self.counts, self.sums, self.squares, self.propensities
        _refuse(n < 0, "counts", "a number of units >= 0", n)
        _refuse((n == 0) & ((y != 0) | (y2 != 0)), "sums", "no outcome where there are no units", y)
        # Rounding of a sum of n squares stays far below this.
        _refuse(y2 * n * (1 + 1e-9) < y * y, "squares", "at least (sum of outcomes)²/units", y2)
        _refuse((e < 0) | (e > 1), "propensities", "a share from 0 to 1", e)
        _refuse((e == 0) & (n > 0), "propensities", "a positive share where units were drawn", e)
        totals = e.sum(axis=1)
        _refuse(
            abs(totals - 1) > _PROPENSITY_TOLERANCE, "propensities", "rows adding up to 1", totals
        )

    @classmethod
    def of(
        cls, *, counts: ArrayLike, sums: ArrayLike, squares: ArrayLike, propensities: ArrayLike
    ) -> "Strata":
        """Return strata from nested lists or arrays of any number type."""
        return cls(
            counts=np.asarray(counts, dtype=np.float64),
            sums=np.asarray(sums, dtype=np.float64),
            squares=np.asarray(squares, dtype=np.float64),
            propensities=np.asarray(propensities, dtype=np.float64),
        )

    @property
    def rows(self) -> int:
        """Number J of allocation rows."""
        return len(self.counts)

    @property
    def arms(self) -> int:
        """Number K of arms."""
        return int(self.counts.shape[1])

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean outcome per row and arm, 0 where there are no units, shape (J, K)."""
        return self.sums / np.maximum(self.counts, 1.0)

    @property
    def scatter(self) -> NDArray[np.float64]:
        """Sum of squared deviations from the mean of row and arm, shape (J, K)."""
        return np.maximum(self.squares - self.sums * self.means, 0.0)

    def usable(self, arm: int, control: int) -> NDArray[np.bool_]:
        """Which rows can compare two arms: both have units, shape (J,)."""
        return np.asarray((self.counts[:, arm] > 0) & (self.counts[:, control] > 0))

    def only(self, rows: NDArray[np.bool_]) -> "Strata":
        """The strata of some rows, those where `rows` is true, shape (J,)."""
        return Strata(
            counts=self.counts[rows],
            sums=self.sums[rows],
            squares=self.squares[rows],
            propensities=self.propensities[rows],
        )

    def scaled(self, factor: float) -> "Strata":
        """The same units with every outcome multiplied by a factor."""
        return Strata(
            counts=self.counts,
            sums=self.sums * factor,
            squares=self.squares * factor**2,
            propensities=self.propensities,
        )


def _refuse(
    wrong: NDArray[np.bool_], name: str, expected: str, values: NDArray[np.float64]
) -> None:
    """Raise for the first place where `wrong` is true."""
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        where = f"{name}[{', '.join(map(str, place))}]"
        raise StrataError(f"{where}: expected {expected}, got {values[place]:g}")
