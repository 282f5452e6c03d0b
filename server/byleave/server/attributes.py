"""What other systems know of visitors: attributes with the source `server`.

Each value says when it was observed. Values come late, twice and in any order; the latest
observation is what is kept, so that the order does not matter.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from byleave.segments import Attribute, Scalar, Source
from byleave.segments.comparing import fits, is_listed
from byleave.server import schema
from byleave.server.aliases import known_as
from byleave.server.batches import find_rows, put_later_rows
from byleave.server.events import AHEAD_MS
from byleave.server.sites import Site

#: A value; null says that the other system no longer knows any.
Value = Scalar | list[str] | None


#: Why nothing is taken of somebody who was erased.
ERASED: Final = "this visitor was erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What another system knew of a visitor at one moment, in milliseconds."""

    visitor: str
    observed_ms: int
    values: Mapping[str, Value]


def fault_of(
    observation: Observation, declared: Mapping[str, Attribute], *, now_ms: int
) -> str | None:
    """Return why an observation is not taken; None when it is. No value is told."""
    if observation.observed_ms > now_ms + AHEAD_MS:
        return "observed more than a day ahead: set the sender's clock"
    for name, value in observation.values.items():
        attribute = declared.get(name)
        if attribute is None or attribute.source is not Source.SERVER:
            return "has an attribute that no definition declares with the source server"
        if value is None:
            continue
        if not fits(value, attribute.type):
            return f"expected attribute {name!r} to be a {attribute.type}"
        if not is_listed(value, attribute):
            return f"expected attribute {name!r} to be one of those declared"
        if observation.observed_ms <= kept_since(attribute, now_ms):
            return f"attribute {name!r} was observed longer ago than it may be kept"
    return None


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of observations: how many were taken, and why others were not, by place."""

    taken: int
    refused: Mapping[int, str]

    def is_erased(self, place: int) -> bool:
        """Whether an observation was refused because its visitor was erased."""
        return self.refused.get(place) == ERASED


def observe(
    connection: Connection,
    site: Site,
    observations: Iterable[Observation],
    *,
    declared: Mapping[str, Attribute],
    now_ms: int,
) -> Observed:
    """Keep observations, each value where no later one is known.

    Each is taken or refused by itself. Of the erased nothing is taken.
    """
    observations = list(observations)
    hashes = {each.visitor: site.visitor_hash(each.visitor) for each in observations}
    found = find_rows(
        connection, schema.tombstones, site=site.key, visitor_hash=set(hashes.values())
    )
    erased = {row.visitor_hash for row in found}
    names = known_as(connection, site.key, set(hashes))
    rows: list[tuple[str, str, str, str, int]] = []
    refused: dict[int, str] = {}
    for place, each in enumerate(observations):
        is_erased = hashes[each.visitor] in erased
        fault = ERASED if is_erased else fault_of(each, declared, now_ms=now_ms)
        if fault:
            refused[place] = fault
            continue
        visitor = names.get(each.visitor, each.visitor)
        rows += [
            (site.key, visitor, name, json.dumps(value), each.observed_ms)
            for name, value in each.values.items()
        ]
    put_later_rows(connection, schema.server_attributes, rows, by=("observed_ms", "value"))
    return Observed(len(observations) - len(refused), refused)


def read_attributes(
    connection: Connection,
    site: Site,
    visitors: Collection[str],
    declared: Mapping[str, Attribute],
    *,
    now_ms: int,
) -> Mapping[str, Mapping[str, tuple[Value, int]]]:
    """Return what is known of visitors, with the moment of each observation, in milliseconds.

    Values that may no longer be kept, and those that no definition declares, are not read.
    """
    found: defaultdict[str, dict[str, tuple[Value, int]]] = defaultdict(dict)
    for row in find_rows(connection, schema.server_attributes, site=site.key, visitor=visitors):
        attribute = declared.get(row.attribute)
        if attribute is None or attribute.source is not Source.SERVER:
            continue
        if row.observed_ms > kept_since(attribute, now_ms):
            found[row.visitor][row.attribute] = (json.loads(row.value), row.observed_ms)
    return found


def kept_since(attribute: Attribute, now_ms: int) -> int:
    """Return the moment from which on values may still be kept, itself excluded."""
    return now_ms - attribute.ttl if isinstance(attribute.ttl, int) else -1
