"""What a site keeps of visitors, for what and for how long; and one visitor's own data."""

import json
from dataclasses import dataclass
from re import fullmatch
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments import Definitions
from byleave.segments import Duration, Purpose, SegmentLeaf, Source, reads
from byleave.server.access import ADMINS, READERS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.counters import Pages, pages, totals
from byleave.server.events import VISITOR_ID
from byleave.server.service import Service

_PATH: Final = "/console/privacy"
_MONTH_MS: Final = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A kind of data that is kept of a visitor.

    Attributes:
        name: The event or attribute.
        is_event: Which of the two it is.
        purposes: What it may be used for.
        kept_for: How long, in words; empty where the definitions set no end.
        is_sensitive: Whether it needs an explicit grant in every region.
        needed_by: The segments and goals that look at it; nothing keeps it for no reason.
    """

    name: str
    is_event: bool
    purposes: tuple[Purpose, ...]
    kept_for: str
    is_sensitive: bool
    needed_by: tuple[str, ...]


async def show(call: PageCall) -> Response:
    """Show what is kept of visitors."""
    return await _page(call, Form.holding())


async def look(call: PageCall) -> Response:
    """Show what is kept of one visitor, or forget them."""
    form = Form(call.values)
    visitor = form.value("visitor").strip()
    if not fullmatch(VISITOR_ID, visitor):
        form.faults["visitor"] = _("Give the id that the visitor's browser has.")
        return await _page(call, form, status=422)
    if form.value("act") == "forget":
        if not form.value("sure"):
            return call.page("visitor_removal.html", visitor=visitor)
        await run_in_threadpool(call.service.erase, visitor)
        return call.page("visitor.html", visitor=visitor, found="", is_forgotten=True)
    found = await run_in_threadpool(call.service.export, visitor)
    told = json.dumps(found, indent=2, ensure_ascii=False)
    return call.page("visitor.html", visitor=visitor, found=told, is_forgotten=False)


def stored(definitions: Definitions) -> list[Stored]:
    """Return what a site keeps of visitors beyond a request, by name."""
    vocabulary = definitions.vocabulary
    needs = {key: reads(SegmentLeaf(key), vocabulary) for key in definitions.segments}
    kept = [
        Stored(
            name=name,
            is_event=True,
            purposes=event.purposes,
            kept_for=_in_words(event.ttl),
            is_sensitive=False,
            needed_by=(
                *(key for key, read in needs.items() if name in read.events),
                *(key for key, goal in definitions.goals.items() if goal.event == name),
            ),
        )
        for name, event in definitions.events.items()
    ]
    kept += [
        Stored(
            name=name,
            is_event=False,
            purposes=attribute.purposes,
            kept_for=_in_words(attribute.ttl),
            is_sensitive=attribute.sensitive,
            needed_by=tuple(key for key, read in needs.items() if name in read.attributes),
        )
        for name, attribute in definitions.attributes.items()
        if attribute.source in (Source.DEVICE, Source.SERVER)
    ]
    return sorted(kept, key=lambda each: each.name)


def _in_words(ttl: Duration | str | None) -> str:
    return ttl.in_words() if isinstance(ttl, Duration) else ttl or ""


def _pages(service: Service) -> Pages:
    since_ms = service.clock() - _MONTH_MS
    with service.storage.reading() as connection:
        return pages(totals(connection, service.site, since_ms=since_ms))


async def _page(call: PageCall, form: Form, *, status: int = 200) -> Response:
    return call.page(
        "privacy.html",
        status=status,
        stored=stored(call.service.published.snapshot.definitions),
        shares=[
            (use, share)
            for pages in [await run_in_threadpool(_pages, call.service)]
            for use in Purpose
            if (share := pages.share({use})) is not None
        ],
        form=form,
        may_look=call.role in ADMINS,
    )


PAGES: Final = (
    ConsolePage(
        path=_PATH,
        roles=READERS,
        handle=show,
        summary="What is kept of visitors, for what and for how long.",
    ),
    ConsolePage(
        path=_PATH,
        roles=ADMINS,
        handle=look,
        summary="Show what is kept of one visitor, or forget them.",
        method="POST",
    ),
)
