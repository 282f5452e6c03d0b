"""Cells: which context segments are true, and which arms are eligible.

Arms with conditions of their own are eligible for some visitors only. Their propensities are
true because the eligible set is fixed before the draw and each set has rows of its own.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import product
from typing import Final, NamedTuple

from byleave.experiments.definitions import Experiment, Policy, Variant

#: An experiment may have this many contexts and conditional arms together: 64 cells.
MOST_SWITCHES: Final = 6

#: Floors take at most this share of the traffic; the rest is what can be learned with.
MOST_FLOORS: Final = 0.20


class Cell(NamedTuple):
    """One cell of an experiment.

    Attributes:
        contexts: The truth of each declared context segment, in their order.
        arms: The eligible arms by name; control is always among them.
    """

    contexts: tuple[bool, ...]
    arms: tuple[str, ...]

    @property
    def key(self) -> str:
        """The cell as text, such as `10:control+proof`."""
        return cell_key(self.contexts, self.arms)


def cell_key(contexts: Iterable[bool], arms: Iterable[str]) -> str:
    """Return the text that names a cell, whatever order the arms come in."""
    return f"{''.join('01'[is_true] for is_true in contexts)}:{'+'.join(sorted(arms))}"


def remaining_cell(cell: str, retired: Collection[str]) -> str:
    """Return the cell that is left of one when arms are taken out of it, both as text.

    Args:
        cell: The cell, such as `10:control+finder+proof`.
        retired: The arms, whether they are in it or not.
    """
    contexts, _, arms = cell.partition(":")
    return f"{contexts}:{'+'.join(arm for arm in arms.split('+') if arm not in retired)}"


def remaining_weights(weights: Mapping[str, float], retired: Collection[str]) -> dict[str, float]:
    """Return the weights of a row without some arms, scaled to 1; equal where nothing is left."""
    left = {arm: weight for arm, weight in weights.items() if arm not in retired}
    total = sum(left.values())
    return {arm: weight / total if total > 0 else 1 / len(left) for arm, weight in left.items()}


def is_conditional(variant: Variant) -> bool:
    """Return whether a variant is eligible for some visitors only."""
    return bool(variant.when or variant.unless or variant.cap or variant.locales)


def cells(experiment: Experiment, *, retired: Collection[str] = ()) -> list[Cell]:
    """Return every cell of an experiment; `check` sees to it that there are at most 64.

    Args:
        experiment: The experiment.
        retired: Arms that nobody is drawn into any more.
    """
    arms = sorted(set(experiment.variants).difference(retired))
    conditional = [arm for arm in arms if is_conditional(experiment.variants[arm])]
    found = []
    for switches in product((False, True), repeat=len(conditional)):
        missing = {arm for arm, is_on in zip(conditional, switches, strict=True) if not is_on}
        eligible = tuple(arm for arm in arms if arm not in missing)
        found += [
            Cell(contexts, eligible)
            for contexts in product((False, True), repeat=len(experiment.allocate.contexts))
        ]
    return found


def starting_weights(experiment: Experiment, arms: Iterable[str]) -> dict[str, float]:
    """Return the weights of a cell before anything is known: equal, or the fixed shares.

    Fixed shares are scaled to the eligible arms. Arms that share nothing get equal parts.
    """
    arms = sorted(arms)
    shares = _fixed_shares(experiment)
    total = sum(shares.get(arm, 0.0) for arm in arms)
    if total > 0:
        return {arm: shares.get(arm, 0.0) / total for arm in arms}
    return {arm: 1 / len(arms) for arm in arms}


def _fixed_shares(experiment: Experiment) -> dict[str, float]:
    if experiment.imported is not None:
        return {arm: part.end - part.start for arm, part in experiment.imported.ranges.items()}
    if experiment.allocate.policy is Policy.FIXED:
        return {arm: float(share) for arm, share in experiment.allocate.shares.items()}
    return {}
