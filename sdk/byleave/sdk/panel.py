"""The panel for developers: what each slot of a page shows, why, and what deciding took.

In debug mode it is on every page that is looked at, behind a signed preview link on pages with
slots; no shared cache keeps them. It is HTML and a style sheet of this site, so that it runs
under any strict Content-Security-Policy.
"""

import time
from typing import Final

from markupsafe import Markup

from byleave.experiments import Decider
from byleave.sdk.crawlers import is_crawler
from byleave.sdk.visit import Visit

#: How it looks, as everything else of ours on a page.
STYLE_PATH: Final = "/.byleave/controls.css"

_PANEL: Final = Markup(
    '<aside class="byleave-debug" lang="en" aria-label="Byleave: how this page was decided">'
    '<link rel="stylesheet" href="{style}">'
    "<details><summary>Byleave: how this page was decided</summary>"
    '<div tabindex="0" role="group" aria-label="Slots of this site">'
    "<table><caption>Slots of this site. Deciding all of them takes {ms} ms.{crawler}</caption>"
    '<thead><tr><th scope="col">Slot</th><th scope="col">On this page</th>'
    '<th scope="col">Experiment</th>'
    '<th scope="col">Shows</th><th scope="col">Chosen as</th><th scope="col">Audience</th></tr>'
    "</thead><tbody>{rows}</tbody></table></div></details></aside>"
)
_ROW: Final = Markup(
    '<tr><th scope="row">{slot}</th><td>{place}</td><td>{experiment}</td><td>{variant}</td>'
    "<td>{reason}</td><td>{audience}</td></tr>"
)

_CRAWLER: Final = (
    " By its User-Agent this was taken for a crawler, which sees the site's own content alone."
)


def panel(visit: Visit) -> str:
    """Return the panel of a page, for somebody who may see it; nothing without definitions."""
    decider = visit.decider
    if decider is None:
        return ""
    before = time.perf_counter()
    decider.decide(visit.visitor, visit.slots.names, now_ms=visit.now_ms)
    took = time.perf_counter() - before
    rows = Markup().join(
        _ROW.format(
            slot=slot,
            place=_place(visit, slot),
            experiment=decision.experiment or "none",
            variant=decision.variant,
            reason=str(decision.reason),
            audience=_audience(visit, decider, decision.experiment),
        )
        for slot, decision in sorted(visit.slots.decisions.items())
    )
    crawler = _CRAWLER if is_crawler(visit.scope) else ""
    text = _PANEL.format(style=STYLE_PATH, ms=f"{took * 1000:.2f}", rows=rows, crawler=crawler)
    return str(text)


def _place(visit: Visit, slot: str) -> str:
    """Return whether a slot was met on the page, and by what it was looked for."""
    if slot in visit.slots.served or slot in visit.slots.offered:
        return "yes"
    selector = visit.site.selectors.get(slot)
    return f"no: nothing matches {selector}" if selector else "no: no element is marked with it"


def _audience(visit: Visit, decider: Decider, experiment: str | None) -> str:
    """Return why the visitor is or is not in an experiment's audience."""
    known = decider.snapshot.definitions.experiments
    audience = known[experiment].audience if experiment else None
    if audience is None:
        return "everybody" if experiment else ""
    visitor = visit.visitor
    facts = decider.rules.facts(
        consent=visitor.consent,
        attributes=visitor.attributes,
        profile=visitor.profile,
        now_ms=visit.now_ms,
        collected=visitor.collected,
    )
    return facts.explain(audience).sentence
