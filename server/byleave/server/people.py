"""People: their passwords, roles and sessions, and how often somebody may guess.

A person belongs to one site, with one role. A password is kept as argon2id makes it, with the
parameters that RFC 9106 §4 names second (64 MiB of memory). A session is 32 random bytes in a
cookie; the store knows their hash, so that whoever reads the store cannot sign in.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from re import fullmatch
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, Row, delete, insert, select, update

from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import put_rows
from byleave.server.errors import ForbiddenError, UnknownNameError
from byleave.server.keys import Role
from byleave.server.sites import Site
from byleave.server.storage import Storage
from byleave.server.throttling import Throttle

#: The roles that people can have.
PEOPLES_ROLES: Final = (Role.VIEWER, Role.ANALYST, Role.MARKETER, Role.ADMIN)

#: A session that nobody uses ends after the first, and every session after the second.
IDLE_MS: Final = 12 * 3_600_000
LONGEST_MS: Final = 7 * 86_400_000

#: NIST SP 800-63B asks for 8 at least where a password is the only factor; length is all that
#: is asked for here.
SHORTEST: Final = 12
LONGEST: Final = 256

_EMAIL: Final = r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,189}"
_NO_PASSWORD: Final = ""  # in place of a hash, and none of any password
_NOBODY: Final = "this site has no such person"
_TOUCH_MS: Final = 60_000
# Each hashing takes 64 MiB: more than this at once would let strangers fill the memory.
_HASHING: Final = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in to a site; by a provider alone, where they have no password."""

    site: str
    email: str
    role: Role
    created_ms: int
    has_password: bool


class People:
    """The people of a site."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Look after the people of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock
        #: How often somebody may fail to sign in.
        self.throttle = Throttle(storage, site, clock=clock)

    def put(
        self, email: str, role: Role, password: str | None, *, author: str, is_first: bool = False
    ) -> None:
        """Add a person, or give one another role and password; their sessions end.

        Args:
            email: Their address.
            role: What they may do.
            password: Their password; None for whoever signs in by a provider alone.
            author: Who adds them.
            is_first: Refuses where the site has anybody already.

        Raises:
            ForbiddenError: It is no address, no role of people, or too short a password; or the
                site would be without an admin, or is not without people.
        """
        email = _address(email)
        _check_role(role)
        hashed = _NO_PASSWORD if password is None else self._hashed(password)
        now_ms = self._clock()
        with self._storage.writing() as connection:
            if is_first and _is_anybody(connection, self._site):
                raise ForbiddenError("this site has its first admin already")
            if role is not Role.ADMIN:
                self._keep_an_admin(connection, email)
            row = (self._site.key, email, str(role), hashed, now_ms)
            put_rows(connection, schema.people, [row])
            self._changed(connection, email, role, author=author)

    def assign(self, email: str, role: Role, *, author: str) -> None:
        """Give a person another role, who keeps their password; their sessions end.

        Raises:
            ForbiddenError: It is no role of people, or the site would be without an admin.
            UnknownNameError: There is no such person.
        """
        people, email = schema.people, email.strip().lower()
        _check_role(role)
        is_it = (people.c.site == self._site.key) & (people.c.email == email)
        with self._storage.writing() as connection:
            if role is not Role.ADMIN:
                self._keep_an_admin(connection, email)
            if not connection.execute(update(people).where(is_it).values(role=str(role))).rowcount:
                raise UnknownNameError(_NOBODY)
            self._changed(connection, email, role, author=author)

    def remove(self, email: str, *, author: str) -> None:
        """Take a person away; their sessions end at once.

        Raises:
            ForbiddenError: They are the last admin.
            UnknownNameError: There is no such person.
        """
        people, email = schema.people, email.strip().lower()
        with self._storage.writing() as connection:
            self._keep_an_admin(connection, email)
            self._end_sessions(connection, email)
            is_it = (people.c.site == self._site.key) & (people.c.email == email)
            if not connection.execute(delete(people).where(is_it)).rowcount:
                raise UnknownNameError(_NOBODY)
            note(
                connection,
                self._site,
                Action.PERSON_REMOVED,
                author=author,
                subject=email,
                now_ms=self._clock(),
            )

    def is_anybody(self) -> bool:
        """Return whether anybody may sign in."""
        with self._storage.reading() as connection:
            return _is_anybody(connection, self._site)

    def all(self) -> list[Person]:
        """Return everybody who may sign in, by address."""
        people = schema.people
        with self._storage.reading() as connection:
            rows = connection.execute(
                select(people).where(people.c.site == self._site.key).order_by(people.c.email)
            )
            return [_person(row) for row in rows]

    def sign_in(self, email: str, password: str, *, source: str) -> str | None:
        """Return the secret of a new session; None when the password is not that of a person.

        Whether there is such a person shows neither in the answer nor in the time it takes.

        Args:
            email: The address that was given.
            password: The password that was given.
            source: Where the attempt comes from, such as an address of the network.

        Raises:
            ThrottledError: There were too many failures; it says when to try again.
        """
        email, people = email.strip().lower(), schema.people
        with self._storage.reading() as connection:
            is_it = (people.c.site == self._site.key) & (people.c.email == email)
            row = connection.execute(select(people).where(is_it)).one_or_none()
        has_password = row is not None and row.password_hash != _NO_PASSWORD
        hashed = row.password_hash if row is not None and has_password else self._nobodys
        with _HASHING:  # and counting, so that guesses which come at once are no more guesses
            self.throttle.check(email, source)
            if not self._matches(hashed, password) or not has_password:
                self.throttle.count(email, source)
                return None
            needs_rehash = self._hasher.check_needs_rehash(hashed)
            newest = self._hasher.hash(password) if needs_rehash else hashed
        self.throttle.forget(email, source)
        is_same = is_it & (people.c.password_hash == hashed)
        with self._storage.writing() as connection:
            changed = update(people).where(is_same).values(password_hash=newest)
            if not connection.execute(changed).rowcount:
                return None
            return self._begin(connection, email)

    def admit(self, email: str) -> str | None:
        """Return the secret of a new session of whoever was shown to have an address.

        None where an admin has added nobody of this address.
        """
        people, email = schema.people, email.strip().lower()
        is_it = (people.c.site == self._site.key) & (people.c.email == email)
        with self._storage.writing() as connection:
            if connection.execute(select(people.c.email).where(is_it)).one_or_none() is None:
                return None
            return self._begin(connection, email)

    def of_session(self, session: str) -> Person | None:
        """Return whose session it is, at whichever site of the store; None when it is over."""
        sessions, people, now_ms = schema.sessions, schema.people, self._clock()
        is_same = (sessions.c.site == people.c.site) & (sessions.c.email == people.c.email)
        with self._storage.reading() as connection:
            row = connection.execute(
                select(people, sessions.c.seen_ms)
                .join(sessions, is_same)
                .where(
                    sessions.c.session_hash == _hash(session),
                    sessions.c.seen_ms > now_ms - IDLE_MS,
                    sessions.c.created_ms > now_ms - LONGEST_MS,
                )
            ).first()
        if row is None:
            return None
        if row.seen_ms < now_ms - _TOUCH_MS:
            with self._storage.writing() as connection:
                connection.execute(
                    update(sessions)
                    .where(sessions.c.site == row.site, sessions.c.session_hash == _hash(session))
                    .values(seen_ms=now_ms)
                )
        return _person(row)

    def sign_out(self, session: str) -> None:
        """End a session."""
        sessions = schema.sessions
        with self._storage.writing() as connection:
            connection.execute(
                delete(sessions).where(
                    sessions.c.site == self._site.key, sessions.c.session_hash == _hash(session)
                )
            )

    def _hashed(self, password: str) -> str:
        if not SHORTEST <= len(password) <= LONGEST:
            raise ForbiddenError(f"expected a password of {SHORTEST} to {LONGEST} characters")
        with _HASHING:
            return self._hasher.hash(password)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return PasswordHasher()

    @cached_property
    def _nobodys(self) -> str:
        """What the password of somebody is compared with who is not there."""
        with _HASHING:
            return self._hasher.hash(secrets.token_urlsafe(32))

    def _begin(self, connection: Connection, email: str) -> str:
        """Begin a session of a person, and return its secret."""
        session, now_ms = secrets.token_urlsafe(32), self._clock()
        self._forget_ended(connection)
        connection.execute(
            insert(schema.sessions).values(
                site=self._site.key,
                session_hash=_hash(session),
                email=email,
                created_ms=now_ms,
                seen_ms=now_ms,
            )
        )
        return session

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password[: LONGEST + 1])
        except VerificationError:
            return False

    def _changed(self, connection: Connection, email: str, role: Role, *, author: str) -> None:
        """End the sessions of a person who was changed, and note who changed them."""
        self._end_sessions(connection, email)
        note(
            connection,
            self._site,
            Action.PERSON_PUT,
            author=author,
            subject=email,
            reason=str(role),
            now_ms=self._clock(),
        )

    def _keep_an_admin(self, connection: Connection, email: str) -> None:
        people = schema.people.c
        admins = connection.execute(
            select(people.email).where(people.site == self._site.key, people.role == Role.ADMIN)
        ).scalars()
        if set(admins) == {email}:
            raise ForbiddenError("the last admin stays one; make another first")

    def _end_sessions(self, connection: Connection, email: str) -> None:
        sessions = schema.sessions
        is_theirs = (sessions.c.site == self._site.key) & (sessions.c.email == email)
        connection.execute(delete(sessions).where(is_theirs))

    def _forget_ended(self, connection: Connection) -> None:
        sessions, now_ms = schema.sessions, self._clock()
        is_over = (sessions.c.seen_ms <= now_ms - IDLE_MS) | (
            sessions.c.created_ms <= now_ms - LONGEST_MS
        )
        connection.execute(delete(sessions).where(sessions.c.site == self._site.key, is_over))


def _is_anybody(connection: Connection, site: Site) -> bool:
    people = schema.people.c
    found = connection.execute(select(people.email).where(people.site == site.key).limit(1))
    return found.first() is not None


def _check_role(role: Role) -> None:
    if role not in PEOPLES_ROLES:
        raise ForbiddenError("people are viewer, analyst, marketer or admin")


def _address(email: str) -> str:
    email = email.strip().lower()
    if not fullmatch(_EMAIL, email):
        raise ForbiddenError("expected an address such as ann@example.com")
    return email


def _hash(session: str) -> str:
    return sha256(session.encode()).hexdigest()


def _person(row: Row[tuple[object, ...]]) -> Person:
    return Person(
        site=row.site,
        email=row.email,
        role=Role(row.role),
        created_ms=row.created_ms,
        has_password=row.password_hash != _NO_PASSWORD,
    )
