"""A plan, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_SIGNS: Final = {"added": "+", "changed": "~", "removed": "-", "claimed": "="}
_LONGEST: Final = 60


def told(plan: Mapping[str, Any]) -> str:
    """Return what a plan of the server says, line by line."""
    return "\n".join(_lines(plan))


def _lines(plan: Mapping[str, Any]) -> Iterator[str]:
    for each in plan["objects"]:
        place, change = each["place"], each["change"]
        hands = f", managed {_WHERE[each['managed']]} from now on" if change == "claimed" else ""
        ends = ", and its run ends" if each["ends_run"] else ""
        yield f"{_SIGNS[change]} {place}: {change}{hands}{ends}"
        if change == "changed":
            yield from (f"    {_words(each)}" for each in _inside(place, plan["changes"]))
    if plan["left"]:
        yield "Left to the console, and not as in the folder:"
        for each in plan["left"]:
            which = "is not in the folder" if each["after"] is None else "is another there"
            yield f"  {'.'.join(each['path'])} {which}"
    if plan["drift"]:
        yield "Changed on the server since files were published:"
        yield from (f"  {place}" for place in plan["drift"])
    if plan["audience"] is not None and plan["audience"]["changes"]:
        yield from _audience(plan["audience"])
    counts = [each["change"] for each in plan["objects"]]
    numbers = [f"{counts.count(word)} {word}" for word in _SIGNS if word in counts]
    yield f"{', '.join(numbers) or 'nothing changes'}, upon version {plan['version'] or 'none'}"


_WHERE: Final = {"files": "from files", "console": "in the console", None: "nowhere"}


def _inside(place: str, changes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    from byleave.server.managing import SECTIONS

    section, _, key = place.partition(".")
    for each in changes:
        path = each["path"]
        if path[:2] == [section, key]:
            yield {**each, "path": path[2:]}
        elif place == "site" and path[0] not in SECTIONS:
            yield each


def _words(difference: Mapping[str, Any]) -> str:
    before, after = (_short(difference[side]) for side in ("before", "after"))
    return f"{'.'.join(difference['path'])}: {before} → {after}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _audience(audience: Mapping[str, Any]) -> Iterator[str]:
    whole = "" if audience["is_whole"] else ", of more"
    yield f"Audiences, by {_count(audience['judged'])} visitors that the server knows{whole}:"
    for each in audience["changes"]:
        if each["why_not"]:
            yield f"  {each['place']}: the server cannot tell: {each['why_not']}"
        else:
            enter, leave = _count(each["entering"]), _count(each["leaving"])
            yield f"  {each['place']}: {_count(each['now'])} now, {enter} enter, {leave} leave"


def _count(count: int | None) -> str:
    return "1 to 9" if count is None else f"{count:,}"
