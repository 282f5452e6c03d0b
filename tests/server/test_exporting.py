"""What is exported names nobody, and every number of a report follows from it."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import numpy as np
import pytest
from sqlalchemy import update
from tests.server.conftest import Clock, Sender
from typer.testing import CliRunner

from byleave.experiments.lift import (
    Phase,
    Report,
    RunFacts,
    Strata,
    build_report,
    looked_at_together,
)
from byleave.segments import DefinitionError
from byleave.server import schema
from byleave.server.commands.program import program
from byleave.server.exporting import TABLES, ExportError, Format, write_tables
from byleave.server.results import population_of
from byleave.server.runs import newest_run
from byleave.server.service import Service
from byleave.server.sums import RunSums

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "count-it-yourself.md"
ARMS = ("control", "bold", "calm")
RATES = {"control": 0.2, "bold": 0.3, "calm": 0.2, "holdout": 0.2}


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def queries() -> list[str]:
    """The queries that the page shows."""
    return [block for block in blocks("text") if block.startswith("WITH ")]


def strata() -> Callable[..., tuple[Strata, Any]]:
    """The function that the page shows."""
    [source] = blocks("python")
    shown: dict[str, Any] = {}
    exec(source, shown)  # noqa: S102  # our own documentation
    found: Callable[..., tuple[Strata, Any]] = shown["strata"]
    return found


@pytest.fixture
def learned(service: Service, send: Sender, clock: Clock) -> Service:
    """A service that visitors came to for days, some of whom were erased and some seen twice."""
    draw = Random(5)
    for batch in range(16):
        [row] = service.published.snapshot.runs["welcome"].allocations
        events = []
        for number in range(60):
            arm = draw.choices(list(row.weights), list(row.weights.values()))[0]
            arm = "holdout" if number % 20 == 0 else arm
            visitor = f"ann-{batch}-{number}"
            drawn_from = None if arm == "holdout" else row.id
            groups = ["customers"] if draw.random() < 0.5 else []
            events.append(send.exposure(visitor, arm, allocation=drawn_from, groups=groups))
            if draw.random() < RATES[arm]:
                events.append(send.event(visitor))
            for _ in range(draw.randrange(3)):
                paid = {"amount": draw.randrange(1, 80) / 2}
                events.append(send.event(visitor, "purchase", properties=paid))
        service.ingest(events)
        service.tick(clock.advance(hours=6))
        for number in range(batch % 4):
            service.erase(f"ann-{batch}-{number}")
    service.tick(clock.advance(days=3))
    return service


def exported(service: Service, folder: Path, kind: Format = Format.PARQUET) -> dict[str, int]:
    with service.storage.reading() as connection:
        return write_tables(connection, service.site, folder, kind)


def numbers(report: Report) -> Any:
    """A report as plain data, with its numbers rounded to what order of adding up may change."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return pytest.approx(value, rel=1e-9, abs=1e-12)
        if isinstance(value, dict):
            return {name: rounded(inside) for name, inside in value.items()}
        if isinstance(value, list | tuple):
            return [rounded(inside) for inside in value]
        return value

    return rounded(asdict(report))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(inside) for name, inside in value.items()}
    return [plain(inside) for inside in value] if isinstance(value, list | tuple) else value


def ask(folder: Path, query: str, **asked: object) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(f"CREATE VIEW {table.name} AS FROM '{folder}/{table.name}.parquet'")
        return connection.execute(query, asked).fetchall()


def counted_again(service: Service, folder: Path, *, now_ms: int) -> Sequence[Report]:
    """The reports of the experiment, from its exported rows and the query that the page shows."""
    query, _ = queries()
    results = service.results("welcome")
    [(conflicts, started_ms)] = ask(folder, "SELECT conflicts, started_ms FROM runs")
    [(rows,)] = ask(folder, "SELECT count(*) FROM enrolments WHERE arm != 'holdout'")
    [(erased,)] = ask(
        folder,
        "SELECT sum(units) FROM erased "  # of any one goal, all are there
        "WHERE arm != 'holdout' AND goal = 'signup' AND segment = '*'",
    )
    with service.storage.reading() as connection:
        run = newest_run(connection, service.site, "welcome")
        assert run is not None
        sums = RunSums(connection, service.site, run, now_ms=now_ms)
        population = population_of(connection, service.site, sums)

    again: list[Report] = []
    for report in (results.report, *results.others):
        asked = {"run": "welcome.1", "goal": report.goal, "segment": "*", "as_of": now_ms}
        counted, withdrawn = strata()(str(folder), query, ARMS, **asked)
        counted_anew = build_report(
            counted,
            arms=ARMS,
            goal_key=report.goal,
            goal=sums.fixed.goals[report.goal],
            population=population,
            run=RunFacts(
                phase=Phase.RUNNING,
                age_ms=now_ms - started_ms,
                mature_until_ms=sums.mature_until_ms(report.goal),
                enrolled=rows + (erased or 0),
                conflicts=conflicts,
            ),
            withdrawals=withdrawn,
            advises=report is results.report,
        )
        again.append(counted_anew)
        assert counted.counts.sum() > 300

    return looked_at_together(again)


def test_every_number_of_a_report_follows_from_the_export(
    learned: Service, clock: Clock, tmp_path: Path
) -> None:
    exported(learned, tmp_path)
    results = learned.results("welcome")
    again = counted_again(learned, tmp_path, now_ms=clock())

    for counted_anew, report in zip(again, (results.report, *results.others), strict=True):
        assert plain(asdict(counted_anew)) == numbers(report)


def test_a_segment_is_counted_from_the_export_as_well(
    learned: Service, clock: Clock, tmp_path: Path
) -> None:
    exported(learned, tmp_path)
    query, _ = queries()
    asked = {"run": "welcome.1", "goal": "revenue", "segment": "customers", "as_of": clock()}

    counted, _ = strata()(str(tmp_path), query, ARMS, **asked)

    with learned.storage.reading() as connection:
        run = newest_run(connection, learned.site, "welcome")
        assert run is not None
        kept = RunSums(connection, learned.site, run, now_ms=clock()).strata("revenue", "customers")
    for name in ("counts", "sums", "squares", "propensities"):
        np.testing.assert_allclose(getattr(counted, name), getattr(kept, name), rtol=1e-9)
    assert 0 < counted.counts.sum() < 1_000


def test_the_headline_follows_from_the_export(
    learned: Service, clock: Clock, tmp_path: Path
) -> None:
    exported(learned, tmp_path)
    _, query = queries()
    holdout = learned.results("welcome").holdout
    assert holdout is not None

    rows = ask(
        tmp_path, query, run="welcome.1", goal="signup", as_of=clock(), since=holdout.since_ms
    )

    assert [(who, int(units)) for who, units, _ in rows] == [
        ("holdout", holdout.holdout_units),
        ("personalised", holdout.personalised_units),
    ]


def test_both_formats_hold_the_same_and_name_nobody(learned: Service, tmp_path: Path) -> None:
    counts = exported(learned, tmp_path / "csv", Format.CSV)
    exported(learned, tmp_path / "parquet")

    assert all(counts.values())
    for table in TABLES:
        text = (tmp_path / "csv" / f"{table.name}.csv").read_text()
        rows = list(csv.reader(text.splitlines()))
        with duckdb.connect() as connection:
            read = connection.read_parquet(f"{tmp_path}/parquet/{table.name}.parquet")
            assert read.columns == rows[0] == list(table.columns)
            assert len(read) == len(rows) - 1 == counts[table.name]
        assert "ann-" not in text
        # No cell is taken for a formula by a program for tables.
        assert not any(cell[:1] in "=+-@\t\r" for row in rows[1:] for cell in row if cell)


def test_a_folder_that_cannot_be_made_is_told(service: Service, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="too long"):
        exported(service, tmp_path / ("x" * 300), Format.CSV)


def test_nothing_is_overwritten(service: Service, tmp_path: Path) -> None:
    exported(service, tmp_path, Format.CSV)

    with pytest.raises(ExportError, match="there already"):
        exported(service, tmp_path, Format.CSV)


@pytest.mark.parametrize("kind", Format)
def test_what_is_cut_short_leaves_no_file_that_looks_whole(
    service: Service, tmp_path: Path, kind: Format
) -> None:
    with service.storage.writing() as connection:
        connection.execute(update(schema.runs).values(definition="{}"))

    with pytest.raises(DefinitionError):
        exported(service, tmp_path / "out", kind)

    assert [file.name for file in (tmp_path / "out").iterdir()] == [f"runs.{kind}"]


def test_the_command_exports_a_store_in_use(service: Service, tmp_path: Path) -> None:
    database = str(tmp_path / "byleave.db")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(program, ["export", *arguments, "--database", database])

    written = run("shop", str(tmp_path / "out"), "--format", "csv")
    unknown = run("shoe", str(tmp_path / "other"))
    absent = CliRunner().invoke(program, ["export", "shop", "x", "--database", "absent.db"])

    assert written.exit_code == 0
    assert len(list((tmp_path / "out").iterdir())) == len(TABLES)
    assert unknown.exit_code == absent.exit_code == 2
    assert "Known: shop" in unknown.output
