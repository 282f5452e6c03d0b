"""What visitors may ask of the site itself: what their device keeps, and to be forgotten."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from byleave.sdk.asgi_types import Receive, Send
from byleave.sdk.consent_routes import safe_path
from byleave.sdk.exchange import answer, is_same_origin, read_form, refuse
from byleave.sdk.memory import brought_identity, expire_visitor
from byleave.sdk.visit import Visit
from byleave.sdk.visitor import IDENTITY_LASTS_MS
from byleave.segments import Purpose

PROFILE_PATH: Final = "/.byleave/profile"

#: When the site began to abide by Global Privacy Control in the way that it does now; the day is
#: part of the resource (https://w3c.github.io/gpc/#gpc-support-resource).
_GPC: Final = {"gpc": True, "lastUpdate": "2026-11-26"}


async def take_profile(visit: Visit, receive: Receive, send: Send) -> None:
    """Give a visitor what their device keeps, as JSON, or erase it by `forget=yes`.

    Whoever is erased is forgotten by the server, too, and has no id; their choice stays.
    """
    if not is_same_origin(visit.scope):
        return await refuse(send, 403, "A profile is only for its visitor, on this site's pages.")
    match visit.scope["method"]:
        case "GET" | "HEAD":
            body = json.dumps(exported(visit), indent=2).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-disposition", 'attachment; filename="profile.json"'),
            ]
            return await answer(send, 200, headers=headers, body=body)
        case "POST":
            return await _forget(visit, receive, send)
        case _:
            return await refuse(send, 405, "Fetch the profile, or post forget=yes.")


async def _forget(visit: Visit, receive: Receive, send: Send) -> None:
    form = await read_form(receive)
    back = safe_path(form.get("back", ["/"])[0])
    if form.get("forget") != ["yes"] or back is None:
        return await refuse(send, 400, "Expected forget=yes, and back=/a/path of this site.")
    brought = brought_identity(visit.site, visit.scope, visit.cookies)
    if brought is not None:
        visit.withdraw(brought.id, visit.consent)
    cookies = expire_visitor(visit.scope, visit.cookies)
    return await answer(send, 303, headers=[("location", back)], cookies=cookies)


def exported(visit: Visit) -> dict[str, Any]:
    """Return what the visitor's device keeps: each item with its purpose and its times."""
    said = {
        "choices": {str(use): str(choice) for use, choice in visit.consent.choices.items()},
        "source": visit.consent.source,
    }
    identity = visit.memory.identity if visit.memory.is_brought else None
    if identity is None:
        return {"consent": said, "id": None, "remembered": [], "known": [], "arms": []}
    state = visit.memory.state
    return {
        "consent": said,
        "id": {
            "value": identity.id,
            "since": _date(identity.issued_ms),
            "expires": _date(identity.issued_ms + IDENTITY_LASTS_MS),
        },
        "remembered": [
            {
                "what": key,
                "purpose": str(use),
                "source": "your visits to this site",
                "since": _date(kept.since_ms),
                "times": [*map(_date, kept.times)],
            }
            for use in Purpose
            for key, kept in state.profile.kept(use).items()
        ],
        "known": [
            {
                "what": name,
                "value": value,
                "purpose": " and ".join(sorted(visit.collected[name])),
                "source": "what this company knows of you",
                "since": _date(state.carried.at_ms),
            }
            for name, value in visit.carried.items()
        ],
        "arms": [
            {
                "run": run,
                "arm": sticky.arm,
                "purpose": "personalisation and analytics",
                "since": _date(sticky.assigned_at_ms),
            }
            for run, sticky in state.assignments.sticky.items()
        ],
    }


async def send_gpc(visit: Visit, receive: Receive, send: Send) -> None:
    """Say that the site abides by Global Privacy Control."""
    del receive
    if visit.scope["method"] not in ("GET", "HEAD"):
        return await refuse(send, 405, "This can only be fetched.")
    headers = [("content-type", "application/json"), ("cache-control", "public, max-age=86400")]
    return await answer(send, 200, headers=headers, body=json.dumps(_GPC).encode())


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()
