"""Personas of a site: people made up, whom somebody saved to look at the site as.

What is said of one is what a file of personas says, so that `Persona` reads it. Nothing of a
real visitor gets here: a persona is written by hand, and no page or route copies a profile.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select

from byleave.segments.naming import NAME_RULE, is_name
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import put_rows
from byleave.server.errors import ConflictError, ForbiddenError, UnknownNameError
from byleave.server.sites import Site
from byleave.server.storage import Storage
from byleave.server.versions import state_of

#: No site has more of them.
MOST: Final = 100
#: What is said of one is no longer, as JSON.
MOST_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPersona:
    """A persona as it was saved.

    Attributes:
        persona: Their name, from which arms are drawn.
        said: What is said of them, as a file of personas says it.
        author: Who saved them last.
        at_ms: When.
    """

    persona: str
    said: Mapping[str, Any]
    author: str
    at_ms: int

    @property
    def title(self) -> str:
        """Who they are, for people; '' where nobody said."""
        return str(self.said.get("title", ""))

    @property
    def state(self) -> str:
        """What tells what is said of them apart from what was said before."""
        return state_of(self.said)


class Personas:
    """The personas of a site."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Look after the personas of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock

    def all(self) -> list[SavedPersona]:
        """Return all of them, by name."""
        personas = schema.personas
        with self._storage.reading() as connection:
            rows = connection.execute(
                select(personas)
                .where(personas.c.site == self._site.key)
                .order_by(personas.c.persona)
            )
            return [_saved(row) for row in rows]

    def find(self, name: str) -> SavedPersona | None:
        """Return one; None where there is none of this name."""
        with self._storage.reading() as connection:
            return self._find(connection, name)

    def put(self, name: str, said: Mapping[str, Any], *, author: str, over: str) -> None:
        """Save one, in place of an older one of the name.

        Args:
            name: Their name.
            said: What is said of them.
            author: Who saves them.
            over: The state of the one that it replaces, '' for none.

        Raises:
            ConflictError: Another one stands there than the one that it was to replace.
            ForbiddenError: It is no name, too much is said, or there are too many already.
        """
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        if not is_name(name):
            raise ForbiddenError(NAME_RULE)
        if len(text.encode()) > MOST_BYTES:
            raise ForbiddenError(f"expected at most {MOST_BYTES} bytes to be said of a persona")
        with self._storage.writing() as connection:
            self._refuse_moved(connection, name, over)
            if not over and self._count(connection) >= MOST:
                raise ForbiddenError(f"a site has at most {MOST} personas; remove one first")
            row = (self._site.key, name, text, author, self._clock())
            put_rows(connection, schema.personas, [row])
            self._note(connection, Action.PERSONA_PUT, name, author)

    def remove(self, name: str, *, author: str, over: str) -> None:
        """Remove one.

        Args:
            name: Their name.
            author: Who removes them.
            over: The state in which whoever removes them saw them.

        Raises:
            ConflictError: They are in another state.
            UnknownNameError: There is none of this name.
        """
        personas = schema.personas
        is_it = (personas.c.site == self._site.key) & (personas.c.persona == name)
        with self._storage.writing() as connection:
            if self._find(connection, name) is None:
                raise UnknownNameError("this site has no such persona")
            self._refuse_moved(connection, name, over)
            connection.execute(delete(personas).where(is_it))
            self._note(connection, Action.PERSONA_REMOVED, name, author)

    def _find(self, connection: Connection, name: str) -> SavedPersona | None:
        if not is_name(name):
            return None
        personas = schema.personas
        is_it = (personas.c.site == self._site.key) & (personas.c.persona == name)
        row = connection.execute(select(personas).where(is_it)).one_or_none()
        return None if row is None else _saved(row)

    def _count(self, connection: Connection) -> int:
        personas = schema.personas
        return connection.execute(
            select(func.count()).select_from(personas).where(personas.c.site == self._site.key)
        ).scalar_one()

    def _refuse_moved(self, connection: Connection, name: str, over: str) -> None:
        found = self._find(connection, name)
        if over != (found.state if found else ""):
            raise ConflictError("this persona was changed meanwhile")

    def _note(self, connection: Connection, action: Action, name: str, author: str) -> None:
        note(connection, self._site, action, author=author, subject=name, now_ms=self._clock())


def _saved(row: Row[Any]) -> SavedPersona:
    return SavedPersona(
        persona=row.persona, said=json.loads(row.said), author=row.author, at_ms=row.at_ms
    )
