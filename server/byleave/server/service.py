"""The server without HTTP: one site of one store, with a plain method for all it does.

The application calls these methods, and so does a simulation, with a clock that it steps. As
long as `start` was not called nothing happens in the background: the same calls with the same
clock and the same seed then leave the same store.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Lock
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from byleave.experiments import Definitions
from byleave.experiments.snapshot import ReceiptKey
from byleave.sdk.networks import GOALS_PER_NETWORK, NetworkLimit
from byleave.segments import Vocabulary
from byleave.server import counters, publishing, recording
from byleave.server.allocator import due_rows
from byleave.server.books import Books
from byleave.server.care import VisitorCare
from byleave.server.deciding import DecideRequest, decide
from byleave.server.errors import NothingPublishedError, UnknownNameError
from byleave.server.events import WireEvent
from byleave.server.freezing import freeze, frozen_runs, moved_runs, thaw
from byleave.server.guarding import broken_guards, pause
from byleave.server.images import Images
from byleave.server.ingest import Ingest
from byleave.server.intake import Ingested, Intake, Stranger, read_batch
from byleave.server.keys import KeyRing, Role
from byleave.server.knowing import Drawing
from byleave.server.learning import Measurement
from byleave.server.leases import Leases
from byleave.server.links import results_link
from byleave.server.managing import UNCLAIMED, Claim
from byleave.server.outreach import Outreach
from byleave.server.people import People
from byleave.server.personas import Personas
from byleave.server.publishing import Published
from byleave.server.receipt_keys import add_receipt_key
from byleave.server.recording import Verdict
from byleave.server.results import Results, results
from byleave.server.sites import fresh, open_site, reproducible, touch
from byleave.server.states import States
from byleave.server.storage import Storage
from byleave.server.telling import rejudge, tell_of_events
from byleave.server.versions import Library

_log = logging.getLogger("byleave.server")


class Service(VisitorCare):
    """One site of one store."""

    def __init__(
        self,
        database: str | Path,
        *,
        site: str,
        clock: Callable[[], int],
        seed: str | None = None,
        is_simulated: bool = False,
        goals_per_network: int = GOALS_PER_NETWORK,
    ) -> None:
        """Open the store and the site in it, making both where they are absent.

        Args:
            database: The path of a SQLite file or a database URL.
            site: The site's key.
            clock: Returns the time in milliseconds since the Unix epoch.
            seed: Makes every secret and id follow from it; for simulations, never for a site
                that people visit.
            is_simulated: Whether the visitors are made up, which every page will say.
            goals_per_network: How many goals browsers of one network, that send by themselves,
                may reach a day, see `NetworkLimit`; 0 sets no limit.

        Raises:
            StorageError: The store cannot be opened, or another process has it.
        """
        self.clock = clock
        self._entropy = fresh if seed is None else reproducible(seed)
        self.storage = Storage(database)
        with ExitStack() as opened:
            opened.callback(self.storage.close)
            with self.storage.writing() as connection:
                self.site = open_site(
                    connection,
                    site,
                    entropy=self._entropy,
                    is_simulated=is_simulated,
                    now_ms=clock(),
                )
                self._published = publishing.load_published(connection, self.site)
            opened.pop_all()  # from here on nothing touches the store
        self.outreach = Outreach(self.storage, self.site, clock=clock, entropy=self._entropy)
        self.books = Books(self.storage, self.site, clock=clock)
        self.drawing = Drawing(self.storage, self.site, clock=clock)
        self.leases = Leases(self.storage, self.site, clock=clock)
        #: How many events became what, since this process began.
        self.verdicts = Counter[Verdict]()
        self.keys = KeyRing(self.storage, self.site, clock=clock, entropy=self._entropy)
        self.library = Library(self.storage, self.site, clock=clock)
        self.images = Images(self.storage, self.site, clock=clock)
        self.people = People(self.storage, self.site, clock=clock)
        self.personas = Personas(self.storage, self.site, clock=clock)
        self.ingestion = Ingest(self._record)
        key = self.site.derived("networks").encode()
        self._networks = NetworkLimit(key, most=goals_per_network)
        self._states = States(self.site)
        self._adopting = Lock()
        #: Set when long work is to leave the rest for another time.
        self.is_ending = Event()

    @property
    def published(self) -> Published:
        """The publication in force.

        Raises:
            NothingPublishedError: There is none yet.
        """
        if self._published is None:
            raise NothingPublishedError("no definitions are published for this site yet")
        return self._published

    def published_age_ms(self) -> int | None:
        """Return how long the publication in force has been so; None before the first."""
        known = self._published
        return None if known is None else max(self.clock() - known.snapshot.published_ms, 0)

    def publish(
        self,
        definitions: Definitions,
        *,
        reason: str,
        author: str,
        expected: str | None = None,
        revision: str | None = None,
        claim: Claim = UNCLAIMED,
    ) -> Published:
        """Publish a set of definitions and return the publication that is then in force.

        Raises:
            ConflictError: The newest version is not the `expected` one.
            DefinitionError: The set has faults, or is that of another site.
            ForbiddenError: It brings in HTML, which the claim does not allow.
            ManagedError: It changes what is managed elsewhere.
            UnknownNameError: An object is to change hands that is not there.
        """
        now_ms = self.clock()
        with self.storage.writing() as connection:
            self._catch_up(connection)
            before = self._published
            publishing.publish(
                connection,
                self.site,
                definitions,
                reason=reason,
                author=author,
                entropy=self._entropy,
                now_ms=now_ms,
                expected=expected,
                revision=revision,
                claim=claim,
            )
            published = publishing.load_published(connection, self.site)
            if _vocabulary(before) != _vocabulary(published):
                rejudge(connection, self.site, now_ms=now_ms)
        self._adopt(published)
        return self.published

    def rotate_receipts(self, *, author: str, revoke: bool = False) -> ReceiptKey:
        """Return a new key that signs receipts from a minute from now on.

        Those before it are accepted for another 48 hours. If it is to `revoke` them, they are
        not, and it signs at once.
        """
        now_ms = self.clock()
        with self.storage.writing() as connection:
            key = add_receipt_key(
                connection,
                self.site,
                author=author,
                entropy=self._entropy,
                now_ms=now_ms,
                revoke=revoke,
            )
            publishing.next_version(connection, self.site, now_ms=now_ms)
            published = publishing.load_published(connection, self.site)
        self._adopt(published)
        return key

    def tick(self, now_ms: int) -> bool:
        """Replace the allocation rows whose time has come; return whether there were any.

        Whenever a run gets a new row its guards are looked at, and one that is broken pauses it;
        and if one arm moved against the others as it never did, its weights are frozen.
        """
        with self.storage.reading() as connection:
            self._catch_up(connection)
            due = due_rows(connection, self.site, now_ms=now_ms)
            runs = {row.run for row in due}
            broken = broken_guards(connection, self.site, runs, now_ms=now_ms)
            moved = moved_runs(connection, self.site, runs)
        if not due:
            return False
        due = [row for row in due if row.run not in moved]
        with self.storage.writing() as connection:
            for run in freeze(connection, self.site, moved, now_ms=now_ms):
                _log.error("an arm moved against the others: weights frozen", extra={"run": run})
            is_renewed = publishing.publish_rows(connection, self.site, due, now_ms=now_ms)
            if not is_renewed and not broken:
                return False
            published = publishing.load_published(connection, self.site)
            if broken and published is not None:
                snapshot = published.snapshot
                pause(connection, self.site, snapshot, broken, entropy=self._entropy, now_ms=now_ms)
                published = publishing.load_published(connection, self.site)
        self._adopt(published)
        return True

    def frozen(self) -> set[str]:
        """Return the runs whose weights are frozen."""
        with self.storage.reading() as connection:
            return frozen_runs(connection, self.site)

    def thaw(self, key: str, *, author: str) -> None:
        """Let the weights of an experiment's run follow what is learned again.

        Raises:
            UnknownNameError: They are not frozen.
        """
        run = self.published.snapshot.runs.get(key)
        with self.storage.writing() as connection:
            name = key if run is None else run.id
            thaw(connection, self.site, name, author=author, now_ms=self.clock())

    def read_batch(self, items: Sequence[object], *, stranger: Stranger | None = None) -> Intake:
        """Check events given as plain data, without storing any.

        Raises:
            NothingPublishedError: There are no definitions to check them against.
        """
        snapshot = self.published.snapshot
        return read_batch(
            items,
            snapshot=snapshot,
            now_ms=self.clock(),
            stranger=stranger,
            limit=self._networks,
        )

    def ingest(self, items: Sequence[object], *, stranger: Stranger | None = None) -> Ingested:
        """Store events given as plain data, and return once they are committed.

        Raises:
            BusyError: Too much is waiting to be stored.
            NothingPublishedError: There are no definitions to check them against.
        """
        intake = self.read_batch(items, stranger=stranger)
        return intake.result(self.ingestion.submit(list(intake.events.values())).result())

    def flush(self) -> None:
        """Return once all events that were taken before are committed."""
        self.ingestion.flush()

    def decide(self, request: DecideRequest) -> dict[str, Any]:
        """Return decisions for one visitor, and the state to bring along next time.

        Raises:
            NothingPublishedError: There is nothing to decide by.
        """
        return decide(self.published, self._states, request, now_ms=self.clock())

    def statuses(self) -> dict[str, str]:
        """Return the status of each experiment that ever ran, of those that are defined."""
        found = {}
        for key in self.published.snapshot.definitions.experiments:
            with suppress(UnknownNameError):
                found[key] = str(self.results(key).report.status)
        return found

    def add_counts(self, report: str, counts: Mapping[str, int], *, at_ms: int) -> bool:
        """Add what a site counted of nobody in particular; return whether the report is new."""
        with self.storage.writing() as connection:
            return counters.add_counts(
                connection, self.site, report, counts, at_ms=at_ms, now_ms=self.clock()
            )

    def counts(self, *, since_ms: int) -> Counter[str]:
        """Return how often each thing was counted since a day began, UTC."""
        with self.storage.reading() as connection:
            return counters.totals(connection, self.site, since_ms=since_ms)

    def results(self, key: str, *, as_of_ms: int | None = None) -> Results:
        """Return the results of an experiment's newest run, as of now or a moment that is past.

        Raises:
            NothingPublishedError: The site has no definitions yet.
            UnknownNameError: The experiment never ran here.
        """
        definitions = self.published.snapshot.definitions
        now_ms = self.clock()
        is_past = as_of_ms is not None and as_of_ms < now_ms
        with self.storage.reading() as connection:
            return results(
                connection,
                self.site,
                definitions,
                key,
                now_ms=as_of_ms if as_of_ms is not None and is_past else now_ms,
                is_past=is_past,
            )

    def results_link(self, key: str, *, lasts_ms: int) -> str:
        """Return the path of an experiment's results, which whoever has it may open until then."""
        return results_link(self.site, key, expires_ms=self.clock() + lasts_ms)

    def lacking(self) -> list[str]:
        """Return what keeps the service from doing all its work; empty when nothing does."""
        found = []
        if self._published is None:
            found.append("no definitions are published yet")
        try:
            with self.storage.writing() as connection:
                touch(connection, self.site)
        except DBAPIError:
            found.append("the store cannot be written")
        return found

    def create_key(self, role: Role, *, author: str = "command line") -> str:
        """Return a new API key; nobody sees it ever again."""
        return self.keys.create(role, author=author)

    def create_own_key(self) -> str:
        """Return a server key for a site in this process; it is stored nowhere and ends with it."""
        return self.keys.create_own()

    def refresh(self) -> None:
        """Take what other processes have published, and their keys."""
        with self.storage.reading() as connection:
            self._catch_up(connection)
        self.keys.refresh()

    def start(self) -> None:
        """Store events in a thread of its own from now on, many batches by one commit."""
        self.ingestion.start()

    def close(self) -> None:
        """Store what is waiting and close the store."""
        self.ingestion.stop()
        self.storage.close()

    def _catch_up(self, connection: Connection) -> None:
        """Take what another process has published since."""
        version = publishing.current_version(connection, self.site)
        known = self._published
        if known is None or known.snapshot.version < version:
            self._adopt(publishing.load_published(connection, self.site))

    def _adopt(self, published: Published | None) -> None:
        """Take a publication into force, unless another thread already took a later one.

        It is compiled first, here and not by the request that would need it next.
        """
        if published is not None:
            published.succeed(self._published)
        with self._adopting:
            current = self._published
            if published is not None and (
                current is None or current.snapshot.version < published.snapshot.version
            ):
                self._published = published

    def _measured(self, connection: Connection) -> Measurement:
        self._catch_up(connection)
        return Measurement({}) if self._published is None else self._published.measurement

    def _record(self, events: Sequence[WireEvent]) -> list[Verdict]:
        with self.storage.writing() as connection:
            measurement = self._measured(connection)
            now_ms = self.clock()
            verdicts = recording.record(
                connection, self.site, events, measurement=measurement, now_ms=now_ms
            )
            if self._published is not None:
                new = [e for e, v in zip(events, verdicts, strict=True) if v is Verdict.ACCEPTED]
                definitions = self._published.snapshot.definitions
                tell_of_events(connection, self.site, new, definitions, now_ms=now_ms)
        self.verdicts.update(verdicts)
        return verdicts


def _vocabulary(published: Published | None) -> Vocabulary | None:
    """Return what says who is in a segment."""
    return None if published is None else published.snapshot.definitions.vocabulary
