"""From strata to a report: what may be said about one goal of one run, and what may not."""

from collections.abc import Sequence
from math import isfinite

from numpy.typing import ArrayLike

from byleave.experiments.allocation import (
    Posterior,
    beta_posterior,
    compare_arms,
    may_stop,
    normal_posterior,
    pooled_variance,
    value_remaining,
)
from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.experiments.lift.arm_report import (
    LEAST_GROUP,
    LEAST_ORDERS,
    Question,
    arm_row,
    effective_orders,
)
from byleave.experiments.lift.multiplicity import adjusted_alpha
from byleave.experiments.lift.report_model import (
    ArmRow,
    Health,
    Phase,
    Population,
    Refusal,
    RefusalCode,
    Report,
    RunFacts,
    Status,
)
from byleave.experiments.lift.srm import (
    ALERT_E_VALUE,
    live_sample_ratio,
    mismatched_rows,
    sample_ratio,
    withdrawal_ratio,
)
from byleave.experiments.lift.strata import Strata
from byleave.experiments.lift.words import headline, p_words, percent, population_words

__all__ = ["METHOD_VERSION", "build_report"]

METHOD_VERSION = "2"

_METHOD = (
    "Arms compared within allocation rows, rows combined with variance-stabilising weights; "
    "always-valid normal-mixture intervals; relative lift by Fieller's method."
)
_MOST_CONFLICTS = 0.01


def build_report(
    strata: Strata,
    *,
    arms: Sequence[str],
    goal_key: str,
    goal: Goal,
    population: Population,
    run: RunFacts,
    control: int = 0,
    alpha: float = 0.05,
    worse_by_at_most: float | None = None,
    withdrawals: ArrayLike | None = None,
    fixed_horizon: bool = False,
    advises: bool = True,
) -> Report:
    """Report one goal of one run for one population.

    Every interval holds at any look and together with those of the other arms: each arm is
    compared at `adjusted_alpha`. A figure that would mislead is refused, with the
    reason in words.

    Args:
        strata: Sums over mature rows, oldest first, of this population.
        arms: The arms' keys, in the order of the columns of `strata`.
        goal_key: The goal's key, as definitions call it.
        goal: What is measured, and its good direction.
        population: Whom the strata are about.
        run: What the strata do not tell.
        control: Column of the control.
        alpha: Error level in (0, 1) of all intervals together.
        worse_by_at_most: For a guard goal, the relative deterioration that is accepted.
        withdrawals: Units of `strata` that withdrew their consent, shape (J, K).
        fixed_horizon: Whether to add intervals that hold for one planned look only.
        advises: Whether to say if going on is worth it, which only the goal that decides can.

    Raises:
        ValueError: The number of arms does not fit the strata, or the control is none of them.
    """
    if len(arms) != strata.arms or not 0 <= control < strata.arms:
        raise ValueError(
            f"expected {strata.arms} arms and a control among them, got {len(arms)} arms and "
            f"control {control}"
        )
    question = Question(
        strata=strata,
        arms=arms,
        control=control,
        goal=goal,
        run=run,
        alpha=adjusted_alpha(alpha, arms=strata.arms),
        worse_by_at_most=worse_by_at_most,
        fixed_horizon=fixed_horizon,
    )
    health, blocking = _health(strata, run, withdrawals)
    small = strata.counts.sum(axis=0) < LEAST_GROUP
    posterior = None if blocking or small.any() else _posterior(strata, goal)
    advised = posterior if advises else None
    stop_advised = advised is not None and may_stop(advised, age_ms=run.age_ms, better=goal.better)
    rows, refusals = _arm_rows(question, small.tolist(), blocked=bool(blocking), beliefs=posterior)
    words = population_words(population)
    return Report(
        sentence=headline(
            rows,
            goal=goal_key,
            kind=goal.kind,
            better=goal.better,
            population=words,
            confidence=1 - alpha,
            phase=run.phase,
            blocking=blocking,
            is_empty=not strata.counts.any(),
            worse_by_at_most=worse_by_at_most,
        ),
        status=_status(question, rows, blocked=bool(blocking), stop_advised=stop_advised),
        population=words,
        goal=goal_key,
        kind=goal.kind,
        better=goal.better,
        unit=population.unit,
        window="the same page" if goal.within == "page" else goal.within.in_words(),
        confidence=1 - alpha,
        rows=strata.rows,
        units=None if small.any() else round(float(strata.counts.sum())),
        mature_until_ms=run.mature_until_ms,
        arms=tuple(rows),
        health=health,
        refusals=(*blocking, *refusals),
        stop_advised=stop_advised,
        value_remaining=_value_remaining(advised, goal),
        assumptions=_assumptions(question),
        method=_METHOD,
        version=METHOD_VERSION,
    )


def _health(
    strata: Strata, run: RunFacts, withdrawals: ArrayLike | None
) -> tuple[Health, list[Refusal]]:
    """The health of a run, and the reasons why it allows no lift at all."""
    ratio, live = sample_ratio(strata), live_sample_ratio(strata)
    leaving = None if withdrawals is None else withdrawal_ratio(strata, withdrawals)
    enrolled = max(run.enrolled, float(strata.counts.sum()), 1.0)
    health = Health(
        sample_ratio_p=ratio.p,
        sample_ratio_e_value=live.e_value,
        conflict_share=run.conflicts / enrolled,
        not_enrolled_share=run.not_enrolled_share,
        withdrawal_p=None if leaving is None else leaving.p,
    )
    refusals = []
    if ratio.alert or live.alert:
        p = ratio.p if ratio.alert else 1 / ALERT_E_VALUE
        words = f"the arms' sizes do not fit their published weights ({p_words(p)})"
        refusals.append(Refusal(code=RefusalCode.SAMPLE_RATIO, words=words))
    elif strange := len(mismatched_rows(strata)):
        rows = "1 allocation row does" if strange == 1 else f"{strange} allocation rows do"
        words = f"{rows} not match what was served"
        refusals.append(Refusal(code=RefusalCode.ROW_MISMATCH, words=words))
    if health.conflict_share > _MOST_CONFLICTS:
        words = f"{percent(health.conflict_share)} of the units were seen in two arms"
        refusals.append(Refusal(code=RefusalCode.CONFLICTS, words=words))
    if leaving is not None and leaving.alert:
        words = (
            f"withdrawals of consent are not equally frequent in all arms ({p_words(leaving.p)})"
        )
        refusals.append(Refusal(code=RefusalCode.WITHDRAWALS, words=words))
    return health, refusals


def _posterior(strata: Strata, goal: Goal) -> Posterior | None:
    """Beliefs about the arms' means, with all rows pooled; None while there is too little."""
    n, y, y2 = (part.sum(axis=0) for part in (strata.counts, strata.sums, strata.squares))
    if goal.kind is GoalKind.CONVERSION:
        return beta_posterior(y, n)
    if effective_orders(y, y2).min() < LEAST_ORDERS:
        return None
    return normal_posterior(n, y, variance=pooled_variance(n, y, y2))


def _value_remaining(posterior: Posterior | None, goal: Goal) -> float | None:
    """By how much another arm could still be better; None where no share of the best tells."""
    if posterior is None:
        return None
    remaining = value_remaining(posterior, better=goal.better)
    return remaining if isfinite(remaining) else None


def _arm_rows(
    question: Question, small: Sequence[bool], *, blocked: bool, beliefs: Posterior | None
) -> tuple[list[ArmRow], list[Refusal]]:
    """One row per arm, the control first, and what is refused of it."""
    compared = None if beliefs is None else compare_arms(beliefs, better=question.goal.better)
    rows: list[ArmRow] = []
    refusals: list[Refusal] = []
    for arm in [question.control, *question.treated]:
        name, is_control = question.arms[arm], arm == question.control
        if small[arm]:
            rows.append(ArmRow(arm=name, is_control=is_control, units=None))
            words = f"{name} has fewer than {LEAST_GROUP} mature units, too few to be shown"
            refusals.append(Refusal(code=RefusalCode.SMALL_GROUP, words=words, arm=name))
        elif blocked or small[question.control]:
            units = round(float(question.strata.counts[:, arm].sum()))
            rows.append(ArmRow(arm=name, is_control=is_control, units=units))
        else:
            row, withheld = arm_row(question, arm, beliefs=compared)
            rows.append(row)
            refusals += withheld
    return rows, refusals


def _status(
    question: Question, rows: Sequence[ArmRow], *, blocked: bool, stop_advised: bool
) -> Status:
    """The one word over a report."""
    phase = question.run.phase
    if phase is Phase.DRAFT:
        return Status.DRAFT
    if blocked:
        return Status.UNHEALTHY
    intervals = [row.difference_interval for row in rows if row.difference_interval is not None]
    if not intervals:
        if phase is Phase.STOPPED:
            return Status.STOPPED
        empty = not question.strata.counts.any()
        return Status.COLLECTING if empty else Status.NOT_ENOUGH_DATA
    higher = [interval.low > 0 for interval in intervals]
    lower = [interval.high < 0 for interval in intervals]
    better, worse = (higher, lower) if question.goal.better is Better.HIGHER else (lower, higher)
    if phase is Phase.RUNNING:
        decided = any(better) or any(worse) or stop_advised
        return Status.READY_FOR_REVIEW if decided else Status.HEALTHY
    if any(better):
        return Status.WON
    return Status.LOST if all(worse) else Status.INCONCLUSIVE


def _assumptions(question: Question) -> tuple[str, ...]:
    """What the figures rest on, one sentence each."""
    sentences = [
        "Units were drawn by the published weights, which never change inside an allocation row.",
        "A unit counts once, with what it does in the window after its first exposure; a row "
        "counts once that window has passed for all of its units.",
        "If an effect differs between times or cells, a weighted average of it is estimated.",
        "Intervals rest on large samples, except the guaranteed one.",
        "The probability of being best and the advice to stop are model-based: they assume "
        "stable rates.",
    ]
    if len(question.treated) > 1:
        sentences.append(
            f"Intervals hold together for all {len(question.treated)} arms compared with the "
            "control."
        )
    if question.fixed_horizon:
        sentences.append(
            "A fixed interval is valid only if one looks once, at a moment planned in advance."
        )
    if question.goal.cap is not None:
        sentences.append(f"A unit contributes at most {question.goal.cap:g}.")
    return tuple(sentences)
