"""What a benchmark holds its figures against, said in one line that can be read back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple, Self

_NUMBER: Final = r"(?:-?[\d.,]+(?:e[+-]\d+)?|-?inf|nan)"
_LINE: Final = re.compile(
    rf"^(held|MISSED): (.+): ({_NUMBER}[^()\n]*?)(?: \(({_NUMBER} to {_NUMBER})\))?"
    r", (at (?:most|least) .+)$",
    flags=re.MULTILINE,
)


class Said(NamedTuple):
    """A line about a bar, in its parts."""

    verdict: str
    what: str
    figure: str
    spread: str
    bound: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A measured figure and what it may come to.

    Args:
        what: What was measured, and beside what.
        value: The figure; of rounds, their median.
        unit: Written after it, such as ` ms`; ` x` for a ratio.
        most: The greatest value that is good.
        least: The smallest value that is good; used where `most` is not given.
        low: The smallest value of a round.
        high: The greatest value of a round.
    """

    what: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float = 0.0
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(
        cls,
        what: str,
        rounds: Iterable[float],
        unit: str = "",
        *,
        most: float | None = None,
        least: float = 0.0,
    ) -> Self:
        """Return the bar of the median over rounds, with their spread."""
        values = list(rounds)
        return cls(what, median(values), unit, most, least, min(values), max(values))

    @property
    def is_held(self) -> bool:
        """Whether the figure is as good as it must be."""
        return self.value >= self.least if self.most is None else self.value <= self.most

    def __str__(self) -> str:
        """Return the line that `heard` reads."""
        verdict = "held" if self.is_held else "MISSED"
        spread = ""
        if self.low is not None and self.high is not None:
            spread = f" ({number(self.low)} to {number(self.high)})"
        side, bar = ("at least", self.least) if self.most is None else ("at most", self.most)
        figure = f"{number(self.value)}{self.unit}"
        return f"{verdict}: {self.what}: {figure}{spread}, {side} {number(bar)}{self.unit}"


def say(bars: Iterable[Bar]) -> int:
    """Print a line for each bar; return 1 where one is missed, as a program does."""
    verdicts = []
    for bar in bars:
        print(bar, flush=True)
        verdicts.append(bar.is_held)
    return 0 if all(verdicts) else 1


def ratios(ones: Iterable[float], others: Iterable[float]) -> list[float]:
    """Return how many times the other each one is, round by round."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def heard(text: str) -> list[Said]:
    """Return what a benchmark said about its bars among other lines, in its order."""
    return [Said(*parts) for parts in _LINE.findall(text)]


def number(value: float) -> str:
    """Return three digits that count, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
