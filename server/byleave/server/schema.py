"""The tables. Every primary key starts with the site, so that one store can hold several.

Times are milliseconds since the Unix epoch, UTC. Columns that hold JSON are text: what was
stored is what comes back, byte for byte, on every database. Primary keys are the order on disk
(SQLite: `WITHOUT ROWID`), so what is read together lies together.

`migrations/` creates the tables; a test holds the two equal.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, MetaData, String, Table, Text

metadata = MetaData()


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("site", String, primary_key=True),
        *columns,
        sqlite_with_rowid=False,
    )


sites = _table(
    "sites",
    Column("secret", String, nullable=False),  # every other secret of the site derives from it
    Column("generation", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),  # the newest publication of the generation
    Column("published_ms", BigInteger, nullable=False),
    Column("is_simulated", Boolean, nullable=False),
)

definition_versions = _table(  # never changed; rolling back publishes an old text anew
    "definition_versions",
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("definitions", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    Column("revision", String),  # the revision of the files it came from; null without
    Column("managed", Text, nullable=False, server_default="{}"),  # who looks after each object
)

runs = _table(
    "runs",
    Column("run", String, primary_key=True),
    Column("experiment", String, nullable=False),
    Column("ordinal", BigInteger, nullable=False),  # 1, 2, … within the experiment
    Column("seed", String, nullable=False),
    Column("definition", Text, nullable=False),  # what is randomised and measured, as JSON
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),  # null while it lives
    Column("conflicts", BigInteger, nullable=False),  # units that were seen in two arms
    Index("runs_by_experiment", "site", "experiment", "ordinal", unique=True),
)

allocations = _table(  # immutable, but for the moment that closes a row
    "allocations",
    Column("allocation", String, primary_key=True),
    Column("run", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # 1, 2, … within the run
    Column("cell_index", BigInteger, nullable=False),
    Column("cell", String, nullable=False),
    Column("weights", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger),  # null while it is the newest of its cell
    Column("draw_until_ms", BigInteger, nullable=False),
    Column("inputs", Text, nullable=False),  # what the weights were computed from
    Index("allocations_by_run", "site", "run", "sequence", "cell_index", unique=True),
)

events = _table(  # the log; ids are UUIDv7, so that new rows land at its end
    "events",
    Column("id", String, primary_key=True),
    Column("visitor", String, nullable=False),
    Column("name", String),  # the event's declared name; null for an exposure
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # all of it, as canonical JSON
    Index("events_by_visitor", "site", "visitor", "name"),
)

enrolments = _table(  # the earliest served exposure of a unit to a run
    "enrolments",
    Column("unit", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("stratum", String, nullable=False),
    Column("arm", String, nullable=False),
    Column("assigned_ms", BigInteger, nullable=False),
    Column("event", String, nullable=False),
    Column("segments", Text, nullable=False),
    Column("is_conflict", Boolean, nullable=False),
)

outcomes = _table(  # a goal without a row was not reached and is 0
    "outcomes",
    Column("unit", String, primary_key=True),
    Column("run", String, primary_key=True),
    Column("goal", String, primary_key=True),
    Column("value", Float, nullable=False),
    Column("delay_ms", BigInteger),  # until the first event; null when none counts any more
)

_STATISTICS = ("run", "stratum", "arm", "goal", "segment")


def _statistics(name: str) -> Table:
    return _table(
        name,
        *(Column(key, String, primary_key=True) for key in _STATISTICS),
        Column("units", BigInteger, nullable=False),
        Column("reached", BigInteger, nullable=False),  # units with at least one event
        Column("total", Float, nullable=False),
        Column("squares", Float, nullable=False),
    )


stratum_stats = _statistics("stratum_stats")  # segment '' is everyone
ledger = _statistics("ledger")  # the part of them that belongs to the erased, who have no name


def _delays(name: str) -> Table:
    return _table(
        name,
        Column("run", String, primary_key=True),
        Column("stratum", String, primary_key=True),
        Column("goal", String, primary_key=True),
        Column("bucket", BigInteger, primary_key=True, autoincrement=False),
        Column("units", BigInteger, nullable=False),
    )


delay_stats = _delays("delay_stats")
delay_ledger = _delays("delay_ledger")  # the part of them that belongs to the erased

seals = _table(  # strata that nothing may change any more
    "seals",
    Column("stratum", String, primary_key=True),
    Column("run", String, nullable=False),
    Column("sealed_ms", BigInteger, nullable=False),
    Column("checksum", String, nullable=False),
)

consents = _table(  # append-only; who it was is kept as a keyed hash only
    "consents",
    Column("visitor_hash", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
)

tombstones = _table(
    "tombstones",
    Column("visitor_hash", String, primary_key=True),
    Column("erased_ms", BigInteger, nullable=False),
    Column("cause", String, nullable=False),
)

server_attributes = _table(
    "server_attributes",
    Column("visitor", String, primary_key=True),
    Column("attribute", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("observed_ms", BigInteger, nullable=False),
)

api_keys = _table(
    "api_keys",
    Column("key", String, primary_key=True),  # the part of a key that names it
    Column("role", String, nullable=False),
    Column("secret_hash", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),  # null for never
)

receipt_keys = _table(  # the successors of the one that follows from the site's secret
    "receipt_keys",
    # 2, 3, …, and 1, without a secret, once those before the lowest of them were revoked
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("secret", String, nullable=False),  # signs; so it cannot be kept as a hash
    Column("since_ms", BigInteger, nullable=False),
)

aliases = _table(  # ids under which a visitor was known before they turned out to be one person
    "aliases",
    Column("alias", String, primary_key=True),
    Column("visitor", String, nullable=False),  # never an alias itself
    Column("merged_ms", BigInteger, nullable=False),
    Index("aliases_by_visitor", "site", "visitor"),
)

webhooks = _table(
    "webhooks",
    Column("webhook", String, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", String, nullable=False),  # signs; so it cannot be kept as a hash
    Column("topics", Text, nullable=False),  # what it is told, as a JSON list
    Column("use", String, nullable=False),  # the purpose that its receiver serves
)

outbox = _table(  # what webhooks are still to be told; a row goes once it was taken
    "outbox",
    Column("id", String, primary_key=True),
    Column("visitor", String),  # whom it is about; null for nobody in particular
    Column("webhook", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),  # not sent before
    Column("attempts", BigInteger, nullable=False),
    Column("failure", Text, nullable=False),  # why the last attempt failed; '' before the first
    Index("outbox_by_due", "site", "due_ms"),
    Index("outbox_by_visitor", "site", "visitor"),
    Index("outbox_by_webhook", "site", "webhook", "id"),
)

watched = _table(  # visitors whose segments are to be looked at again, and when
    "watched",
    Column("visitor", String, primary_key=True),  # '' stands for everybody
    Column("due_ms", BigInteger, nullable=False),
    Index("watched_by_due", "site", "due_ms"),
)

memberships = _table(  # the segments that a webhook was told a visitor is in
    "memberships",
    Column("visitor", String, primary_key=True),
    Column("segment", String, primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)

experiment_statuses = _table(  # the status that webhooks were told last
    "experiment_statuses",
    Column("experiment", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)

counters = _table(  # what sites count of nobody in particular
    "counters",
    Column("day", BigInteger, primary_key=True, autoincrement=False),  # since 1970, UTC
    Column("name", String, primary_key=True),
    Column("times", BigInteger, nullable=False),
)

counter_reports = _table(  # those that were added, so that none is twice
    "counter_reports",
    Column("report", String, primary_key=True),
    Column("received_ms", BigInteger, nullable=False),
)

people = _table(  # who may sign in
    "people",
    Column("email", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

sessions = _table(
    "sessions",
    Column("session_hash", String, primary_key=True),
    Column("email", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("sessions_by_hash", "session_hash"),
)

sign_in_failures = _table(
    "sign_in_failures",
    Column("subject", String, primary_key=True),  # a keyed hash of whom, where from, or both
    Column("times", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

drafts = _table(  # definitions that are not published yet
    "drafts",
    Column("draft", String, primary_key=True),
    Column("definitions", Text, nullable=False),
    Column("base", BigInteger, nullable=False),  # the number of the version it started from
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("text", Text),  # as it was written, with comments, where it was written as text
)

texts = _table(  # how published objects were written, with comments; what holds is the version
    "texts",
    Column("place", String, primary_key=True),
    Column("text", Text, nullable=False),
)

images = _table(  # what people uploaded for variants to show
    "images",
    Column("image", String, primary_key=True),  # the SHA-256 of its bytes, and its kind
    Column("file", Text, nullable=False),  # what the uploaded file was called
    Column("width", BigInteger, nullable=False),
    Column("height", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),  # of its bytes
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("data", Text, nullable=False),  # in Base64, as rows travel as JSON
)

personas = _table(  # people made up, whom somebody saved to look at the site as
    "personas",
    Column("persona", String, primary_key=True),
    Column("said", Text, nullable=False),  # what a file of personas says of one, as JSON
    Column("author", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

audit = _table(  # append-only
    "audit",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

freezes = _table(  # runs whose weights do not follow what is learned
    "freezes",
    Column("run", String, primary_key=True),
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("thawed_ms", BigInteger),
)

leases = _table(  # which of several processes does what all could
    "leases",
    Column("job", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)
