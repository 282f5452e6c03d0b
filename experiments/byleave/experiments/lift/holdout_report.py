"""The sentence about personalisation as a whole, the figure for the whole business."""

from byleave.experiments.goals import Goal
from byleave.experiments.lift.arm_report import LEAST_GROUP, least_orders
from byleave.experiments.lift.holdout import DEFAULT_TUNED_UNITS, holdout_contrast
from byleave.experiments.lift.relative import RelativeLift
from byleave.experiments.lift.report_model import Population
from byleave.experiments.lift.srm import ALERT_P
from byleave.experiments.lift.two_sample import Group
from byleave.experiments.lift.words import effect_words, p_words, population_words

__all__ = ["holdout_sentence"]


def holdout_sentence(
    personalised: Group,
    holdout: Group,
    *,
    goal_key: str,
    goal: Goal,
    population: Population,
    alpha: float = 0.05,
    tuned_units: float = DEFAULT_TUNED_UNITS,
    sample_ratio_p: float = 1.0,
) -> str:
    """Return what everything personalised did to a goal, with interval and population.

    Where either group is too small for an interval that rests on large numbers, or the sizes of
    the groups do not fit the share that is held out, the sentence says so instead.

    Args:
        personalised: Sums over the units that may be personalised.
        holdout: Sums over the units that are held out.
        goal_key: The goal's key, as definitions call it.
        goal: What is measured.
        population: Whom the sums are about.
        alpha: Error level in (0, 1).
        tuned_units: As for `holdout_contrast`.
        sample_ratio_p: P-value of the sizes against the share that is held out; what is below
            0.001 allows no figure.
    """
    words = population_words(population)
    if sample_ratio_p < ALERT_P:
        return (
            f"No figure is given among {words} for everything personalised against the holdout: "
            f"its size does not fit its share ({p_words(sample_ratio_p)})."
        )
    least, what = least_orders(goal.kind)
    groups = (personalised, holdout)
    contrast = holdout_contrast(*groups, alpha=alpha, tuned_units=tuned_units)
    enough = all(group.units >= LEAST_GROUP and group.orders >= least for group in groups)
    if contrast is None or not enough:
        return (
            f"Not enough data yet among {words} for everything personalised against the holdout: "
            f"each needs {least} {what}."
        )
    relative = contrast.relative
    effect = effect_words(
        "everything personalised",
        goal=goal_key,
        kind=goal.kind,
        difference=contrast.fixed.difference,
        interval=contrast.always_valid,
        relative=relative if isinstance(relative, RelativeLift) else None,
        confidence=1 - alpha,
    )
    return f"Among {words}, {effect}."
