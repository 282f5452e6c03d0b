"""Choices as visitors made them: appended and never changed, and sealed to prove it.

A record has the shape of ISO/IEC TS 27560 and names the visitor by a keyed hash. It carries a
keyed digest of itself and of the one before it: who changes, removes or inserts one without the
site's secret breaks the chain from there on. Only taking away the newest ones breaks none.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from byleave.segments import Choice, Consent, Purpose, Regime, canonical_json
from byleave.segments.consent.record import ConsentRecord, Notice
from byleave.server import schema
from byleave.server.batches import add_rows, find_rows
from byleave.server.sites import Site

_ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedChoice:
    """A choice as the site tells of it.

    Attributes:
        choices: The choice per purpose; an absent purpose is unset.
        source: Who said so.
        at: When the choice was made, in milliseconds.
        regime: What an unset choice means.
        notice: What the visitor was shown; None for a signal of the browser alone.
        place: Where the visitor was, such as `DE`; None if unknown.
        method: How they chose, such as `banner`.
        signals: What arrived, unchanged, by the name of the cookie or header.
    """

    choices: Mapping[Purpose, Choice]
    source: str
    at: int
    regime: Regime = Regime.OPT_IN
    notice: Notice | None = None
    place: str | None = None
    method: str = "unknown"
    signals: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def consent(self) -> Consent:
        """What the visitor agreed to."""
        return Consent(self.choices, self.regime, source=self.source, at_ms=self.at)


def append(
    connection: Connection, site: Site, visitor: str, stated: StatedChoice, *, now_ms: int
) -> None:
    """Append a choice to a visitor's records, under a keyed hash of their id."""
    visitor_hash, consents = site.visitor_hash(visitor), schema.consents.c
    newest = connection.execute(
        select(schema.consents)
        .where(consents.site == site.key, consents.visitor_hash == visitor_hash)
        .order_by(consents.number.desc())
        .limit(1)
    ).first()
    last, number = (json.loads(newest.record), newest.number + 1) if newest else (None, 1)
    record = ConsentRecord(
        record_id=f"{visitor_hash}.{number}",
        principal=visitor_hash,
        controller=site.key,
        consent=stated.consent,
        previous=consent_of(last) if last else None,
        notice=stated.notice,
        place=stated.place,
        method=stated.method,
        signals=stated.signals,
        recorded_ms=now_ms,
    ).plain()
    seal = _seal(site, last["seal"] if last else "", record)
    text = json.dumps({**record, "seal": seal}, sort_keys=True)
    add_rows(
        connection, schema.consents, [(site.key, visitor_hash, number, stated.at, now_ms, text)]
    )


def consent_of(record: Mapping[str, Any]) -> Consent:
    """Return what was chosen, of a record as it is kept."""
    said = record["pii_processing"]
    choices = {Purpose(each["purpose"]): Choice(each["choice"]) for each in said["purposes"]}
    return Consent(choices, Regime(said["regime"]), source=record["event"]["source"])


def newest_choices(
    connection: Connection, site: Site, visitors: Mapping[str, Collection[str]]
) -> dict[str, Consent]:
    """Return the choice that each visitor made last under any of their ids, where one is recorded.

    Args:
        connection: A transaction that reads.
        site: The site.
        visitors: All ids of each visitor.
    """
    owners = {site.visitor_hash(id_): visitor for visitor, ids in visitors.items() for id_ in ids}
    newest: dict[str, Row[Any]] = {}
    for row in find_rows(connection, schema.consents, site=site.key, visitor_hash=set(owners)):
        visitor = owners[row.visitor_hash]
        if visitor not in newest or _order(newest[visitor]) < _order(row):
            newest[visitor] = row
    return {
        visitor: replace(consent_of(json.loads(row.record)), at_ms=_made_ms(row))
        for visitor, row in newest.items()
    }


def _order(row: Row[Any]) -> tuple[int, int, int]:
    return (_made_ms(row), row.received_ms, row.number)


def _made_ms(row: Row[Any]) -> int:
    """Return when a choice was made; not after it came, whatever clock it was dated by."""
    return min(int(row.at_ms), int(row.received_ms))


def broken_chains(connection: Connection, site: Site) -> int:
    """Return of how many visitors the records are not as they were appended."""
    consents = schema.consents.c
    rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
        select(schema.consents)
        .where(consents.site == site.key)
        .order_by(consents.visitor_hash, consents.number)
    )
    chains = groupby(rows, attrgetter("visitor_hash"))
    return sum(not _is_whole(site, chain) for _, chain in chains)


def _is_whole(site: Site, chain: Iterable[Row[Any]]) -> bool:
    previous = ""
    for number, row in enumerate(chain, start=1):
        record = json.loads(row.record)
        seal = record.pop("seal", "")
        is_placed = record["record_id"] == f"{row.visitor_hash}.{number}" and row.number == number
        if not is_placed or seal != _seal(site, previous, record):
            return False
        previous = seal
    return True


def _seal(site: Site, *what: object) -> str:
    key = site.derived("consent record").encode()
    return blake2b(canonical_json(what).encode(), key=key, digest_size=16).hexdigest()
