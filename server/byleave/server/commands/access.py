"""Where the people and keys of a site are looked after: in its store, or by a running server.

A SQLite store belongs to the process that serves it, which then has to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol
from urllib.parse import quote

import typer

from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.commands.exits import refuse
from byleave.server.commands.remote import Remote
from byleave.server.commands.settings_options import Config, settle

if TYPE_CHECKING:
    from byleave.server.keys import Role
    from byleave.server.service import Service

SiteKey = Annotated[str, typer.Argument(help="The site's key.")]
Running = Annotated[
    str | None,
    typer.Option("--server", help="The URL of the running server, which is to do it."),
]
AdminKey = Annotated[
    str,
    typer.Option("--key", envvar="BYLEAVE_KEY", help="With --server: an admin's key of the site."),
]
_AUTHOR: Final = "command line"


class Access(Protocol):
    """The people and keys of a site; what cannot be done ends the command."""

    def list_people(self) -> list[dict[str, Any]]:
        """Return everybody who may sign in: `email`, `role`, `created_ms`, `has_password`."""
        ...

    def put_person(self, email: str, role: Role, password: str | None) -> None:
        """Add a person, or give one another role and password, or none."""
        ...

    def change_person(self, email: str, role: Role) -> None:
        """Give a person another role."""
        ...

    def remove_person(self, email: str) -> None:
        """Take a person away."""
        ...

    def list_keys(self) -> list[dict[str, Any]]:
        """Return the keys: `name`, `role`, `created_ms`, `expires_ms`."""
        ...

    def create_key(self, role: Role, expires_ms: int | None) -> str:
        """Return a new key."""
        ...

    def end_key(self, name: str, at_ms: int) -> None:
        """Let a key expire at a moment."""
        ...

    def remove_key(self, name: str) -> None:
        """Take a key away."""
        ...

    def rotate_receipts(self, *, revoke: bool) -> None:
        """Make a new key for receipts, perhaps in place of those before it."""
        ...


@dataclass(frozen=True)
class _OfStore:
    """The people and keys in a store that nobody serves, or that several may have."""

    service: Service

    def list_people(self) -> list[dict[str, Any]]:
        return [
            {
                "email": each.email,
                "role": str(each.role),
                "created_ms": each.created_ms,
                "has_password": each.has_password,
            }
            for each in self.service.people.all()
        ]

    def put_person(self, email: str, role: Role, password: str | None) -> None:
        self.service.people.put(email, role, password, author=_AUTHOR)

    def change_person(self, email: str, role: Role) -> None:
        self.service.people.assign(email, role, author=_AUTHOR)

    def remove_person(self, email: str) -> None:
        self.service.people.remove(email, author=_AUTHOR)

    def list_keys(self) -> list[dict[str, Any]]:
        return [each.told() for each in self.service.keys.of(self.service.site.key)]

    def create_key(self, role: Role, expires_ms: int | None) -> str:
        return self.service.keys.create(role, expires_ms=expires_ms, author=_AUTHOR)

    def end_key(self, name: str, at_ms: int) -> None:
        self.service.keys.end(name, at_ms=at_ms, author=_AUTHOR)

    def remove_key(self, name: str) -> None:
        self.service.keys.drop(name, author=_AUTHOR)

    def rotate_receipts(self, *, revoke: bool) -> None:
        self.service.rotate_receipts(author=_AUTHOR, revoke=revoke)


@dataclass(frozen=True)
class _OfServer:
    """The people and keys of the site that a running server is for."""

    remote: Remote

    def list_people(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.remote.ask("GET", "/v1/people")["people"]
        return found

    def put_person(self, email: str, role: Role, password: str | None) -> None:
        self.remote.ask("PUT", _person(email), {"role": role, "password": password})

    def change_person(self, email: str, role: Role) -> None:
        self.remote.ask("PATCH", _person(email), {"role": role})

    def remove_person(self, email: str) -> None:
        self.remote.ask("DELETE", _person(email))

    def list_keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.remote.ask("GET", "/v1/keys")["keys"]
        return found

    def create_key(self, role: Role, expires_ms: int | None) -> str:
        wanted = {"role": role, "expires_ms": expires_ms}
        return str(self.remote.ask("POST", "/v1/keys", wanted)["key"])

    def end_key(self, name: str, at_ms: int) -> None:
        self.remote.ask("POST", f"{_key(name)}/end", {"at_ms": at_ms})

    def remove_key(self, name: str) -> None:
        self.remote.ask("DELETE", _key(name))

    def rotate_receipts(self, *, revoke: bool) -> None:
        self.remote.ask("DELETE" if revoke else "POST", "/v1/receipt-keys")


@contextmanager
def access(
    site: str,
    server: str | None,
    key: str,
    database: str | None,
    config: Config,
    *,
    may_begin: bool = False,
) -> Iterator[Access]:
    """Give the people and keys of a site; what is refused ends the command.

    Args:
        site: The site's key.
        server: The URL of the server that is to be asked; None for the store itself.
        key: An admin's key, for the server.
        database: The store, as the settings name it.
        config: The file of settings.
        may_begin: Whether a store that is not there is made, and the first site of one.
    """
    if server is not None:
        yield _OfServer(_site_at(server, key, site))
        return
    settings = settle(config, database=database)
    from byleave.server.errors import ServerError

    try:
        _require_site(settings.database, site, may_begin=may_begin)
        with closing(_opened(settings.database, site)) as service:
            yield _OfStore(service)
    except (ServerError, ValueError) as error:
        refuse(str(error))


def role_of(text: str) -> Role:
    """Return the role that an option names, or end the command."""
    from byleave.server.keys import Role

    try:
        return Role(text)
    except ValueError:
        refuse(f"--role: expected one of {', '.join(Role)}, got {text!r}")


def _require_site(database: str, site: str, *, may_begin: bool) -> None:
    """Refuse a site that is not there, or that may not begin: what is misspelt is no new one."""
    from byleave.server.errors import StorageError
    from byleave.server.sites import find_site, site_keys
    from byleave.server.storage import looking

    if not is_name(site):
        refuse(f"expected the key of a site, got {site!r}: {NAME_RULE}")
    try:
        with looking(database) as connection:
            if not may_begin or site_keys(connection):
                find_site(connection, site)
    except StorageError:
        if not may_begin:
            raise


def _opened(database: str, site: str) -> Service:
    from byleave.sdk.middleware import system_clock
    from byleave.server.errors import StorageError
    from byleave.server.service import Service

    try:
        return Service(database, site=site, clock=system_clock)
    except StorageError as error:
        refuse(f"{error}. Name a running server by --server, with an admin's key by --key")


def _site_at(url: str, key: str, site: str) -> Remote:
    """Return the site at a URL; end the command where another site is served there."""
    remote = Remote.at(url, key, role="admin")
    served = remote.ask("GET", "/v1/people")["site"]
    if served != site:
        refuse(f"{url}: expected the site {site!r} there, found {served!r}")
    return remote


def _person(email: str) -> str:
    return f"/v1/people/{quote(email, safe='@')}"


def _key(name: str) -> str:
    return f"/v1/keys/{quote(name, safe='')}"
