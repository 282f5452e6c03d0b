"""Publishing: from a set of definitions and the rows of weights to the snapshot.

A set is published whole, under a number that only grows, and is never changed. An experiment
gets a new run when what it randomises or measures is not what it was.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from byleave.experiments import (
    Allocation,
    Decider,
    Definitions,
    Run,
    Snapshot,
    Version,
    load_snapshot,
)
from byleave.experiments.checking import check
from byleave.experiments.snapshot import accepted
from byleave.segments import DefinitionError, Fault, canonical_json, plain, read
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import site_rows
from byleave.server.errors import ConflictError
from byleave.server.learning import Measurement
from byleave.server.managing import SITE, UNCLAIMED, Claim, Managed, laid_over, objects
from byleave.server.packing import Packable
from byleave.server.quarantine import sound
from byleave.server.receipt_keys import receipt_keys
from byleave.server.rows import NewRow, open_rows
from byleave.server.runs import goals_of, renew_runs
from byleave.server.sites import Entropy, Site

_log = logging.getLogger("byleave.server")


class Published:
    """A publication, in the forms in which it is used: decided by, served, counted against.

    Attributes:
        snapshot: The snapshot.
        body: Its one JSON text.
        packable: The text in the encodings that readers take, each with its entity tag.
        version: Its place in the site's history, as plain data.
        measurement: What every run measures, those that are over included.
        is_whole: Whether no definition was set aside.
    """

    def __init__(
        self, snapshot: Snapshot, measurement: Measurement, *, is_whole: bool = True
    ) -> None:
        text = canonical_json(snapshot)
        # Read back, so that what decides here is what decides elsewhere, order of arms included.
        # So were the definitions, which are most of it.
        definitions = snapshot.definitions
        rest = {**json.loads(text), "definitions": {"site": definitions.site}}
        self.snapshot = replace(load_snapshot(rest), definitions=definitions)
        self.version = plain(self.snapshot.version)
        self.body = text.encode()
        self.packable = Packable(self.body, blake2b(self.body, digest_size=16).hexdigest())
        self.measurement = measurement
        self.is_whole = is_whole
        self._decider: Decider | None = None

    @property
    def decider(self) -> Decider:
        """The snapshot, compiled."""
        if self._decider is None:
            self._decider = Decider(self.snapshot)
        return self._decider

    def succeed(self, before: "Published | None") -> None:
        """Compile the snapshot; what the publication before asks as well is taken from there."""
        self._decider = Decider(self.snapshot, before=None if before is None else before.decider)


def publish(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    *,
    reason: str,
    author: str,
    entropy: Entropy,
    now_ms: int,
    expected: str | None = None,
    revision: str | None = None,
    claim: Claim = UNCLAIMED,
    keeps_aside: bool = False,
) -> None:
    """Publish a set of definitions; the one already in force changes nothing.

    Args:
        connection: A transaction that writes.
        site: The site.
        definitions: What to publish.
        reason: Why.
        author: Who does.
        entropy: Makes the seeds of new runs.
        now_ms: The time.
        expected: The version that has to be the newest, as in `1.7`; None for any.
        revision: The revision of the files that the definitions came from.
        claim: For whom, and which objects change hands.
        keeps_aside: Whether what is set aside of the newest version stays as it is there.

    Raises:
        ConflictError: Another version was published meanwhile.
        DefinitionError: The set has faults, or is that of another site.
        ForbiddenError: It brings in HTML, which the claim does not allow.
        ManagedError: It changes what is managed elsewhere.
        UnknownNameError: An object is to change hands that is not there.
    """
    newest = newest_definitions(connection, site)
    name = "" if newest is None else f"{newest.generation}.{newest.number}"
    if expected not in (None, name):
        raise ConflictError(f"the newest version is {name or 'none'}; look at it and try again")
    before, managed = kept_definitions(newest)
    asked = json.loads(canonical_json(definitions))
    known = sound(newest.definitions) if keeps_aside and newest is not None else None
    aside: Mapping[str, str] = {} if known is None else known.aside
    if aside:
        places = {place if "." in place else SITE for place in aside}
        asked = laid_over(asked, before, places & objects(before).keys())
    wanted = claim.merged(before, asked, managed)
    text = canonical_json(wanted)
    usable = sound(text)  # read once, here and where it comes into force
    if (
        usable is None
        or not usable.aside.keys() <= aside.keys()
        or usable.definitions.site != site.key
    ):
        raise DefinitionError(faults_of(site, read(Definitions, wanted)))
    definitions = usable.definitions
    hands = claim.after(before, wanted, managed).text()
    if newest is not None and (newest.definitions, newest.managed) == (text, hands):
        return
    version = next_version(connection, site, now_ms=now_ms)
    connection.execute(
        insert(schema.definition_versions).values(
            site=site.key,
            generation=version.generation,
            number=version.number,
            definitions=text,
            reason=reason,
            author=author,
            published_ms=now_ms,
            revision=revision,
            managed=hands,
        )
    )
    note(
        connection,
        site,
        Action.PUBLISHED,
        author=author,
        subject=f"{version.generation}.{version.number}",
        reason=reason,
        now_ms=now_ms,
    )
    left = {*wanted.get("experiments", {})} - {*definitions.experiments}
    renew_runs(connection, site, definitions, left=left, entropy=entropy, now_ms=now_ms)


def faults_of(site: Site, definitions: Definitions) -> list[Fault]:
    """Return why a set of definitions cannot be published for a site; empty when it can."""
    faults = check(definitions)
    if definitions.site != site.key:
        faults.append(Fault(("site",), f"expected {site.key!r}, the site that this server is for"))
    return faults


def publish_rows(
    connection: Connection, site: Site, rows: Iterable[NewRow], *, now_ms: int
) -> bool:
    """Publish new allocation rows under the next number; return whether any was still due."""
    if not open_rows(connection, site.key, rows, now_ms=now_ms):
        return False
    next_version(connection, site, now_ms=now_ms)
    return True


def next_version(connection: Connection, site: Site, *, now_ms: int) -> Version:
    """Take the next number of the site; whatever is published with it commits with it."""
    table = schema.sites
    connection.execute(
        update(table)
        .where(table.c.site == site.key)
        .values(number=table.c.number + 1, published_ms=now_ms)
    )
    return current_version(connection, site)


def current_version(connection: Connection, site: Site) -> Version:
    """Return the newest version, whoever published it."""
    (row,) = site_rows(connection, schema.sites, site=site.key)
    return Version(generation=row.generation, number=row.number)


def load_published(connection: Connection, site: Site) -> Published | None:
    """Return the publication in force; None before the first."""
    newest = newest_definitions(connection, site)
    if newest is None:
        return None
    rows = schema.allocations.c
    (state,) = site_rows(connection, schema.sites, site=site.key)
    open_now = connection.execute(
        select(schema.allocations)
        .where(rows.site == site.key, rows.closed_ms.is_(None))
        .order_by(rows.run, rows.cell_index)
    ).all()
    open_by_run: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in open_now:
        open_by_run[row.run].append(row)
    every_run = site_rows(connection, schema.runs, site=site.key)
    usable = sound(newest.definitions)
    if usable is None:
        _log.error("the newest definitions cannot be used at all; publish others")
        return None
    for place, why in usable.aside.items():
        _log.error("a definition is set aside", extra={"place": place, "why": why})
    definitions = usable.definitions
    snapshot = Snapshot(
        version=Version(generation=state.generation, number=state.number),
        published_ms=state.published_ms,
        definitions=definitions,
        runs={
            row.experiment: _run(
                row, open_by_run[row.run], definitions.experiments[row.experiment].retired
            )
            for row in every_run
            if row.ended_ms is None and row.experiment in definitions.experiments
        },
        holdout_seed=site.derived("holdout"),
        receipt_keys=accepted(receipt_keys(connection, site), state.published_ms),
        preview_key=site.derived("preview"),
    )
    measurement = Measurement({row.run: goals_of(row) for row in every_run})
    return Published(snapshot, measurement, is_whole=not usable.aside)


def kept_definitions(row: Row[Any] | None) -> tuple[dict[str, Any], Managed]:
    """Return a version as plain data, and who looks after what; nothing where it is damaged."""
    try:
        return (
            ({}, Managed())
            if row is None
            else (json.loads(row.definitions), Managed.read(row.managed))
        )
    except (ValueError, RecursionError):
        return {}, Managed()


def newest_definitions(connection: Connection, site: Site) -> Row[Any] | None:
    """Return the version that was published last; None before the first."""
    versions = schema.definition_versions.c
    return connection.execute(
        select(schema.definition_versions)
        .where(versions.site == site.key)
        .order_by(versions.generation.desc(), versions.number.desc())
        .limit(1)
    ).one_or_none()


def _run(row: Row[Any], open_now: Iterable[Row[Any]], retired: tuple[str, ...]) -> Run:
    return Run(
        id=row.run,
        seed=row.seed,
        started_ms=row.started_ms,
        allocations=tuple(
            Allocation(
                id=each.allocation,
                cell=each.cell,
                weights=json.loads(each.weights),
                opened_ms=each.opened_ms,
                draw_until_ms=each.draw_until_ms,
            )
            for each in open_now
        ),
        retired=retired,
    )
