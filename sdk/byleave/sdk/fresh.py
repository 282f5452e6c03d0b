"""Attributes too private for a cookie: asked of the server for each page that needs them.

It is the only thing a page waits for, and only the page of a visitor whom the server can know,
who agreed to it, on a site whose definitions declare such attributes. What is not known within
the deadline has its default.
"""

from byleave.sdk.asking import LeftAloneError
from byleave.sdk.failures import report
from byleave.sdk.request_attributes import header
from byleave.sdk.visit import Visit
from byleave.segments import Source
from byleave.segments.access import may_read_for_something


async def fetch(visit: Visit, *, has_slots: bool = False) -> None:
    """Ask for what this visitor's page may read, before the site answers.

    Args:
        visit: The request.
        has_slots: Whether the page is known to have slots, whatever its own HTML had.
    """
    try:
        names = _wanted(visit, has_slots=has_slots)
        identity = visit.memory.identity if names else None
        if identity is None or not visit.memory.is_brought:
            return
        given = await visit.site.source.fresh(identity.id, timeout_s=visit.site.deadline_s)
        visit.fresh = {name: given[name] for name in names if given.get(name) is not None}
    except LeftAloneError:
        visit.site.count("pages without fresh attributes")
    except Exception as error:
        visit.site.count("pages without fresh attributes")
        report("fresh attributes not known", error)


def _wanted(visit: Visit, *, has_slots: bool) -> list[str]:
    decider = visit.decider
    if decider is None or not visit.is_active or not visit.is_counted or not _is_for_page(visit):
        return []
    if not has_slots and visit.site.is_slotless(visit.path, decider):
        return []
    return [
        name
        for name, declared in decider.snapshot.definitions.attributes.items()
        if declared.source is Source.SERVER
        and declared.fresh
        and may_read_for_something(declared, consent=visit.consent)
    ]


def _is_for_page(visit: Visit) -> bool:
    return visit.may_write or bool(header(visit.scope, b"hx-request"))
