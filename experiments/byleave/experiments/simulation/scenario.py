"""The declared truth of a simulated experiment, and how the experiment is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byleave.experiments.allocation import LONGEST_ROW_MS
from byleave.experiments.definitions import (
    CONTROL,
    Allocate,
    Policy,
)
from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.segments import Duration, Path, Reader, Share

__all__ = ["Order", "Rate", "Scenario", "Truth"]

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A conversion rate over the time of a run.

    Attributes:
        points: Pairs of a moment, as the share of the run that has passed, and the rate then;
            in between the rate changes evenly, and two points of one moment are a jump.
    """

    points: tuple[tuple[float, float], ...]

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read one rate, or a list of pairs `[moment, rate]`."""
        if not isinstance(data, (list, tuple)):
            rate = reader.read(Share, data, path)
            return None if rate is None else cls(((0.0, float(rate)),))
        points = [
            reader.read(tuple[Share, ...], point, (*path, index))
            for index, point in enumerate(data)
        ]
        if not all(point and len(point) == 2 and None not in point for point in points):
            reader.fault(path, "expected a rate, or pairs of a moment and a rate: [[0%, 3%], ...]")
            return None
        return cls(tuple((float(moment), float(rate)) for moment, rate in points))

    def to_plain(self) -> object:
        """Return what `read_from` reads."""
        if len(self.points) == 1:
            return self.points[0][1]
        return [list(point) for point in self.points]

    def at(self, moments: ArrayLike) -> NDArray[np.float64]:
        """Return the rate at each moment, given as the share of the run that has passed."""
        times, rates = zip(*self.points, strict=True)
        return np.asarray(np.interp(np.asarray(moments, dtype=np.float64), times, rates))


@dataclass(frozen=True, slots=True)
class Truth:
    """The rate of one arm in every cell.

    Attributes:
        by_cell: By cell; under the empty name for all cells that are not named.
    """

    by_cell: Mapping[str, Rate]

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read one rate for all cells, or a rate by cell."""
        if isinstance(data, Mapping):
            return cls(reader.read(Mapping[str, Rate], data, path))
        rate = reader.read(Rate, data, path)
        return None if rate is None else cls({"": rate})

    def to_plain(self) -> object:
        """Return what `read_from` reads."""
        plain = {cell: rate.to_plain() for cell, rate in self.by_cell.items()}
        return plain[""] if list(plain) == [""] else plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a conversion is worth: log-normal, and capped as the goal declares.

    Attributes:
        mean: Mean before the cap.
        deviation: Standard deviation before the cap.
        cap: The most that counts.
    """

    mean: float
    deviation: float
    cap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A simulated experiment.

    Attributes:
        arms: The true rate of each arm; `control` is among them.
        allocate: How the experiment divides its visits.
        days: How many days visits are enrolled.
        visits_per_day: Visits per day, spread evenly.
        cells: Share of the visits by cell; a single cell, when empty.
        better: Which direction of the goal is good.
        within: The goal's window; none, when outcomes are known at once.
        delay: Mean time from enrolment to conversion, exponential and cut off at the window;
            None for conversions that come at once.
        lost: By arm, the share of visits that vanish after the draw.
        order: What a conversion is worth, where value is learned from instead of conversions.

    Raises:
        ValueError: The parts do not fit each other.
    """

    arms: Mapping[str, Truth]
    allocate: Allocate
    days: int
    visits_per_day: int
    cells: Mapping[str, Share] = field(default_factory=dict)
    better: Better = Better.HIGHER
    within: Duration = Duration(0)
    delay: Duration | None = None
    lost: Mapping[str, Share] = field(default_factory=dict)
    order: Order | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other."""
        if CONTROL not in self.arms or len(self.arms) < 2:
            raise ValueError(f"arms: expected {CONTROL!r} and at least one other arm")
        if not (self.days >= 1 and self.visits_per_day >= 1):
            raise ValueError("days, visits_per_day: expected at least 1 of each")
        if abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ValueError(f"cells: expected shares adding up to 100%, got {dict(self.cells)}")
        for arm, truth in self.arms.items():
            unknown = set(truth.by_cell) - {"", *self.cells}
            missing = [cell for cell in self.shares if self._rate(truth, cell) is None]
            if unknown or missing:
                raise ValueError(f"arms.{arm}: expected a rate for each of the declared cells")
        if unknown := set(self.lost) - set(self.arms):
            raise ValueError(f"lost: unknown arm {min(unknown)!r}")
        if self.delay is not None and not self.within:
            raise ValueError("delay: expected a window, too; declare `within`")
        if self.allocate.policy is Policy.FIXED and set(self.allocate.shares) - set(self.arms):
            raise ValueError("allocate.shares: expected the arms of this scenario")
        if self.allocate.epoch > LONGEST_ROW_MS:
            raise ValueError("allocate.epoch: expected at most 24h")
        if self.order and not min(self.order.mean, self.order.deviation, self.order.cap) > 0:
            raise ValueError("order: expected positive numbers")

    @property
    def keys(self) -> tuple[str, ...]:
        """The arms' keys, the control first: the columns of all arrays."""
        return (CONTROL, *(arm for arm in self.arms if arm != CONTROL))

    @property
    def shares(self) -> Mapping[str, float]:
        """Share of the visits by cell."""
        return self.cells or {"everyone": 1.0}

    @property
    def goal(self) -> Goal:
        """The goal that is learned from and reported."""
        return Goal(
            event=self.allocate.goal,
            kind=GoalKind.CONVERSION if self.order is None else GoalKind.VALUE,
            within=self.within,
            cap=None if self.order is None else self.order.cap,
            better=self.better,
        )

    @property
    def length_ms(self) -> int:
        """How long visits are enrolled."""
        return self.days * _DAY_MS

    @property
    def moments(self) -> list[float]:
        """The moments at which some rate begins to change, as shares of the run."""
        return [
            moment
            for truth in self.arms.values()
            for rate in truth.by_cell.values()
            for moment, _ in rate.points
        ]

    def rates(self, moments: ArrayLike) -> NDArray[np.float64]:
        """Return the true rates at T moments, shape (T, cells, arms).

        Args:
            moments: Shares of the run that have passed, shape (T,).
        """
        by_cell = [[self._rate(self.arms[arm], cell) for arm in self.keys] for cell in self.shares]
        return np.stack(
            [
                np.stack([rate.at(moments) for rate in rates if rate is not None], axis=-1)
                for rates in by_cell
            ],
            axis=-2,
        )

    @staticmethod
    def _rate(truth: Truth, cell: str) -> Rate | None:
        return truth.by_cell.get(cell, truth.by_cell.get(""))
