"""Export: what was learned, row by row, for analysts who count for themselves.

Every number of a report follows from these rows; docs/how-to/count-it-yourself.md has the
query. Units are keyed hashes, the same in every table of a site, so that rows can be joined and
nobody is named. Of the erased there are sums only.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from byleave.server import schema
from byleave.server.batches import site_rows
from byleave.server.errors import ServerError
from byleave.server.events import Exposure, event_of
from byleave.server.learning import EVERYONE, window_ms
from byleave.server.rows import last_draw_ms, weights_of
from byleave.server.runs import measured
from byleave.server.sites import Site

#: How a table names the reporting segment that everyone is in: an empty cell could be any.
_EVERYONE_NAMED: Final = "*"

_ROWS_AT_ONCE: Final = 5_000

Cells = Sequence[object]


class Format(StrEnum):
    """How tables are written."""

    CSV = "csv"
    PARQUET = "parquet"


class ExportError(ServerError):
    """The export cannot be written; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A table as it is exported.

    Attributes:
        name: Its name, and that of its file.
        columns: The SQL type of each column. Times and lengths of time are milliseconds.
        rows: Gives the rows.
    """

    name: str
    columns: Mapping[str, str]
    rows: Callable[[Connection, Site], Iterator[Cells]]


def write_tables(connection: Connection, site: Site, folder: Path, kind: Format) -> dict[str, int]:
    """Write every table of a site to a new file of a folder; return how many rows each has.

    A file appears under its name only once it is whole.

    Raises:
        ExportError: A file is there already, cannot be written, or DuckDB is not installed.
    """
    counts = {}
    for table in TABLES:
        target = folder / f"{table.name}.{kind}"
        text, partial = folder / f".{table.name}.csv", folder / f".{table.name}.{kind}"
        try:
            if target.exists():
                raise ExportError(f"{target} is there already; export into an empty folder")
            folder.mkdir(parents=True, exist_ok=True)
            counts[table.name] = _write_csv(table, table.rows(connection, site), text)
            if kind is Format.PARQUET:
                _write_parquet(table, text, partial)
            partial.rename(target)
        except OSError as error:
            raise ExportError(f"{target}: {error.strerror}") from error
        finally:
            for leftover in (text, partial):
                with suppress(OSError):
                    leftover.unlink(missing_ok=True)
    return counts


def _write_csv(table: Exported, rows: Iterable[Cells], target: Path) -> int:
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_parquet(table: Exported, text: Path, target: Path) -> None:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise ExportError(
            "Parquet needs DuckDB, which is not installed: pip install 'byleave[analytics]'"
        ) from error
    with duckdb.connect() as connection:
        read = connection.read_csv(str(text), header=True, dtype=dict(table.columns))
        read.write_parquet(str(target), compression="zstd")


def _stream(connection: Connection, table: Table, site: Site, *where: Any) -> Iterator[Row[Any]]:
    statement = select(table).where(table.c.site == site.key, *where)
    yield from connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(statement)


def _runs(connection: Connection, site: Site) -> Iterator[Cells]:
    for run in _stream(connection, schema.runs, site):
        yield run.run, run.experiment, run.started_ms, run.ended_ms, run.conflicts


def _goals(connection: Connection, site: Site) -> Iterator[Cells]:
    for run in _stream(connection, schema.runs, site):
        fixed = measured(run)
        for key, goal in fixed.goals.items():
            is_primary = key == fixed.experiment.goals.primary
            yield run.run, key, str(goal.kind), str(goal.better), int(window_ms(goal)), is_primary


def _allocations(connection: Connection, site: Site) -> Iterator[Cells]:
    runs = site_rows(connection, schema.runs, site=site.key)
    arms = {run.run: sorted(measured(run).experiment.variants) for run in runs}
    for row in _stream(connection, schema.allocations, site):
        weights = weights_of(row)
        last = None if row.closed_ms is None else last_draw_ms(row)
        for arm in arms[row.run]:
            yield (
                row.allocation,
                row.run,
                row.cell,
                row.cell_index,
                row.opened_ms,
                row.closed_ms,
                last,
                arm,
                weights.get(arm, 0.0),
            )


def _enrolments(connection: Connection, site: Site) -> Iterator[Cells]:
    for row in _stream(connection, schema.enrolments, site):
        unit = site.visitor_hash(row.unit)
        yield row.run, unit, row.stratum, row.arm, row.assigned_ms, row.is_conflict


def _segments(connection: Connection, site: Site) -> Iterator[Cells]:
    for row in _stream(connection, schema.enrolments, site):
        for segment in json.loads(row.segments):
            yield row.run, site.visitor_hash(row.unit), segment


def _outcomes(connection: Connection, site: Site) -> Iterator[Cells]:
    is_reached = schema.outcomes.c.delay_ms.is_not(None)
    for row in _stream(connection, schema.outcomes, site, is_reached):
        yield row.run, site.visitor_hash(row.unit), row.goal, row.value, row.delay_ms


def _erased(connection: Connection, site: Site) -> Iterator[Cells]:
    for row in _stream(connection, schema.ledger, site):
        segment = _EVERYONE_NAMED if row.segment == EVERYONE else row.segment
        sums = (row.units, row.reached, row.total, row.squares)
        yield row.run, row.stratum, row.arm, row.goal, segment, *sums


def _decisions(connection: Connection, site: Site) -> Iterator[Cells]:
    weights = {
        row.allocation: weights_of(row) for row in _stream(connection, schema.allocations, site)
    }
    is_exposure = schema.events.c.name.is_(None)
    for row in _stream(connection, schema.events, site, is_exposure, schema.events.c.body != ""):
        event = event_of(row.body)
        if isinstance(event, Exposure):
            propensity = weights.get(event.allocation or "", {}).get(event.arm)
            yield (
                event.id,
                site.visitor_hash(event.visitor),
                event.at_ms,
                event.experiment,
                event.run,
                event.allocation,
                event.arm,
                event.assigned_ms,
                propensity,
            )


_TEXT, _WHOLE, _NUMBER, _FLAG = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"
_OF_UNIT = {"run": _TEXT, "unit": _TEXT}

#: Every table of an export.
TABLES: Final = (
    Exported(
        name="runs",
        columns={
            "run": _TEXT,
            "experiment": _TEXT,
            "started_ms": _WHOLE,
            "ended_ms": _WHOLE,
            "conflicts": _WHOLE,
        },
        rows=_runs,
    ),
    Exported(
        name="goals",
        columns={
            "run": _TEXT,
            "goal": _TEXT,
            "kind": _TEXT,
            "better": _TEXT,
            "window_ms": _WHOLE,
            "is_primary": _FLAG,
        },
        rows=_goals,
    ),
    Exported(
        name="allocations",
        columns={
            "allocation": _TEXT,
            "run": _TEXT,
            "cell": _TEXT,
            "cell_index": _WHOLE,
            "opened_ms": _WHOLE,
            "closed_ms": _WHOLE,
            "last_draw_ms": _WHOLE,
            "arm": _TEXT,
            "propensity": _NUMBER,
        },
        rows=_allocations,
    ),
    Exported(
        name="enrolments",
        columns=_OF_UNIT
        | {"allocation": _TEXT, "arm": _TEXT, "assigned_ms": _WHOLE, "is_conflict": _FLAG},
        rows=_enrolments,
    ),
    Exported(name="segments", columns=_OF_UNIT | {"segment": _TEXT}, rows=_segments),
    Exported(
        name="outcomes",
        columns=_OF_UNIT | {"goal": _TEXT, "value": _NUMBER, "delay_ms": _WHOLE},
        rows=_outcomes,
    ),
    Exported(
        name="erased",
        columns={
            "run": _TEXT,
            "allocation": _TEXT,
            "arm": _TEXT,
            "goal": _TEXT,
            "segment": _TEXT,
            "units": _WHOLE,
            "reached": _WHOLE,
            "total": _NUMBER,
            "squares": _NUMBER,
        },
        rows=_erased,
    ),
    Exported(
        name="decisions",
        columns={
            "id": _TEXT,
            "unit": _TEXT,
            "at_ms": _WHOLE,
            "experiment": _TEXT,
            "run": _TEXT,
            "allocation": _TEXT,
            "arm": _TEXT,
            "assigned_ms": _WHOLE,
            "propensity": _NUMBER,
        },
        rows=_decisions,
    ),
)
