"""What a demonstration showed: for a program as one JSON object, for a person as a page of text."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from byleave.experiments import CONTROL
from byleave.server.demo.simulation import Visitors
from byleave.server.demo.stage import Stage, example
from byleave.server.results import Results


def summary(stage: Stage, visitors: Visitors) -> dict[str, Any]:
    """Return what happened, beside what is true, as JSON-able data.

    The lift of an experiment is that of its truly best arm over control.
    """
    return {
        "visitors": len(visitors.people),
        "pages": visitors.pages,
        "not_enrolled": visitors.without_consent,
        "experiments": {
            key: _experiment(stage.service.results(key), example("true_rates").TRUE_RATES[key])
            for key in stage.service.published.snapshot.definitions.experiments
        },
    }


def _experiment(results: Results, rates: Mapping[str, float]) -> dict[str, Any]:
    best = _best(rates)
    row = next(arm for arm in results.report.arms if arm.arm == best)
    interval = row.lift_interval
    return {
        "arm": best,
        "lift": row.lift,
        "interval": None if interval is None else [interval.low, interval.high],
        "true_lift": rates[best] / rates[CONTROL] - 1,
        "allocation": last_weights(results),
        "srm_p": results.report.health.sample_ratio_p,
    }


def _best(rates: Mapping[str, float]) -> str:
    return max((arm for arm in rates if arm != CONTROL), key=lambda arm: rates[arm])


def last_weights(results: Results) -> dict[str, float]:
    """Return the weights of the cell in which every arm may be drawn, as they are now."""
    step = max(results.allocation, key=lambda step: (len(step.weights), step.opened_ms))
    return dict(step.weights)


def as_text(stage: Stage, visitors: Visitors) -> Iterator[str]:
    """Yield the lines that a person reads at the end of the demonstration."""
    rates = example("true_rates").TRUE_RATES
    crawlers = sum(person.is_crawler for person, _ in visitors.people)
    yield f"{len(visitors.people):,} simulated visitors, {crawlers:,} of them crawlers"
    decisions = stage.shop.client.counters["decisions"]
    yield f"{visitors.pages:,} pages served, {visitors.failures:,} failed, {decisions:,} decisions"
    yield f"{visitors.without_consent:,} visitors never enrolled, for want of consent"
    for key in rates:
        results = stage.service.results(key)
        found = _experiment(results, rates[key])
        yield ""
        yield f"{results.title or key}: {results.report.sentence}"
        yield f"  true lift of {found['arm']}: {found['true_lift']:+.1%}"
        yield from _history(results)


def _history(results: Results) -> Iterator[str]:
    arms = list(last_weights(results))
    steps = [step for step in results.allocation if list(step.weights) == arms]
    every = max(1, len(steps) // 6)
    yield "  weights as they moved:  " + "".join(f"{arm:>14}" for arm in arms)
    for step in [*steps[:-1:every], steps[-1]]:
        day = datetime.fromtimestamp(step.opened_ms / 1000, UTC)
        shares = "".join(f"{step.weights[arm]:>14.1%}" for arm in arms)
        yield f"    {day:%a %d %b %H:%M}         {shares}"
