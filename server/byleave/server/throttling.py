"""How often somebody may guess a password: a few times at once, then ever less often.

So it is with the codes that a provider of OpenID Connect gives to browsers. Whoever brings one
has no name yet, so that those of one address count together, until one of them signs in. Nothing
else that goes wrong with a provider is a guess, and nothing else of it is counted: any page can
lead a browser to where codes are brought, and a provider that fails would make everybody wait.

Failures are counted in the store, so that more processes are not more guesses. A person is not
locked out by strangers: what counts first is a person together with where the guess comes from.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, select

from byleave.server import schema
from byleave.server.batches import put_rows
from byleave.server.errors import ThrottledError
from byleave.server.sites import Site
from byleave.server.storage import Storage

#: Failures are forgotten when there was none for this long.
_MEMORY_MS: Final = 86_400_000
_LONGEST_WAIT_MS: Final = 900_000


@dataclass(frozen=True, slots=True)
class _Limit:
    """How many failures of one subject cost nothing; each further one doubles the wait."""

    subject: str
    free: int

    def wait_ms(self, failures: int) -> int:
        beyond = failures - self.free
        return min(_LONGEST_WAIT_MS, 1_000 * 2 ** min(beyond, 20)) if beyond >= 0 else 0


class Throttle:
    """The failures to sign in to a site."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Count the failures of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock

    def check(self, email: str, source: str) -> None:
        """Let an attempt pass.

        Raises:
            ThrottledError: It is too early for another one.
        """
        now_ms = self._clock()
        with self._storage.reading() as connection:
            found = self._failures(connection, email, source)
        for limit in self._limits(email, source):
            failures, last_ms = found.get(limit.subject, (0, 0))
            whole_ms = limit.wait_ms(failures)
            # Another machine, whose clock may be ahead, may have counted it.
            wait_ms = min(whole_ms, last_ms + whole_ms - now_ms)
            if wait_ms > 0:
                raise ThrottledError(-(-wait_ms // 1_000))

    def count(self, email: str, source: str) -> None:
        """Count a failure."""
        now_ms, failed = self._clock(), schema.sign_in_failures
        with self._storage.writing() as connection:
            connection.execute(
                delete(failed).where(
                    failed.c.site == self._site.key, failed.c.last_ms <= now_ms - _MEMORY_MS
                )
            )
            before = self._failures(connection, email, source)
            rows = [
                (self._site.key, each.subject, before.get(each.subject, (0, 0))[0] + 1, now_ms)
                for each in self._limits(email, source)
            ]
            put_rows(connection, failed, rows)

    def forget(self, email: str, source: str) -> None:
        """Forget the failures of a person from where they have now signed in."""
        failed = schema.sign_in_failures
        both = self._limits(email, source)[0].subject
        with self._storage.reading() as connection:
            if both not in self._failures(connection, email, source):
                return
        with self._storage.writing() as connection:
            connection.execute(
                delete(failed).where(failed.c.site == self._site.key, failed.c.subject == both)
            )

    def _failures(
        self, connection: Connection, email: str, source: str
    ) -> dict[str, tuple[int, int]]:
        failed, now_ms = schema.sign_in_failures, self._clock()
        subjects = [limit.subject for limit in self._limits(email, source)]
        rows = connection.execute(
            select(failed).where(
                failed.c.site == self._site.key,
                failed.c.subject.in_(subjects),
                # What is dated further ahead was counted by a clock that was wrong.
                failed.c.last_ms.between(now_ms - _MEMORY_MS + 1, now_ms + _LONGEST_WAIT_MS),
            )
        )
        return {row.subject: (row.times, row.last_ms) for row in rows}

    def _limits(self, email: str, source: str) -> tuple[_Limit, ...]:
        # Only hashes are kept: what was typed as an address may be anything, also a password.
        return (
            _Limit(self._site.derived(f"sign-in/{source}/{email}"), 5),
            _Limit(self._site.derived(f"sign-in/{source}"), 30),
            _Limit(self._site.derived(f"sign-in//{email}"), 100),
        )
