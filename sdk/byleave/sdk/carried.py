"""Attributes that the server knows, carried in the visitor's own cookie.

Pages decide without asking anybody, so what other systems know of a visitor has to be there
before: the answer to a page's report brings it, off the path of any page, at most once an hour.
What is carried was collected under the grants of that moment and is used under no others; it is
gone a day after it was last confirmed, and with the cookie when consent is.
"""

from typing import Final

from byleave.sdk.asking import LeftAloneError
from byleave.sdk.failures import report
from byleave.sdk.visit import Visit
from byleave.sdk.visitor import Carried
from byleave.segments import Source
from byleave.segments.access import may_read_for_something

#: How long what is carried counts as confirmed.
CONFIRMED_MS: Final = 3_600_000
_LONGEST: Final = 200


def is_due(visit: Visit) -> bool:
    """Return whether the server should be asked what it knows of the visitor."""
    uses = _uses(visit)
    if not uses or not visit.memory.is_brought:
        return False
    held = visit.memory.state.carried
    return held.uses != uses or visit.now_ms - held.at_ms >= CONFIRMED_MS


async def refresh(visit: Visit) -> None:
    """Ask the server what it knows of the visitor, if that is due, and let the cookie carry it."""
    try:
        identity = visit.memory.identity if is_due(visit) else None
        if identity is None:
            return
        given = await visit.site.source.fresh(identity.id, timeout_s=visit.site.deadline_s)
        values = {
            name: given[name]
            for name in _names(visit)
            if isinstance(given.get(name), str | int | float) and len(str(given[name])) <= _LONGEST
        }
        visit.memory.remember(carried=Carried(values, visit.now_ms, _uses(visit)))
    except LeftAloneError:
        visit.site.count("attributes not refreshed")
    except Exception as error:
        visit.site.count("attributes not refreshed")
        report("attributes not refreshed", error)


def _names(visit: Visit) -> list[str]:
    """Return the attributes that may be carried: those of the server that a cookie may hold."""
    site, decider = visit.site, visit.decider
    if decider is None or not site.has_server or not visit.is_counted:
        return []
    return [
        name
        for name, declared in decider.snapshot.definitions.attributes.items()
        if declared.source is Source.SERVER
        and not declared.fresh
        and may_read_for_something(declared, consent=visit.consent)
    ]


def _uses(visit: Visit) -> tuple[str, ...]:
    """Return the purposes under whose grant they would be collected now."""
    names = _names(visit)
    if not names or visit.decider is None:
        return ()
    declared = visit.decider.snapshot.definitions.attributes
    purposes = {use for name in names for use in declared[name].purposes}
    return tuple(sorted(str(use) for use in purposes if visit.consent.allows(use)))
