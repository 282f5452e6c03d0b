"""Pages that a shared cache may keep: one for all visitors who are shown the same.

The cache asks `/.byleave/signature` before it looks for a page, with the visitor's cookies and
the page's address in `X-Original-URI`. That decides the page as the page itself would, counts
what it serves, and names the result by a short signature; the cache keeps one page for each. A
page that is asked for with a signature can be shared if deciding it again comes to the same.
"""

from hashlib import blake2b
from urllib.parse import unquote

from byleave.experiments import CONTROL, Decision, may_enrol
from byleave.experiments.placeholders import shown_attributes
from byleave.sdk.asgi_types import Receive, Send
from byleave.sdk.consent_routes import safe_path
from byleave.sdk.exchange import answer, refuse
from byleave.sdk.failures import report
from byleave.sdk.headers import SIGNATURE, Headers, is_shared_by_site
from byleave.sdk.request_attributes import header
from byleave.sdk.visit import Visit
from byleave.segments import Purpose


def shared_form(visit: Visit, headers: Headers) -> str:
    """Return the signature of a page that may be shared as it was asked for; else nothing.

    Args:
        visit: The request, which the site has answered.
        headers: The site's own.
    """
    asked = header(visit.scope, SIGNATURE) if visit.is_announced else ""
    if not asked or visit.is_personal or not is_shared_by_site(headers):
        return ""
    return asked if asked == signature(visit) else ""


def signature(visit: Visit) -> str:
    """Return the name of what a visitor is shown; empty where only they may be shown it."""
    shared, decider = visit.site.shared, visit.decider
    if shared is None or decider is None or visit.forced or visit.site.is_debugged:
        return ""
    slots = shared.slots(visit.path, decider)
    if slots is None:
        return ""
    decided = visit.slots.decisions
    shown = [decided[slot] for slot in sorted(slots) if slot in decided]
    if not all(_can_be_shared(visit, decision) for decision in shown):
        return ""
    told = [
        str(decider.snapshot.version),
        may_enrol(visit.consent),
        visit.is_counted and visit.consent.allows(Purpose.ANALYTICS),
        *(
            (d.slot, d.experiment, d.variant, visit.slots.locale(d))
            for d in shown
            if d.variant != CONTROL
        ),
    ]
    form = blake2b(repr(told).encode(), digest_size=8).hexdigest()
    if shared.has_room(visit.path, form):
        return form
    visit.site.count("pages with too many shared forms")
    return ""


def _can_be_shared(visit: Visit, decision: Decision) -> bool:
    """Return whether a cache may show what was decided, and no exposure is lost by that."""
    decider, experiment = visit.decider, decision.experiment
    if decider is None or experiment is None:
        return True
    definitions = decider.snapshot.definitions
    owner = definitions.experiments[experiment]
    return (
        owner.unit == "visitor"
        and not shown_attributes(owner.variants[decision.variant])
        and experiment not in decider.sensitive
        and definitions.slots[decision.slot].trigger is None
        and (visit.memory.is_brought or not decision.is_enrolling)
    )


async def name_page(visit: Visit, receive: Receive, send: Send) -> None:
    """Answer a cache which form of a page a visitor is to be shown, and count what it serves."""
    del receive
    if visit.site.shared is None:
        return await refuse(send, 404, 'Pages are not shared here; see `cache="signature"`.')
    address = safe_path(header(visit.scope, b"x-original-uri"))
    if visit.scope["method"] != "GET" or address is None:
        return await refuse(send, 400, "Ask by GET, with a page's address in X-Original-URI.")
    headers: list[tuple[str, str]] = []
    cookies: list[str] = []
    try:
        path, _, query = address.partition("?")
        scope = {**visit.scope, "path": unquote(path), "query_string": query.encode()}
        page = Visit(visit.site, scope, visit.decider)
        page.held = []
        if form := signature(page):
            written = _served(page)
            if len(written) < 2:  # a proxy that hands on one header hands on one cookie
                page.release()
                headers, cookies = [(SIGNATURE.decode(), form)], written
    except Exception as error:
        report("page not named", error)
    return await answer(send, 204, headers=headers, cookies=cookies)


def _served(page: Visit) -> list[str]:
    """Serve the slots of a page, and return the cookies that this sets."""
    shared, decider = page.site.shared, page.decider
    slots = shared and decider and shared.slots(page.path, decider)
    decided = page.slots.decisions
    page.slots.served.update({slot: decided[slot] for slot in slots or () if slot in decided})
    page.slots.settle()
    return page.set_cookies()
