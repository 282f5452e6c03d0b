"""What a page reports: its load, slots that were seen, goals that were reached, web events.

A page's report is never trusted further than to count what the site already decided, goals that
it declares, and the standard web events that some definition reads.
"""

import json
import re
from base64 import urlsafe_b64decode
from typing import Final
from urllib.parse import unquote

from byleave.experiments import Decider
from byleave.experiments.goals import GoalKind
from byleave.sdk import events
from byleave.sdk.beacon import web_events
from byleave.sdk.cookies import unsigned
from byleave.sdk.offers import opened
from byleave.sdk.receipts import CLOCKS_APART_MS, read_receipt
from byleave.sdk.visit import Visit
from byleave.segments import Purpose

#: How long a page may stay open before its report no longer enrols.
PENDING_LASTS_MS: Final = 3_600_000

_MOST_ITEMS: Final = 20
_MOST_EVENTS: Final = 50
_MOST_CHARACTERS: Final = 500
#: Beyond it JavaScript does not tell two numbers apart (ECMA-262, Number.MAX_SAFE_INTEGER).
_GREATEST_NUMBER: Final = 2**53
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_COUNTED_BY_CLICK: Final = (GoalKind.CONVERSION, GoalKind.COUNT)


def take_report(visit: Visit, body: bytes) -> None:
    """Take what a page reports: its load, slots that were seen, goals that were clicked.

    Whatever is not understood is left out. Of a visitor who has not said anything about
    analytics, where the site may measure page views all the same, a report counts the page view
    and what it reached, and nothing else.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict) or visit.decider is None or not visit.may_measure:
        return
    for pending in _texts(data.get("pending")):
        _confirm(visit, pending)
    receipt = data.get("receipt")
    for goal in _texts(data.get("goals")):
        _reach(visit, goal, receipt if isinstance(receipt, str) else "")
    if not visit.consent.allows(Purpose.ANALYTICS):
        return
    for slot in {*_texts(data.get("seen"))}:
        if slot in visit.decider.snapshot.definitions.slots:
            visit.site.count(f"seen {slot}")
    told = data.get("events")
    if isinstance(told, list) and visit.memory.is_brought:
        for event in told[:_MOST_EVENTS]:
            _record(visit, visit.decider, event)


def _confirm(visit: Visit, sealed: str) -> None:
    """Count the exposures of a page whose visitor had brought nothing back before."""
    signed = unsigned(visit.site.keys.signer("pending"), sealed)
    if signed is None:
        return
    packed = signed.text.encode()
    at_ms, exposures = json.loads(urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)))
    if not -CLOCKS_APART_MS <= visit.now_ms - at_ms < PENDING_LASTS_MS:
        return
    brought = visit.memory.identity if visit.memory.is_brought else None
    for kind, exposure in exposures:
        # A visitor counts once their browser has kept the id that the page gave it.
        if kind == "view" or (brought is not None and brought.id == exposure["visitor"]):
            if opened(visit, exposure):
                exposure["at"] = visit.now_ms
            visit.site.source.capture(exposure)


def _reach(visit: Visit, name: str, text: str) -> None:
    decider = visit.decider
    goal = decider.snapshot.definitions.goals.get(name) if decider else None
    if decider is None or goal is None or goal.kind not in _COUNTED_BY_CLICK:
        return
    if not _may_reach(visit):
        return
    if visit.memory.is_brought:
        visit.record(goal.event, {})
    is_of_views = any(
        experiment.unit == "view" and name in (experiment.goals.primary, *experiment.goals.others)
        for experiment in decider.snapshot.definitions.experiments.values()
    )
    keys = decider.snapshot.accepted_keys(visit.now_ms)
    receipt = read_receipt(text, keys, now_ms=visit.now_ms) if is_of_views else None
    if receipt is not None:
        at_ms = max(visit.now_ms, receipt.at_ms)  # no goal is reached before the page was made
        random_bytes = visit.site.random_bytes
        visit.site.source.capture(events.reward(text, name, at_ms=at_ms, random_bytes=random_bytes))


def _record(visit: Visit, decider: Decider, told: object) -> None:
    match told:
        case [str(name), dict(properties)] if name in web_events(decider):
            goals = decider.snapshot.definitions.goals.values()
            if any(goal.event == name for goal in goals) and not _may_reach(visit):
                return
            plain = {key: value for key, value in properties.items() if _is_plain(value)}
            if name == "page_view" and isinstance(path := plain.get("path"), str):
                plain["path"] = unquote(path)  # as a page's own request spells it
            visit.record(name, plain)
        case _:
            pass


def _may_reach(visit: Visit) -> bool:
    """Return whether the visitor's network may reach another goal today, and count it."""
    client = visit.scope.get("client")
    may = visit.site.networks.take(client[0] if client else "", now_ms=visit.now_ms)
    if not may:
        visit.site.count("goal of a network with too many")
    return may


def _is_plain(value: object) -> bool:
    """Return whether a value is short, and one that every reader of JSON takes."""
    if isinstance(value, str):
        return len(value) <= _MOST_CHARACTERS and not _LONE_SURROGATE.search(value)
    return isinstance(value, bool | int | float) and abs(value) <= _GREATEST_NUMBER


def _texts(data: object) -> list[str]:
    if not isinstance(data, list):
        return []
    return [item for item in data[:_MOST_ITEMS] if isinstance(item, str)]
