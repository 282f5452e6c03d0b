"""An interval of values, closed at both ends."""

from dataclasses import dataclass

__all__ = ["Interval"]


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from `low` to `high`, both included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Whether a value lies in the interval."""
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """Distance between the ends."""
        return self.high - self.low

    def scaled(self, factor: float) -> "Interval":
        """The interval of all values multiplied by a factor ≥ 0."""
        return Interval(self.low * factor, self.high * factor)
