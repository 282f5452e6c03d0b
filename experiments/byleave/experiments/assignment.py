"""Picking: a number in [0, 1) becomes an arm.

Each experiment has a seed of its own, so that two experiments split visitors independently.
Only the draw of an arm is salted by its allocation row: a row's weights therefore are the
propensities of what was drawn from it, whatever the rows before and after.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate

from byleave.experiments.imported import Range


class Slices:
    """The arms side by side on [0, 1), each as wide as its weight, in the order of their names.

    Args:
        weights: Propensities by arm, summing to 1; an arm of weight 0 is never picked.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.arms = tuple(sorted(arm for arm, weight in weights.items() if weight > 0))
        # The last arm ends at 1, which rounding may leave the sum a hair below.
        self.bounds = tuple(accumulate(weights[arm] for arm in self.arms[:-1]))

    def arm(self, point: float) -> str:
        """Return the arm whose slice holds a point of [0, 1)."""
        return self.arms[bisect_right(self.bounds, point)]


class Ranges:
    """Arms that lie where another system put them on [0, 1), perhaps with gaps.

    Args:
        ranges: Where each arm lies; where two overlap, the first counts.
    """

    def __init__(self, ranges: Mapping[str, Range]) -> None:
        self.ranges = tuple((arm, part.start, part.end) for arm, part in ranges.items())

    def arm(self, point: float) -> str | None:
        """Return the arm that lies at a point, or None in a gap."""
        return next((arm for arm, start, end in self.ranges if start <= point < end), None)


def pick(weights: Mapping[str, float], point: float) -> str:
    """Return the arm that a row's weights give at `point`, a number in [0, 1)."""
    return Slices(weights).arm(point)
