"""What publishing a set of definitions would change, before anything does."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from byleave.experiments import Definitions
from byleave.segments import DefinitionError, canonical_json, read
from byleave.server.audiences import Audiences, audience_changes
from byleave.server.differing import Difference, differences
from byleave.server.managing import Claim, Manager, Plain, objects
from byleave.server.publishing import faults_of, kept_definitions, newest_definitions
from byleave.server.quarantine import sound
from byleave.server.runs import Measured, live_runs
from byleave.server.sites import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """What becomes of one object.

    Attributes:
        place: Which, such as `segments.buyers`; `site` for what belongs to none.
        change: `added`, `changed` or `removed`, or `claimed` where only its manager changes.
        managed: Who looks after it then; None for nobody in particular, or once it is gone.
        ends_run: Whether an experiment's run ends by it, and a new one starts or none.
    """

    place: str
    change: str
    managed: Manager | None = None
    ends_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What publishing would change.

    Attributes:
        version: The version in force, for If-Match; '' before the first.
        changes: Each place where the sets differ.
        objects: The same by object.
        left: Where the server has something else than the set, and files leave it alone.
        drift: Objects that files manage, and that were changed since files were published.
        audience: How audiences change; None unless that was asked for.
    """

    version: str
    changes: list[Difference]
    objects: list[ObjectChange]
    left: list[Difference]
    drift: list[str]
    audience: Audiences | None


def plan(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    *,
    claim: Claim,
    with_audience: bool,
    now_ms: int,
) -> Plan:
    """Return what publishing a set would change.

    Raises:
        DefinitionError: It has faults; all of them are told.
        ManagedError: It changes what is managed elsewhere.
        UnknownNameError: An object is to change hands that is not there.
    """
    newest = newest_definitions(connection, site)
    before, managed = kept_definitions(newest)
    asked: Plain = json.loads(canonical_json(definitions))
    wanted = read(Definitions, claim.merged(before, asked, managed))
    if faults := faults_of(site, wanted):
        raise DefinitionError(faults)
    after = json.loads(canonical_json(wanted))
    hands = claim.after(before, after, managed)
    old, new = objects(before), objects(after)
    ending = _ending_runs(connection, site, wanted)
    changed = [
        ObjectChange(
            place=place,
            change=_change(place, old, new),
            managed=hands.by.get(place),
            ends_run=place in ending,
        )
        for place in sorted({*old, *new})
        if old.get(place) != new.get(place) or managed.by.get(place) != hands.by.get(place)
    ]
    known = sound(newest.definitions) if newest is not None else None
    in_force = known.definitions if known is not None else Definitions(site=site.key)
    left = claim.left(before, managed) if claim.by is Manager.FILES else frozenset()
    return Plan(
        version="" if newest is None else f"{newest.generation}.{newest.number}",
        changes=list(differences(before, after)),
        objects=changed,
        left=_left(left, old, objects(asked)),
        drift=managed.drift(before),
        audience=audience_changes(connection, site, in_force, wanted, now_ms=now_ms)
        if with_audience
        else None,
    )


def _change(place: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    if place not in old:
        return "added"
    if place not in new:
        return "removed"
    return "claimed" if old[place] == new[place] else "changed"


def _left(places: Iterable[str], old: dict[str, Any], asked: dict[str, Any]) -> list[Difference]:
    return [
        Difference(path=(*place.split(".", 1),), before=old[place], after=asked.get(place))
        for place in sorted(places)
        if old[place] != asked.get(place)
    ]


def _ending_runs(connection: Connection, site: Site, wanted: Definitions) -> set[str]:
    return {
        f"experiments.{run.experiment}"
        for run in live_runs(connection, site)
        if run.experiment not in wanted.experiments
        or canonical_json(Measured.of(wanted, run.experiment)) != run.definition
    }
