"""A visitor as the store knows them, for callers who bring no state along.

What they did is replayed from the log, each event under what was granted when it happened, and
their arms are those that they are enrolled in. So a caller who keeps nothing of its visitors
still shows each of them what they were shown before.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from byleave.experiments import HOLDOUT, Assignments, Decider, Sticky
from byleave.segments import Consent, Profile
from byleave.server import schema
from byleave.server.aliases import known_as
from byleave.server.attributes import Value
from byleave.server.bookkeeping import read_enrolments
from byleave.server.events import Exposure, event_of
from byleave.server.knowing import read_known
from byleave.server.membership import replayed
from byleave.server.sites import Site
from byleave.server.visitors import is_erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What the store knows of a visitor.

    Attributes:
        id: The id under which they are kept; None for somebody who was erased.
        stated: The choice that they made last, as far as it was recorded.
        attributes: What other systems know of them.
        profile: The state that their events left.
        assignments: Their arms, and their exposures.
    """

    id: str | None
    stated: Consent | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    profile: Profile = field(default_factory=Profile)
    assignments: Assignments = field(default_factory=Assignments)


def recall(
    connection: Connection, site: Site, visitor: str, decider: Decider, *, now_ms: int
) -> Recalled:
    """Return what a store knows of a visitor, as far as a decider looks at it."""
    if is_erased(connection, site, visitor):
        return Recalled(id=None)
    kept = known_as(connection, site.key, {visitor}).get(visitor, visitor)
    definitions = decider.snapshot.definitions
    known = read_known(connection, site, kept, definitions, now_ms=now_ms)
    profile = replayed(decider.rules, known.happened)
    return Recalled(
        id=kept,
        stated=known.stated,
        attributes={
            name: value for name, (value, _) in known.attributes.items() if value is not None
        },
        profile=decider.rules.expire(profile, now_ms=now_ms),
        assignments=Assignments(
            sticky={
                run: Sticky(arm=each.arm, allocation=each.stratum, assigned_at_ms=each.assigned_ms)
                for (_, run), each in read_enrolments(connection, site.key, {kept}).items()
                if each.arm != HOLDOUT
            },
            exposures=_exposures(connection, site, kept),
        ),
    )


def _exposures(connection: Connection, site: Site, visitor: str) -> dict[str, tuple[int, ...]]:
    """Return when a visitor was served what, as caps count it."""
    events = schema.events.c
    bodies = connection.execute(
        select(events.body).where(
            events.site == site.key, events.visitor == visitor, events.name.is_(None)
        )
    ).scalars()
    times: defaultdict[str, list[int]] = defaultdict(list)
    for body in bodies:
        exposure = event_of(body)
        if isinstance(exposure, Exposure):
            for counted in (exposure.experiment, f"{exposure.experiment}/{exposure.arm}"):
                times[counted].append(exposure.at_ms)
    return {counted: tuple(sorted(moments)) for counted, moments in times.items()}
