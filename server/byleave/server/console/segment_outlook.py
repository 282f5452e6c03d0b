"""What a segment that is being built would come to: its reach, its rows, an experiment on it."""

from collections.abc import Iterator
from typing import Any, Final

from byleave.segments import DefinitionError, Purpose
from byleave.server.console.experiments_checks import expected
from byleave.server.console.forms import Form
from byleave.server.console.segment_study import CountedRow, Study
from byleave.server.counters import pages, totals
from byleave.server.counting import RECENT_MS, SegmentSize
from byleave.server.service import Service

#: The experiment whose time is told: one variant beside the control.
_PLAIN: Final = {"variants": {"control": "site", "variant": {}}}
_DAY_MS: Final = 86_400_000


def shares(service: Service) -> dict[Purpose, float | None]:
    """Return by purpose the share of page views in the last 30 days that allowed it."""
    with service.storage.reading() as connection:
        counts = totals(connection, service.site, since_ms=service.clock() - RECENT_MS)
    seen = pages(counts)
    return {use: seen.share({use}) for use in Purpose}


def time_needed(form: Form, found: Study | None) -> dict[str, Any]:
    """Return how long an experiment on those who are in a segment would take."""
    asked = [form.value(name) for name in ("baseline", "lift")]
    told: dict[str, Any] = {"is_asked": any(asked), "is_wrong": False, "days": None, "units": 0}
    monthly = found.size.inside if found else None
    if not told["is_asked"] or not monthly:
        return told | {"is_asked": told["is_asked"] and found is not None, "monthly": monthly}
    told["monthly"] = monthly
    try:
        baseline, lift = (float(text.replace(",", ".")) / 100 for text in asked)
        plan = expected(_PLAIN, baseline=baseline, lift=lift, a_day=monthly * _DAY_MS / RECENT_MS)
    except (ValueError, DefinitionError):
        return told | {"is_wrong": True}
    if plan is None:
        return told
    return told | {"days": -(-plan.seen_ms // _DAY_MS), "units": plan.units}


def sizes(row: CountedRow) -> Iterator[tuple[str, SegmentSize]]:
    """Yield for how many each row of a condition holds, by its place."""
    yield row.place, row.size
    for each in row.inside:
        yield from sizes(each)
