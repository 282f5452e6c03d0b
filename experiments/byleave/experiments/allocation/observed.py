"""What allocation looks at: all units of a run so far, by cell and arm, fresh ones for less.

Cells share what they learn. What holds in one cell is a first guess for the others, worth as
much as 20 conversions, so that a thin cell need not learn from nothing, while a cell that truly
differs soon outvotes the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byleave.experiments.allocation.delay import DelayCurve, row_shares
from byleave.experiments.allocation.posterior import pooled_variance

__all__ = ["Observed", "observe"]

Array = NDArray[np.float64]

# Calibrated by simulation (benchmarks/cells.py): a larger number loses less where cells do not
# differ, and more where they do.
_BORROWED_CONVERSIONS = 20.0
_SCALING_ROUNDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Sums of a run by cell and arm, as of one moment; arrays of shape (C, K), 0 where not drawn.

    Attributes:
        cells: The C cells.
        arms: The K arms.
        enrolled: Units, each counted in full.
        units: Units as posteriors count them.
        reached: How many of those reached the goal.
        sums: The goal's sum over them.
        squares: The sum of its squares.
    """

    cells: tuple[str, ...]
    arms: tuple[str, ...]
    enrolled: Array
    units: Array
    reached: Array
    sums: Array
    squares: Array

    def columns(self, arms: Iterable[str]) -> list[int]:
        """Return where some arms stand in the arrays."""
        return [self.arms.index(arm) for arm in arms]

    @property
    def variance(self) -> float:
        """Variance of an outcome within cells and arms; 0 without any."""
        drawn = self.units > 0
        return pooled_variance(self.units[drawn], self.sums[drawn], self.squares[drawn])

    def borrowed(
        self, cell: str, arms: Iterable[str], *, is_conversion: bool
    ) -> tuple[Array, Array]:
        """Return what a cell takes over from the others: units and their sum, shape (len(arms),).

        An arm's mean m in this cell is guessed as the cell's own level times the arm's rate
        relative to the other arms, as the other cells show it. (The arm's plain mean over all
        cells would favour whichever arm got more of a good cell's traffic.) The guess is worth
        n₀ = 20·s²/m² units, whose mean has the relative error that 20 conversions have, or as
        many as the other cells hold, whichever is fewer: 1/(1/n₀ + 1/N), the precision of a mean
        that varies between cells and is known from N units of other cells (Gelman et al. 2013,
        section 5.4).

        Args:
            cell: The cell.
            arms: The arms that can be drawn in it.
            is_conversion: Whether outcomes are 0 or 1, so that variance follows from the mean.
        """
        columns, own = self.columns(arms), self.cells.index(cell)
        units, sums = self.units[:, columns], np.maximum(self.sums[:, columns], 0.0)
        others = np.arange(len(self.cells)) != own
        elsewhere = units[others].sum(axis=0)
        if not sums[others].any():
            return np.zeros_like(elsewhere), np.zeros_like(elsewhere)
        level = float(sums[others].sum() / max(elsewhere.sum(), 1.0))
        variance = level * max(1 - level, 0.0) if is_conversion else self.variance
        # Units whose mean may be off by all of itself: what an estimate is steadied with.
        steady = max(variance / level**2, 1.0)
        relative = _relative_rates(sums[others], units[others], level=level, steady=steady)
        own_level = (sums[own].sum() + steady * level) / (units[own] @ relative + steady)
        means = own_level * relative
        if is_conversion:
            means = np.minimum(means, 1.0)
        variances = means * (1 - means) if is_conversion else np.full_like(means, variance)
        top = _BORROWED_CONVERSIONS * variances * elsewhere
        bottom = _BORROWED_CONVERSIONS * variances + elsewhere * means**2
        worth = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        return worth, worth * means


def observe(
    figures: Mapping[str, ArrayLike],
    *,
    cells: Sequence[str],
    arms: Sequence[str],
    cell_of_row: Sequence[str],
    youngest_ms: ArrayLike,
    oldest_ms: ArrayLike,
    window_ms: int,
    curve: DelayCurve | None,
    half_life_ms: int | None = None,
) -> Observed:
    """Sum allocation rows by cell, corrected for delay and discounted.

    Args:
        figures: `counts`, `reached`, `sums` and `squares` per row and arm, each of shape (J, K).
        cells: The cells of the run.
        arms: The arms of the run, as the columns of the figures are.
        cell_of_row: The cell of each row.
        youngest_ms: Age of each row's last unit, shape (J,).
        oldest_ms: Age of each row's first unit, shape (J,).
        window_ms: The goal's attribution window.
        curve: How conversions arrive, or None while that is not known: only mature rows count.
        half_life_ms: After what time a unit counts half, for rates that drift.
    """
    shape = (len(cell_of_row), len(arms))
    counts, *outcomes = (
        np.asarray(figures[name], dtype=np.float64).reshape(shape)
        for name in ("counts", "reached", "sums", "squares")
    )
    unit_shares, outcome_shares = row_shares(
        youngest_ms, oldest_ms, window_ms=window_ms, curve=curve, half_life_ms=half_life_ms
    )
    of_cell = np.zeros((len(cells), len(cell_of_row)))
    of_cell[[list(cells).index(cell) for cell in cell_of_row], np.arange(len(cell_of_row))] = 1
    reached, sums, squares = ((of_cell * outcome_shares) @ part for part in outcomes)
    return Observed(
        cells=tuple(cells),
        arms=tuple(arms),
        enrolled=of_cell @ counts,
        units=(of_cell * unit_shares) @ counts,
        reached=reached,
        sums=sums,
        squares=squares,
    )


def _relative_rates(sums: Array, units: Array, *, level: float, steady: float) -> Array:
    """Every arm's rate relative to the level, freed of which cells it was drawn in, shape (K,).

    Fits means as level of the cell times rate of the arm by scaling both in turn until the
    margins fit (Deming & Stephan 1940), steadied towards no difference.
    """
    levels, relative = np.full(len(sums), level), np.ones(sums.shape[1])
    for _ in range(_SCALING_ROUNDS):
        relative = (sums.sum(axis=0) + steady * level) / (levels @ units + steady * level)
        levels = (sums.sum(axis=1) + steady * level) / (units @ relative + steady)
    return relative
