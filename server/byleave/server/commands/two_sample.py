"""`byleave stats two-sample`: two groups whose split never changed."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from byleave.server.commands.documents import print_json, read_as, read_json, refusing
from byleave.server.commands.exits import refuse

if TYPE_CHECKING:  # SciPy loads when the command runs
    from byleave.experiments.lift.interval import Interval
    from byleave.experiments.lift.relative import BaselineTooUncertain, RelativeLift
    from byleave.experiments.lift.two_sample import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums over the units of one group; of conversions, the squares may be left out."""

    n: float
    sum: float
    sum_sq: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoGroups:
    """What is asked.

    Attributes:
        treated: The group that was treated.
        reference: The group it is compared with.
        alpha: Error level in (0, 1).
        kind: `conversion` where every outcome is 0 or 1.
    """

    treated: Sums
    reference: Sums
    alpha: float = 0.05
    kind: Literal["conversion", "value"] = "value"


def two_sample() -> None:
    """Compare two groups by their sums, for one look that was planned in advance.

    Reads {"treated": {"n", "sum", "sum_sq"}, "reference": {...}, "alpha": 0.05}, and "kind":
    "conversion" where every outcome is 0 or 1. Prints Welch's difference, Newcombe's interval of
    two conversion rates, and the relative lift by Fieller's method.
    """
    asked = read_as(TwoGroups, read_json())
    if not 0 < asked.alpha < 1:
        refuse(f"$.alpha: expected a number between 0 and 1, got {asked.alpha:g}")

    from byleave.experiments.lift.two_sample import newcombe, two_sample_lift, welch

    is_conversion = asked.kind == "conversion"
    treated = _group("treated", asked.treated, is_conversion)
    reference = _group("reference", asked.reference, is_conversion)
    with refusing("$: "):
        found = welch(treated, reference, alpha=asked.alpha)
        rates = newcombe(treated, reference, alpha=asked.alpha) if is_conversion else None
        relative = two_sample_lift(treated, reference, alpha=asked.alpha)
    print_json(
        {
            "welch": {
                "diff": found.difference,
                "se": found.standard_error,
                "df": found.freedom if isfinite(found.freedom) else None,
                "ci": _ends(found.interval),
                "p": found.p,
            },
            "newcombe": rates and _ends(rates),
            "relative": _relative(relative),
        }
    )


def _group(name: str, sums: Sums, is_conversion: bool) -> Group:
    from byleave.experiments.lift.two_sample import Group

    squares = sums.sum if is_conversion and sums.sum_sq is None else sums.sum_sq
    if squares is None:
        refuse(f"$.{name}: 'sum_sq' is missing")
    if is_conversion and not 0 <= sums.sum == squares <= sums.n:
        refuse(f"$.{name}: expected 0 <= sum = sum_sq <= n where every outcome is 0 or 1")
    with refusing(f"$.{name}: "):
        return Group(float(sums.n), float(sums.sum), float(squares))


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _relative(lift: RelativeLift | BaselineTooUncertain) -> dict[str, Any]:
    from byleave.experiments.lift.relative import BaselineTooUncertain

    if isinstance(lift, BaselineTooUncertain):
        return {"lift": None, "ci": None, "why": "the mean of the reference may well be 0"}
    return {"lift": lift.estimate, "ci": _ends(lift.interval)}
