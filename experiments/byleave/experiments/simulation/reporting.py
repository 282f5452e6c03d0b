"""One simulated experiment from its first visit to its report, and what many of them came to."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from byleave.experiments.allocation import GRACE_MS
from byleave.experiments.lift import Phase, Population, Report, RunFacts, build_report
from byleave.experiments.lift.multiplicity import adjusted_alpha
from byleave.experiments.simulation.looks import Looks, look_often
from byleave.experiments.simulation.scenario import Scenario
from byleave.experiments.simulation.simulating import Run, run_scenario

__all__ = ["ArmSummary", "Simulated", "Summary", "simulate", "summarise"]

_ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One simulated experiment.

    Attributes:
        seed: The seed that gives it again.
        run: What happened.
        report: The report once all of it is mature.
        looks: Every arm but the control, looked at whenever a row matured.
    """

    seed: int
    run: Run
    report: Report
    looks: tuple[Looks, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain dictionaries, lists, text and numbers, ready for JSON."""
        return {
            "seed": self.seed,
            "reward": self.run.reward,
            "regret": self.run.regret,
            "control_reward": self.run.control_reward,
            "rows": [asdict(row) for row in self.run.rows],
            "report": self.report.to_dict(),
            "looks": [asdict(looks) for looks in self.looks],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """What many runs came to for one arm; shares of runs in [0, 1].

    Attributes:
        arm: The arm's key.
        fixed_coverage: Share in which the interval for one planned look holds the truth.
        always_valid_coverage: Share in which the always-valid interval held it at every look.
        guaranteed_coverage: Share in which the guaranteed interval held it at every look.
        naive_coverage: Share in which the interval around plain means holds it.
        seen_share: Share in which the always-valid interval excluded 0 at some look.
        seen_ms: Median time until then, runs that never saw it counting as infinite; None
            where that is the median.
    """

    arm: str
    fixed_coverage: float | None
    always_valid_coverage: float | None
    guaranteed_coverage: float | None
    naive_coverage: float | None
    seen_share: float
    seen_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What many simulated runs of one scenario came to.

    Attributes:
        runs: How many.
        regret: Mean regret.
        regret_error: Its standard error; 0 for a single run.
        reward: Mean reward.
        control_reward: Mean of what the control alone would have brought.
        arms: Every arm but the control.
    """

    runs: int
    regret: float
    regret_error: float
    reward: float
    control_reward: float
    arms: tuple[ArmSummary, ...]


def simulate(scenario: Scenario, seed: int) -> Simulated:
    """Simulate an experiment and report it, by the code that a server runs.

    Args:
        scenario: The declared truth, and how the experiment is run.
        seed: Seed of the random numbers; the same seed gives the same experiment.
    """
    run, keys = run_scenario(scenario, seed), scenario.keys
    report = build_report(
        run.strata,
        arms=keys,
        goal_key=scenario.allocate.goal,
        goal=scenario.goal,
        population=Population(),
        run=RunFacts(
            phase=Phase.STOPPED,
            age_ms=scenario.length_ms + GRACE_MS + scenario.within,
            mature_until_ms=scenario.length_ms,
            enrolled=round(float(run.strata.counts.sum())),
        ),
        alpha=_ALPHA,
        fixed_horizon=True,
    )
    alpha = adjusted_alpha(_ALPHA, arms=len(keys))
    looks = tuple(look_often(scenario, run, arm, alpha=alpha) for arm in keys[1:])
    return Simulated(seed=seed, run=run, report=report, looks=looks)


def summarise(runs: Sequence[Simulated]) -> Summary:
    """Return what several runs of one scenario came to together.

    Raises:
        ValueError: There is no run.
    """
    if not runs:
        raise ValueError("expected at least one run")
    regrets = np.array([each.run.regret for each in runs])
    error = float(regrets.std(ddof=1)) / sqrt(len(runs)) if len(runs) > 1 else 0.0
    return Summary(
        runs=len(runs),
        regret=float(regrets.mean()),
        regret_error=error,
        reward=float(np.mean([each.run.reward for each in runs])),
        control_reward=float(np.mean([each.run.control_reward for each in runs])),
        arms=tuple(
            _arm_summary(looks) for looks in zip(*(each.looks for each in runs), strict=True)
        ),
    )


def _arm_summary(looks: Sequence[Looks]) -> ArmSummary:
    seen = [np.inf if each.seen_ms is None else each.seen_ms for each in looks]
    median = float(np.sort(seen)[len(seen) // 2])
    return ArmSummary(
        arm=looks[0].arm,
        fixed_coverage=_share(each.fixed_holds for each in looks),
        always_valid_coverage=_share(each.always_valid_holds for each in looks),
        guaranteed_coverage=_share(each.guaranteed_holds for each in looks),
        naive_coverage=_share(each.naive_holds for each in looks),
        seen_share=float(np.isfinite(seen).mean()),
        seen_ms=median if np.isfinite(median) else None,
    )


def _share(held: Iterable[bool | None]) -> float | None:
    known = [each for each in held if each is not None]
    return sum(known) / len(known) if known else None
