"""The page's own report: a small script from the site's origin, and what it tells us.

The script is on a page only where an experiment filled a slot and the visitor agreed to be
counted. It reports that the page was loaded and which slots came into view, and clicks on
elements that are marked as goals.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from byleave.experiments.goals import GoalKind
from byleave.sdk import events
from byleave.sdk.cookies import unsigned
from byleave.sdk.encoding import encoded
from byleave.sdk.receipts import read_receipt
from byleave.sdk.visit import Visit
from byleave.segments import Purpose

SCRIPT_PATH: Final = "/.byleave/beacon.js"
EVENTS_PATH: Final = "/.byleave/events"

#: How long a page may stay open before its report no longer enrols.
PENDING_LASTS_MS: Final = 3_600_000

_END: Final = re.compile(rb"</body\s*>\s*(?:</html\s*>\s*)?\Z", re.IGNORECASE)
_MOST_GOALS: Final = 20
_COUNTED_BY_CLICK: Final = (GoalKind.CONVERSION, GoalKind.COUNT)


@cache
def script() -> bytes:
    """Return the script."""
    return Path(__file__).with_name("beacon.js").read_bytes()


@cache
def script_tag() -> str:
    """Return the element that loads the script; its address changes with the script."""
    version = blake2b(script(), digest_size=6).hexdigest()
    return f'<script defer src="{SCRIPT_PATH}?{version}"></script>'


def ending(visit: Visit, out: bytes, *, codec: str) -> bytes | None:
    """Return bytes of a page with the script before its end; None where that is not in them.

    Args:
        visit: The request.
        out: What goes out now.
        codec: The page's charset.
    """
    match = _END.search(out, max(0, len(out) - 256))
    added = _elements(visit) if match else ""
    if match is None or not added:
        return None
    place = match.start()
    return out[:place] + encoded(added, codec) + out[place:]


def _elements(visit: Visit) -> str:
    served = [slot for slot, d in visit.slots.served.items() if d.is_enrolling]
    receipt = visit.slots.receipt()
    if receipt is None or not served or not visit.consent.allows(Purpose.ANALYTICS):
        return ""
    data: dict[str, Any] = {"receipt": receipt, "slots": served}
    if visit.slots.pending:
        data["pending"] = _sealed(visit)
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="byleave-data">{text}</script>{script_tag()}'


def _sealed(visit: Visit) -> str:
    packed = urlsafe_b64encode(json.dumps([visit.now_ms, visit.slots.pending]).encode()).decode()
    return visit.site.keys.signer("pending").sign(packed.rstrip("=")).decode()


def take_report(visit: Visit, body: bytes) -> None:
    """Take what a page reports: its load, slots that were seen, goals that were clicked.

    Whatever is not understood is left out; a page's report is never trusted further than to
    count what the site already decided, or clicks that the site declares as goals.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict) or visit.decider is None or not visit.is_counted:
        return
    if not visit.consent.allows(Purpose.ANALYTICS):
        return
    if isinstance(pending := data.get("pending"), str):
        _confirm(visit, pending)
    for slot in _texts(data.get("seen")):
        if slot in visit.decider.snapshot.definitions.slots:
            visit.site.count(f"seen {slot}")
    receipt = data.get("receipt")
    for goal in _texts(data.get("goals"))[:_MOST_GOALS]:
        _reach(visit, goal, receipt if isinstance(receipt, str) else "")


def _confirm(visit: Visit, sealed: str) -> None:
    """Count the exposures of a page whose visitor had brought nothing back before."""
    signed = unsigned(visit.site.keys.signer("pending"), sealed)
    if signed is None:
        return
    packed = signed.text.encode()
    at_ms, exposures = json.loads(urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)))
    if not 0 <= visit.now_ms - at_ms < PENDING_LASTS_MS:
        return
    brought = visit.memory.identity if visit.memory.is_brought else None
    for kind, exposure in exposures:
        # A visitor counts once their browser has kept the id that the page gave it.
        if kind == "view" or (brought is not None and brought.id == exposure["visitor"]):
            visit.site.source.capture(exposure)


def _reach(visit: Visit, name: str, receipt: str) -> None:
    decider = visit.decider
    goal = decider.snapshot.definitions.goals.get(name) if decider else None
    if decider is None or goal is None or goal.kind not in _COUNTED_BY_CLICK:
        return
    if visit.memory.is_brought:
        visit.record(goal.event, {})
    is_of_views = any(
        experiment.unit == "view" and name in (experiment.goals.primary, *experiment.goals.others)
        for experiment in decider.snapshot.definitions.experiments.values()
    )
    keys = [decider.snapshot.receipt_key]
    if is_of_views and read_receipt(receipt, keys, now_ms=visit.now_ms) is not None:
        visit.site.source.capture(
            events.reward(receipt, name, at_ms=visit.now_ms, random_bytes=visit.site.random_bytes)
        )


def _texts(data: object) -> list[str]:
    return [item for item in data if isinstance(item, str)] if isinstance(data, list) else []
