"""What visitors may ask for: that a choice is recorded, to see what is kept, to be forgotten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from byleave.experiments import may_enrol
from byleave.segments import Choice, Consent, Purpose, Regime
from byleave.server import schema
from byleave.server.batches import add_rows, drop_rows, find_rows
from byleave.server.bookkeeping import read_enrolments, read_outcomes, settle
from byleave.server.learning import Measurement
from byleave.server.sites import Site


class Cause(StrEnum):
    """Why a visitor was erased."""

    WITHDRAWN = "withdrawn"  # they no longer agree
    REQUESTED = "requested"  # they asked for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """A choice as it was made: the proof of it that is kept.

    Attributes:
        choices: The choice per purpose; an absent purpose is unset.
        source: Who said so.
        at: When the choice was made, in milliseconds.
        regime: What an unset choice means.
    """

    choices: Mapping[Purpose, Choice]
    source: str
    at: int
    regime: Regime = Regime.OPT_IN

    @property
    def consent(self) -> Consent:
        """What the visitor agreed to."""
        return Consent(self.choices, self.regime, source=self.source, at_ms=self.at)


def record_consent(
    connection: Connection,
    site: Site,
    visitor: str,
    record: ConsentRecord,
    *,
    measurement: Measurement,
    now_ms: int,
) -> bool:
    """Append a choice to the visitor's record, and erase them if it is a withdrawal.

    A choice that comes late cannot bring anybody back: once erased, an identifier stays so.

    Returns:
        Whether the visitor is erased, by this choice or before.
    """
    consents = schema.consents.c
    visitor_hash = site.visitor_hash(visitor)
    number = connection.execute(
        select(func.count()).where(consents.site == site.key, consents.visitor_hash == visitor_hash)
    ).scalar_one()
    text = json.dumps(
        {
            "choices": {str(purpose): str(choice) for purpose, choice in record.choices.items()},
            "regime": str(record.regime),
            "source": record.source,
        },
        sort_keys=True,
    )
    row = (site.key, visitor_hash, number + 1, record.at, now_ms, text)
    add_rows(connection, schema.consents, [row])
    if not may_enrol(record.consent):
        erase(
            connection, site, visitor, cause=Cause.WITHDRAWN, measurement=measurement, now_ms=now_ms
        )
    return _is_erased(connection, site, visitor)


def erase(
    connection: Connection,
    site: Site,
    visitor: str,
    *,
    cause: Cause,
    measurement: Measurement,
    now_ms: int,
) -> None:
    """Delete every row and the id of a visitor, and refuse that id from now on.

    What they contributed to sums stays there, without a name: taking it out would bias every
    comparison. The ledger keeps how much that was, so that a recount can still be proved.
    """
    settle(connection, site.key, visitor, measurement)
    for table, column in (
        (schema.enrolments, "unit"),
        (schema.outcomes, "unit"),
        (schema.events, "visitor"),
        (schema.server_attributes, "visitor"),
    ):
        drop_rows(connection, table, site=site.key, column=column, value=visitor)
    if not _is_erased(connection, site, visitor):
        row = (site.key, site.visitor_hash(visitor), now_ms, str(cause))
        add_rows(connection, schema.tombstones, [row])


def export(connection: Connection, site: Site, visitor: str) -> dict[str, Any]:
    """Return all that is kept of a visitor, as plain data; nothing is kept of the erased."""
    wanted, visitor_hash = {visitor}, site.visitor_hash(visitor)
    events = find_rows(connection, schema.events, site=site.key, visitor=wanted)
    enrolments = read_enrolments(connection, site.key, wanted)
    outcomes = read_outcomes(connection, site.key, wanted)
    attributes = find_rows(connection, schema.server_attributes, site=site.key, visitor=wanted)
    consents = find_rows(connection, schema.consents, site=site.key, visitor_hash={visitor_hash})
    return {
        "visitor": visitor,
        "is_erased": _is_erased(connection, site, visitor),
        "consent": [
            {"at": row.at_ms, "received_at": row.received_ms, **json.loads(row.record)}
            for row in sorted(consents, key=lambda row: row.number)
        ],
        "attributes": {
            row.attribute: {"value": json.loads(row.value), "observed_at": row.observed_ms}
            for row in attributes
        },
        "events": [
            {"received_at": row.received_ms, **json.loads(row.body)}
            for row in sorted(events, key=lambda row: row.id)
        ],
        "enrolments": [
            {
                "run": enrolment.run,
                "arm": enrolment.arm,
                "allocation": enrolment.stratum,
                "assigned_at": enrolment.assigned_ms,
                "groups": list(enrolment.segments),
                "outcomes": {
                    goal: {"value": found.value, "after_ms": found.delay_ms}
                    for goal, found in outcomes[key].items()
                },
            }
            for key, enrolment in enrolments.items()
        ],
    }


def _is_erased(connection: Connection, site: Site, visitor: str) -> bool:
    hashes = {site.visitor_hash(visitor)}
    return bool(find_rows(connection, schema.tombstones, site=site.key, visitor_hash=hashes))
