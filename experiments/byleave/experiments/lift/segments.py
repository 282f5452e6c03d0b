"""Reports of segments: drawn towards that of everyone, and marked as exploratory.

Of twenty segments that do not differ one may well look as if it did. What a segment shows is
therefore drawn towards what everyone shows, the more so the less segments differ by more than
chance (Efron & Morris 1975, "Data analysis using Stein's estimator").
"""

from collections.abc import Mapping
from dataclasses import replace

from byleave.experiments.lift.report_model import ArmRow, Report

__all__ = ["exploratory"]


def exploratory(whole: Report, segments: Mapping[str, Report]) -> dict[str, Report]:
    """Return the reports of segments with every arm's difference drawn towards that of everyone.

    A segment's difference d with standard error s becomes m + v/(v + s²)·(d - m), where m is the
    difference of everyone and v how much segments vary beyond chance:
    v = max(0, (Σ(d - m)²/s² - S)/Σ1/s²) over S segments (the moment estimate of DerSimonian &
    Laird 1986, with m given). Intervals stay those of the segment by itself.

    Args:
        whole: The report of everyone.
        segments: The report of each segment on the same goal and arms.
    """
    rows = {row.arm: _drawn(row, [part.arms for part in segments.values()]) for row in whole.arms}
    return {
        name: replace(
            report,
            is_exploratory=True,
            arms=tuple(
                replace(row, drawn_difference=rows[row.arm].get(place)) for row in report.arms
            ),
        )
        for place, (name, report) in enumerate(segments.items())
    }


def _drawn(whole: ArmRow, segments: list[tuple[ArmRow, ...]]) -> dict[int, float]:
    """The drawn difference of one arm by the place of the segment, where there is one."""
    found = {
        place: (row.difference, row.standard_error**2)
        for place, rows in enumerate(segments)
        for row in rows
        if row.arm == whole.arm and row.difference is not None and row.standard_error
    }
    if whole.difference is None or not found:
        return {}
    centre = whole.difference
    surplus = sum((d - centre) ** 2 / square for d, square in found.values()) - len(found)
    between = max(0.0, surplus / sum(1 / square for _, square in found.values()))
    return {
        place: centre + between / (between + square) * (d - centre)
        for place, (d, square) in found.items()
    }
