"""The page's own report: a small script from the site's origin, and what it tells us.

The script is on a page with slots only where the page view may be measured, and an experiment
filled one or a definition reads what only the page sees. It reports that the page was loaded and
which slots came into view, goals that elements are marked with, and the standard web events. Of
who has not said anything about analytics no more is taken than what belongs to the page view.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from byleave.experiments import Decider, Decision, may_enrol
from byleave.sdk import events, offers
from byleave.sdk.carried import is_due
from byleave.sdk.encoding import encoded
from byleave.sdk.headers import is_swapped_in
from byleave.sdk.visit import Visit
from byleave.segments import Purpose

EVENTS_PATH: Final = "/.byleave/events"

#: The files of the script, the core last: each listens to what the core tells when it begins.
SCRIPTS: Final = ("beacon_events.js", "beacon_offers.js", "beacon.js")

#: The standard web events that a page itself can tell of.
WEB_EVENTS: Final = frozenset(
    {"page_view", "search", "form_start", "form_submit", "form_abandon", "scroll", "dwell"}
)

_END: Final = re.compile(rb"</body\s*>\s*(?:</html\s*>\s*)?\Z", re.IGNORECASE)
_NOT_CODE: Final = re.compile(rb"^\s*//.*\n|^\s+", re.MULTILINE)


@cache
def file(name: str) -> bytes:
    """Return a file as browsers get it: without comments of whole lines and indentation."""
    return _NOT_CODE.sub(b"", Path(__file__).with_name(name).read_bytes())


@cache
def address(name: str) -> str:
    """Return where browsers find a file; the address changes with the file."""
    return f"/.byleave/{name}?{blake2b(file(name), digest_size=6).hexdigest()}"


def script_tag(name: str) -> str:
    """Return the element that loads a file of the script."""
    return f'<script defer src="{address(name)}"></script>'


@lru_cache(maxsize=8)
def web_events(decider: Decider) -> Collection[str]:
    """Return the standard web events that some definition reads; no other is collected."""
    definitions = decider.snapshot.definitions
    read = {goal.event for goal in definitions.goals.values()}
    read.update(*(slot.trigger.events for slot in definitions.slots.values() if slot.trigger))
    for streams in decider.rules.memory.streams.values():
        read.update(event for stream in streams.values() for event in stream.events)
    return sorted(WEB_EVENTS & read & definitions.events.keys())


def ending(visit: Visit, out: bytes, *, codec: str) -> bytes | None:
    """Return bytes of a page with the script before its end; None where that is not in them.

    What is swapped into a page gets none: the page that stands has its own, and two would count
    twice.

    Args:
        visit: The request.
        out: What goes out now.
        codec: The page's charset.
    """
    if is_swapped_in(visit.scope):
        return None
    match = _END.search(out, max(0, len(out) - 256))
    added = f"{_panel(visit)}{_elements(visit, codec)}" if match else ""
    if match is None or not added:
        return None
    place = match.start()
    page = memoryview(out)  # so that the page is copied once
    return b"".join((page[:place], encoded(added, codec), page[place:]))


def _elements(visit: Visit, codec: str) -> str:
    if visit.decider is None or not _may_report(visit):
        return ""
    data = measured(visit)
    told = web_events(visit.decider) if may_enrol(visit.consent) else ()
    is_more = not {*told} <= {"page_view"}  # which the site itself sees, but for few views
    found = offers.offers(visit)
    is_stale = is_due(visit)
    if "receipt" not in data and not (is_more or found or is_stale):
        return ""
    flags = {"seen": visit.consent.allows(Purpose.ANALYTICS), "refresh": is_stale}
    data = {"events": told, **data, **{name: True for name, is_set in flags.items() if is_set}}
    if found:
        data["offers"] = [
            offers.offer(visit, decision, trigger, sealed=_sealed_offer(visit, decision))
            for decision, trigger in found
        ]
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    needed = zip(SCRIPTS, (is_more, found, True), strict=True)
    scripts = "".join(script_tag(name) for name, is_needed in needed if is_needed)
    shown = "".join(offers.content(visit, decision, codec=codec) for decision, _ in found)
    if found:
        shown += f'<link rel="stylesheet" href="{address("controls.css")}">'
    return f'<script type="application/json" id="byleave-data">{text}</script>{shown}{scripts}'


def _panel(visit: Visit) -> str:
    if not (visit.site.is_debugged or visit.forced):
        return ""
    from byleave.sdk.panel import panel  # for developers and previews alone

    return panel(visit)


def measured(visit: Visit) -> dict[str, Any]:
    """Return what a page hands back in its report: the receipt, and exposures not yet counted.

    Nothing where the page view is not to be measured.
    """
    if not _may_report(visit) or visit.shared is not None:
        return {}
    receipt, pending = visit.slots.receipt(), visit.slots.pending
    return {
        **({} if receipt is None else {"receipt": receipt}),
        **({"pending": _sealed(visit, pending)} if pending else {}),
    }


def _may_report(visit: Visit) -> bool:
    return visit.may_measure and not visit.is_restored


def _sealed_offer(visit: Visit, decision: Decision) -> str:
    identity = visit.memory.identity
    unit = identity.id if identity else ""
    random_bytes = visit.site.random_bytes
    exposure = events.exposure(decision, unit, at_ms=visit.now_ms, random_bytes=random_bytes)
    return _sealed(visit, [("visitor", exposure)])


def _sealed(visit: Visit, pending: Sequence[tuple[str, events.Event]]) -> str:
    packed = urlsafe_b64encode(json.dumps([visit.now_ms, pending]).encode()).decode()
    return visit.site.keys.signer("pending").sign(packed.rstrip("=")).decode()
