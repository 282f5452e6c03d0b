"""Checks of an experiment that puts links in another order: the order must stay as it is."""

from collections.abc import Iterator
from math import inf
from typing import Final

from byleave.experiments.checking_experiments import named_segments
from byleave.experiments.definitions import (
    Definitions,
    Experiment,
    NavVerb,
    Schedule,
    VariantKind,
)
from byleave.experiments.schedule import bounds_ms
from byleave.segments import Fault, Path, Source, reads
from byleave.segments.references import check_vocabulary

#: Links that are in another order than the site's stay so for at least 30 days.
LEAST_ORDER_MS: Final = 30 * 86_400_000

#: What a request says that differs from page to page.
_PASSING: Final = frozenset({"campaign", "hour", "path", "referrer_host"})


def check_order(experiment: Experiment, definitions: Definitions, path: Path) -> Iterator[Fault]:
    """Yield what would let an order of links change again: visitors find by place what they know.

    An arm is kept, so the order stays unless something else takes the arm away.
    """
    if not _moves_links(experiment):
        return
    why = "links that were moved must stay where they are"
    variants = experiment.variants.values()
    if experiment.unit == "view":
        yield Fault((*path, "unit"), f"{why}; use `unit: visitor`")
    if experiment.cap or experiment.until or any(variant.cap for variant in variants):
        yield Fault(path, f"{why}; leave `cap` and `until` out")
    if _lasts_ms(experiment.schedule) < LEAST_ORDER_MS:
        yield Fault((*path, "schedule"), f"{why} for at least 30 days")
    if check_vocabulary(definitions.vocabulary):
        return  # what segments read can be said once they are sound
    for segment, place in named_segments(experiment):
        if place[0] in ("allocate", "report_by") or segment not in definitions.segments:
            continue  # they choose weights and count, and take nothing away
        if passing := _passing(segment, definitions):
            yield Fault(
                (*path, *place),
                f"{why}, but segment {segment!r} reads what changes within a visit: "
                f"{', '.join(passing)}",
            )


def _lasts_ms(schedule: Schedule) -> float:
    if schedule.start is None:
        return inf  # it may have begun long ago
    try:
        start_ms, end_ms = bounds_ms(schedule)
    except ValueError:
        return inf  # which is told where schedules are checked
    return end_ms - start_ms


def _passing(segment: str, definitions: Definitions) -> list[str]:
    """Return the events and attributes a segment reads that change from page to page."""
    read = reads(definitions.segments[segment].when, definitions.vocabulary)
    attributes = {
        name
        for name in read.attributes & _PASSING
        if definitions.attributes[name].source is Source.REQUEST
    }
    return sorted(read.events | attributes)


def _moves_links(experiment: Experiment) -> bool:
    return any(
        change.operation is NavVerb.REORDER
        for variant in experiment.variants.values()
        if variant.kind is VariantKind.NAV
        for change in variant.content
    )
