"""The segments: what each asks, how many are in it, what uses it, and whom it cannot reach."""

import json
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments import Definitions
from byleave.experiments.advising import advise
from byleave.experiments.checking_experiments import named_segments
from byleave.segments import Path, Purpose, SegmentLeaf, canonical_json, reads
from byleave.server.access import ADMINS, ANALYSTS, EDITORS, READERS
from byleave.server.console.display import marked as _
from byleave.server.console.keeping import kept
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.segment_study import sample_of, study
from byleave.server.counters import pages, totals
from byleave.server.counting import SegmentSize, Survey
from byleave.server.knowing import MOST_DRAWN
from byleave.server.layout import text_of
from byleave.server.service import Service

_UNKNOWN: Final = (
    _("There is no such segment"),
    _("It may have been renamed or archived. The list of segments shows what there is."),
)
_MONTH_MS: Final = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """A segment as the page shows it.

    Attributes:
        key: Its key.
        title: What people call it.
        because: What a visitor is told.
        rule: What it asks, as a file of definitions has it.
        use: What it may be used for.
        size: How many are in it, of how many.
        advice: What its author should know, such as whom it cannot reach, and how many page
            views of the last 30 days those were, where they were counted.
        experiments: The experiments that name it.
        segments: The segments that look at it.
    """

    key: str
    title: str
    because: str
    rule: str
    use: Purpose
    size: SegmentSize
    advice: tuple[str, ...]
    experiments: tuple[str, ...]
    segments: tuple[str, ...]


async def show(call: PageCall) -> Response:
    """Show the segments."""
    found = await run_in_threadpool(segment_views, call.service)
    may_build = call.role in EDITORS
    return call.page("segments.html", segments=found, most=MOST_DRAWN, may_build=may_build)


async def show_one(call: PageCall) -> Response:
    """Show a segment: its rows, who is in it and why, and what else they are in."""
    key = call.request.path_params["segment"]
    found = {each.key: each for each in await run_in_threadpool(segment_views, call.service)}
    if key not in found:
        raise PageError(404, *_UNKNOWN)
    definitions = call.service.published.snapshot.definitions
    return call.page(
        "segment.html",
        segment=found[key],
        study=await run_in_threadpool(study, call.service, key, definitions),
        titles={name: each.title for name, each in found.items()},
        may_build=call.role in EDITORS,
        may_see_examples=call.role in ANALYSTS,
        may_see_visitors=call.role in ADMINS,
    )


def segment_views(service: Service) -> tuple[SegmentView, ...]:
    """Return the segments in force by key, as of now or of up to a minute ago.

    Raises:
        NothingPublishedError: The site has no definitions yet.
    """
    return kept(service, "segments", lambda: _views(service))


def _views(service: Service) -> tuple[SegmentView, ...]:
    definitions, now_ms = service.published.snapshot.definitions, service.clock()
    with service.storage.reading() as connection:
        seen = pages(totals(connection, service.site, since_ms=now_ms - _MONTH_MS))
    survey = Survey(sample_of(service), definitions, [*definitions.segments], now_ms=now_ms)
    shares = {use: share for use in Purpose if (share := seen.share({use})) is not None}
    advice = [(each.path, each.message) for each in advise(definitions, granted=shares)]
    return tuple(
        _segment(definitions, key, survey.size(key), advice) for key in sorted(definitions.segments)
    )


def _segment(
    definitions: Definitions, key: str, size: SegmentSize, advice: list[tuple[Path, str]]
) -> SegmentView:
    segment = definitions.segments[key]
    return SegmentView(
        key=key,
        title=segment.title or key,
        because=segment.because,
        rule=text_of({"segment": key, **json.loads(canonical_json(segment))}),
        use=segment.use,
        size=size,
        advice=tuple(text for path, text in advice if path[:2] == ("segments", key)),
        experiments=tuple(
            name
            for name, experiment in definitions.experiments.items()
            if key in {named for named, _ in named_segments(experiment)}
        ),
        segments=tuple(
            name
            for name in definitions.segments
            if name != key and key in reads(SegmentLeaf(name), definitions.vocabulary).segments
        ),
    )


PAGES: Final = (
    ConsolePage(
        path="/console/segments",
        roles=READERS,
        handle=show,
        summary="The segments: what each asks, and how many are in it.",
    ),
    ConsolePage(
        path="/console/segments/{segment}",
        roles=READERS,
        handle=show_one,
        summary="A segment: its rows, who is in it and why, and what else they are in.",
    ),
)
