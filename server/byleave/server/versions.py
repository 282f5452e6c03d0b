"""What was published when, by whom and why; what differs between two versions; drafts.

A version is named by generation and number, as in `1.7`. It is never changed: rolling back
publishes an old one anew.
"""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from re import fullmatch
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select

from byleave.experiments import Definitions
from byleave.segments import canonical_json
from byleave.server import schema
from byleave.server.audit import Action, Entry, entries, note
from byleave.server.batches import put_rows
from byleave.server.errors import ConflictError, UnknownNameError
from byleave.server.managing import Claim, Managed, refuse_draft
from byleave.server.planning import Plan, plan
from byleave.server.publishing import kept_definitions, newest_definitions
from byleave.server.sites import Site
from byleave.server.storage import Storage

_VERSION: Final = r"[0-9]{1,17}\.[0-9]{1,17}"
_NO_VERSION: Final = "this site has no such version of its definitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionVersion:
    """One published set of definitions.

    Attributes:
        version: Its name.
        reason: Why it was published.
        author: Who published it.
        published_ms: When.
        revision: The revision of the files that it came from; None without.
        managed: Who looks after which object.
    """

    version: str
    reason: str
    author: str
    published_ms: int
    revision: str | None
    managed: Managed


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Definitions that are not published yet, faults and all.

    Attributes:
        draft: Its name.
        base: The number of the version that it started from; 0 for none.
        author: Who wrote it last.
        at_ms: When.
        definitions: What was written.
        text: How it was written, with comments; None where it was not written as text.
    """

    draft: str
    base: int
    author: str
    at_ms: int
    definitions: Any
    text: str | None

    @property
    def state(self) -> str:
        """What tells it apart from what it said before."""
        return state_of(self.definitions, self.text)


class Library:
    """What a site published, and what it is about to."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Look after the definitions of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._planning = Lock()  # one after the other: it reads all that the log holds

    def versions(self) -> list[DefinitionVersion]:
        """Return what was published, the newest first."""
        table = schema.definition_versions
        told = [column for column in table.c if column is not table.c.definitions]
        with self._storage.reading() as connection:
            rows = connection.execute(
                select(*told)
                .where(table.c.site == self._site.key)
                .order_by(table.c.generation.desc(), table.c.number.desc())
            )
            return [_version(row) for row in rows]

    def newest(self) -> str:
        """Return the name of the version that was published last; '' before the first."""
        with self._storage.reading() as connection:
            row = newest_definitions(connection, self._site)
        return "" if row is None else f"{row.generation}.{row.number}"

    def newest_of(self, definitions: Definitions) -> str:
        """Return the name of the last version that has just these definitions; '' for none."""
        table = schema.definition_versions.c
        with self._storage.reading() as connection:
            row = connection.execute(
                select(table.generation, table.number)
                .where(
                    table.site == self._site.key, table.definitions == canonical_json(definitions)
                )
                .order_by(table.generation.desc(), table.number.desc())
                .limit(1)
            ).one_or_none()
        return "" if row is None else f"{row.generation}.{row.number}"

    def version(self, name: str) -> tuple[DefinitionVersion, dict[str, Any]]:
        """Return a version and its definitions as plain data.

        Raises:
            UnknownNameError: There is no such version.
        """
        if not fullmatch(_VERSION, name):
            raise UnknownNameError(_NO_VERSION)
        table, (generation, number) = schema.definition_versions, map(int, name.split("."))
        with self._storage.reading() as connection:
            row = connection.execute(
                select(table).where(
                    table.c.site == self._site.key,
                    table.c.generation == generation,
                    table.c.number == number,
                )
            ).one_or_none()
        if row is None:
            raise UnknownNameError(_NO_VERSION)
        return _version(row), json.loads(row.definitions)

    def plan(self, definitions: Definitions, *, claim: Claim, with_audience: bool) -> Plan:
        """Return what publishing a set would change; with its audiences, once at a time.

        Raises:
            DefinitionError: It has faults; all of them are told.
            ManagedError: It changes what is managed elsewhere.
            UnknownNameError: An object is to change hands that is not there.
        """
        with self._planning if with_audience else nullcontext(), self._storage.reading() as it:
            return plan(
                it,
                self._site,
                definitions,
                claim=claim,
                with_audience=with_audience,
                now_ms=self._clock(),
            )

    def drafts(self) -> list[Draft]:
        """Return the drafts, by name."""
        table = schema.drafts
        with self._storage.reading() as connection:
            rows = connection.execute(
                select(table).where(table.c.site == self._site.key).order_by(table.c.draft)
            )
            return [_draft(row) for row in rows]

    def put_draft(
        self,
        name: str,
        definitions: Any,
        *,
        base: int,
        author: str,
        text: str | None = None,
        over: str | None = None,
    ) -> str:
        """Keep a draft, in place of an older one of its name, faults and all; return its state.

        Args:
            name: Its name.
            definitions: What it says.
            base: The number of the version that it started from.
            author: Who wrote it.
            text: How they wrote it, with comments, where they wrote text.
            over: The state of the one that it replaces, '' for none; None replaces whatever it is.

        Raises:
            ConflictError: Another one stands there than the one that it was to replace.
            ManagedError: It changes what is managed from files.
        """
        plain = json.dumps(definitions, ensure_ascii=False, separators=(",", ":"))
        with self._storage.writing() as connection:
            newest, managed = kept_definitions(newest_definitions(connection, self._site))
            refuse_draft(definitions, newest, managed)
            self._refuse_moved(connection, name, over)
            row = (self._site.key, name, plain, base, author, self._clock(), text)
            put_rows(connection, schema.drafts, [row])
            self._note(connection, Action.DRAFT_PUT, name, author)
        return state_of(json.loads(plain), text)

    def drop_draft(self, name: str, *, author: str, over: str | None = None) -> None:
        """Throw a draft away; with `over`, only in that state.

        Raises:
            ConflictError: It is in another state.
            UnknownNameError: There is no such draft.
        """
        table = schema.drafts
        is_it = (table.c.site == self._site.key) & (table.c.draft == name)
        with self._storage.writing() as connection:
            self._refuse_moved(connection, name, over)
            if not connection.execute(delete(table).where(is_it)).rowcount:
                raise UnknownNameError("this site has no such draft")
            self._note(connection, Action.DRAFT_REMOVED, name, author)

    def text(self, place: str) -> str:
        """Return how an object was written last, with comments; empty where nobody wrote text.

        What the newest version says may have changed since.
        """
        table = schema.texts
        with self._storage.reading() as connection:
            found: str | None = connection.scalar(
                select(table.c.text).where(table.c.site == self._site.key, table.c.place == place)
            )
        return found or ""

    def texts(self) -> dict[str, str]:
        """Return by place how objects were written last, of those that somebody wrote as text."""
        table = schema.texts
        with self._storage.reading() as connection:
            rows = connection.execute(
                select(table.c.place, table.c.text).where(
                    table.c.site == self._site.key, table.c.text != ""
                )
            )
            return {row.place: row.text for row in rows}

    def put_text(self, place: str, text: str) -> None:
        """Keep how an object was written."""
        with self._storage.writing() as connection:
            put_rows(connection, schema.texts, [(self._site.key, place, text)])

    def audit(self, *, before: int | None = None) -> list[Entry]:
        """Return the newest entries of the audit trail; `before` a number, to read on."""
        with self._storage.reading() as connection:
            return entries(connection, self._site, before=before)

    def _refuse_moved(self, connection: Connection, name: str, over: str | None) -> None:
        table = schema.drafts
        is_it = (table.c.site == self._site.key) & (table.c.draft == name)
        row = connection.execute(select(table).where(is_it)).one_or_none()
        if over is not None and over != (_draft(row).state if row else ""):
            raise ConflictError("this draft was changed meanwhile")

    def _note(self, connection: Connection, action: Action, name: str, author: str) -> None:
        note(connection, self._site, action, author=author, subject=name, now_ms=self._clock())


def state_of(definitions: Any, text: str | None = None) -> str:
    """Return what tells what was written apart from anything else that might be."""
    plain = json.dumps([definitions, text or ""])
    return blake2b(plain.encode(), digest_size=16).hexdigest()


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        draft=row.draft,
        base=row.base,
        author=row.author,
        at_ms=row.at_ms,
        definitions=json.loads(row.definitions),
        text=row.text,
    )


def _version(row: Row[Any]) -> DefinitionVersion:
    return DefinitionVersion(
        version=f"{row.generation}.{row.number}",
        reason=row.reason,
        author=row.author,
        published_ms=row.published_ms,
        revision=row.revision,
        managed=Managed.read(row.managed),
    )
