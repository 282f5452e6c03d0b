"""Several goals looked at together: which differences are there although one looked at so many.

Of twenty goals that nothing changed one may well have an interval without 0. An arm stands out on
a goal where its evidence is enough for all that was looked at.
"""

from collections.abc import Sequence
from dataclasses import replace

from byleave.experiments.lift.multiplicity import e_benjamini_hochberg
from byleave.experiments.lift.report_model import Report

__all__ = ["looked_at_together"]


def looked_at_together(reports: Sequence[Report], *, alpha: float = 0.05) -> tuple[Report, ...]:
    """Return the reports of a run's goals, every arm with whether it stands out.

    By `e_benjamini_hochberg` over all arms and goals: whenever one looks, and however the goals
    depend on each other, at most a share alpha of those that stand out is expected to do so by
    chance. An arm without an interval is counted, with no evidence.

    Args:
        reports: The reports of different goals on the same arms, for everyone.
        alpha: Accepted share of false ones in (0, 1).
    """
    evidence = [
        1.0 if row.e_value is None else row.e_value
        for report in reports
        for row in report.arms
        if not row.is_control
    ]
    verdicts = iter(e_benjamini_hochberg(evidence, alpha=alpha))
    return tuple(
        replace(
            report,
            arms=tuple(
                row if row.is_control else replace(row, stands_out=next(verdicts))
                for row in report.arms
            ),
        )
        for report in reports
    )
