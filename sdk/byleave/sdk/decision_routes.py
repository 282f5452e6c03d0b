"""Decisions for front ends in JavaScript: what slots show, on the site's own origin.

What is decided, remembered, counted and signed is what a page with these slots would be; what
leaves is the content of the variants, and nothing of why they were chosen.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from byleave.experiments import CONTROL, Decision
from byleave.experiments.definitions import VariantKind
from byleave.sdk.asgi_types import Receive, Send
from byleave.sdk.beacon import measured
from byleave.sdk.consent_routes import safe_path
from byleave.sdk.exchange import answer, is_same_origin, read_body, refuse
from byleave.sdk.failures import report
from byleave.sdk.fresh import fetch
from byleave.sdk.visit import Visit
from byleave.sdk.words import checked_fields
from byleave.segments import plain

_MOST_BYTES: Final = 8_192
_MOST_SLOTS: Final = 50
_EXPECTED: Final = 'Expected {"slots": ["a-slot"], "path": "/the/page"} as JSON, 50 slots at most.'


async def take_question(visit: Visit, receive: Receive, send: Send) -> None:
    """Answer which content the slots of a page show this visitor, as JSON."""
    if visit.scope["method"] != "POST":
        return await refuse(send, 405, "Ask for decisions by POST.")
    if not is_same_origin(visit.scope):
        return await refuse(send, 403, "Decisions are for this site's own pages.")
    body = await read_body(receive, most_bytes=_MOST_BYTES)
    if body is None:
        return await refuse(send, 413, "The question is too large.")
    asked = _asked(body)
    if asked is None:
        return await refuse(send, 400, _EXPECTED)
    slots, path = asked
    page = _page(visit, path)
    said: dict[str, Any] = {"slots": dict.fromkeys(slots)}
    cookies: list[str] = []
    try:
        await fetch(page, has_slots=True)
        await page.slots.ask()
        said["slots"] = {slot: _shown(page, slot) for slot in slots}
        page.slots.settle()
        said |= measured(page)
        cookies = page.set_cookies()
    except Exception as error:
        report("decisions not given", error)
    headers = [("content-type", "application/json"), ("x-content-type-options", "nosniff")]
    text = json.dumps(said, separators=(",", ":")).encode()
    return await answer(send, 200, headers=headers, body=text, cookies=cookies)


def _asked(body: bytes) -> tuple[list[str], str] | None:
    """Return the slots and the page that a question names; None for what is no question."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match data:
        case {"slots": [*slots], "path": str(path)}:
            is_sound = len(slots) <= _MOST_SLOTS and all(isinstance(each, str) for each in slots)
            return (slots, path) if is_sound and safe_path(path) is not None else None
        case _:
            return None


def _page(visit: Visit, path: str) -> Visit:
    """Return the visit of the page that asks; its request is this one, its address its own."""
    path, _, query = path.partition("?")
    scope = {**visit.scope, "path": unquote(path), "query_string": query.encode("utf-8")}
    return Visit(visit.site, scope, visit.decider, may_write=True)


def _shown(visit: Visit, slot: str) -> Mapping[str, Any] | None:
    """Return what a slot shows, and serve it; None for the site's own content."""
    if slot not in visit.slots.names:
        return None
    content = visit.slots.serve(slot, b"", "utf-8")
    decider, decision = visit.decider, visit.slots.served.get(slot) or Decision(slot=slot)
    if decider is None or decision.experiment is None or decision.variant == CONTROL:
        return None
    definitions = decider.snapshot.definitions
    variant = definitions.experiments[decision.experiment].variants[decision.variant]
    match variant.kind:
        case VariantKind.FIELDS:
            try:
                given: Any = checked_fields(
                    definitions.slots[slot],
                    variant.content,
                    visit.slots.locale(decision),
                    visit.known,
                )
            except ValueError as error:
                report("variant not shown", error, slot=slot, variant=decision.variant)
                return None
        case VariantKind.DATA | VariantKind.NAV:
            given = plain(variant.content)
        case _:
            if content is None:
                return None
            return {"kind": "html", "content": content.decode()}
    return {"kind": str(variant.kind), "content": given}
