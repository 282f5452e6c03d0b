"""What learning from events costs beside its own statements alone, and what a report costs.

    python -m benchmarks.storage [--rounds N]

Events are exposures of new visitors, of whom every fourth reaches the goal. The statements that
storing them takes are noted once and then run again, on a store of their own, by the driver
alone: what is between the two is learning, and SQLAlchemy. Rounds are interleaved.
"""

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.bars import Bar, ratios, say
from sqlalchemy import event, insert, select

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server import schema
from byleave.server.service import Service
from byleave.server.serving import prepare
from byleave.server.storage import WRITER

START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BATCH = 500
BATCHES = 20
STRATA = 500
#: By then every stratum is older than the day in which one may be drawn from it and the window.
MATURE_MS = START_MS + (STRATA + 1) * HOUR_MS + 8 * DAY_MS + 1
ARMS = ("control", "blue", "green", "red", "white")
GOALS = ("signup", "revenue", "support")

#: A statement and its parameters, as the driver gets them.
Statement = tuple[str, Any]


def main() -> int:
    """Measure and print; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder:
        prepare()
        return say((compare_storing(Path(folder), rounds), time_report(Path(folder), rounds)))


def definitions() -> Definitions:
    """Return a site with one experiment of five arms and three goals."""
    uses = ["personalisation", "analytics"]
    return read(
        Definitions,
        {
            "site": "bench",
            "events": {
                "sign_up": {"purposes": uses, "ttl": "60d"},
                "purchase": {"purposes": uses, "ttl": "60d", "properties": {"amount": "number"}},
                "complaint": {"purposes": uses, "ttl": "60d"},
            },
            "goals": {
                "signup": {"event": "sign_up", "kind": "conversion", "within": "7d"},
                "revenue": {
                    "event": "purchase",
                    "kind": "value",
                    "of": "amount",
                    "within": "7d",
                    "cap": 1000,
                },
                "support": {"event": "complaint", "kind": "conversion", "within": "7d"},
            },
            "slots": {"hero": {"kind": "data"}},
            "experiments": {
                "colour": {
                    "slot": "hero",
                    "allocate": {"policy": "thompson", "goal": "signup"},
                    "goals": {"primary": "signup", "others": ["revenue", "support"]},
                    "variants": {
                        arm: "site" if arm == "control" else {"data": arm} for arm in ARMS
                    },
                }
            },
        },
    )


def opened(path: Path, clock: list[int]) -> Service:
    """Return a service on a new store, with the definitions published."""
    service = Service(path, site="bench", clock=lambda: clock[0], seed="bench")
    service.publish(definitions(), reason="first", author="bench")
    return service


def batches() -> Iterator[list[dict[str, Any]]]:
    """Yield batches of events as senders bring them."""
    number = 0
    while True:
        items: list[dict[str, Any]] = []
        while len(items) < BATCH:
            number += 1
            at = f"{START_MS:012x}"
            who = {"visitor": f"v{number}", "at": START_MS}
            items.append(
                who
                | {
                    "type": "exposure",
                    "id": f"{at[:8]}-{at[8:]}-7000-8000-{2 * number:012x}",
                    "experiment": "colour",
                    "run": "colour.1",
                    "allocation": "colour.1.1.0",
                    "arm": ARMS[number % len(ARMS)],
                    "assigned_at": START_MS,
                }
            )
            if number % 4 == 0:
                signed_up = {"type": "event", "event": "sign_up", "uses": ["analytics"]}
                id = f"{at[:8]}-{at[8:]}-7000-8000-{2 * number + 1:012x}"
                items.append(who | signed_up | {"id": id})
        yield items


def compare_storing(folder: Path, rounds: int) -> Bar:
    """Store the same events through the service and by their statements alone."""
    ours, bare = [], []
    for number in range(rounds):
        service = opened(folder / f"ours-{number}.db", [START_MS])
        noted = noted_statements(service)
        coming = batches()
        # Checked by the thread that answers requests, before they come to the one that stores.
        intakes = [service.read_batch(next(coming)) for _ in range(BATCHES)]
        if any(intake.refused for intake in intakes):
            raise RuntimeError("events were refused")
        checked = [[*intake.events.values()] for intake in intakes]
        count = sum(map(len, checked))
        began = perf_counter()
        for events in checked:
            service.ingestion.submit(events).result()
        ours.append(count / (perf_counter() - began))
        service.close()
        opened(folder / f"bare-{number}.db", [START_MS]).close()
        bare.append(count / run_again(folder / f"bare-{number}.db", noted))
    print(f"batches of {BATCH}: {median(ours):,.0f} events/s, bare {median(bare):,.0f}")
    return Bar.of(
        "events stored and learned from, beside the same statements alone",
        ratios(ours, bare),
        " x",
        least=0.5,
    )


def noted_statements(service: Service) -> list[Statement]:
    """Return a list that fills with each statement that the service's writer runs."""
    noted: list[Statement] = []
    with service.storage.writing() as connection:
        engine = connection.engine

    @event.listens_for(engine, "begin")
    def _(_connection: Any) -> None:
        noted.append(("BEGIN", ()))

    @event.listens_for(engine, "before_cursor_execute")
    def _(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            noted.append((statement, parameters))

    @event.listens_for(engine, "commit")
    def _(_connection: Any) -> None:
        noted.append(("COMMIT", ()))

    return noted


def run_again(path: Path, noted: Sequence[Statement]) -> float:
    """Run statements by the driver alone, and return the seconds that they took."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in WRITER:
            connection.execute(f"PRAGMA {setting}")
        began = perf_counter()
        for statement, parameters in noted:
            connection.execute(statement, parameters).fetchall()
        return perf_counter() - began


def time_report(folder: Path, rounds: int) -> Bar:
    """Time a report of as many mature strata as three weeks of hourly weights leave."""
    clock = [START_MS]
    service = opened(folder / "report.db", clock)
    with service.storage.writing() as connection:
        fill(connection)
    clock[0] = MATURE_MS  # all of them
    took = []
    for _ in range(rounds):
        began = perf_counter()
        service.results("colour")
        took.append((perf_counter() - began) * 1_000)
    service.close()
    what = f"a report of {STRATA} strata, {len(ARMS)} arms and {len(GOALS)} goals"
    return Bar.of(what, took, " ms", most=50)


def fill(connection: Any) -> None:
    """Put strata into the store whose visitors differ a little by arm."""
    rows, stats = schema.allocations, schema.stratum_stats
    first = connection.execute(select(rows)).one()
    weights = json.dumps(dict.fromkeys(ARMS, 1 / len(ARMS)))
    connection.execute(
        insert(rows),
        [
            first._asdict()
            | {
                "allocation": f"colour.1.{number}.0",
                "sequence": number,
                "weights": weights,
                "opened_ms": START_MS + number * HOUR_MS,
                "closed_ms": START_MS + (number + 1) * HOUR_MS,
                "draw_until_ms": START_MS + (number + 24) * HOUR_MS,
            }
            for number in range(2, STRATA + 1)
        ],
    )
    connection.execute(
        insert(stats),
        [
            {
                "site": "bench",
                "run": "colour.1",
                "stratum": f"colour.1.{number}.0",
                "arm": arm,
                "goal": goal,
                "segment": "",
                "units": 100,
                "reached": 10 + place,
                "total": 10 + place,
                "squares": 10 + place,
            }
            for number in range(1, STRATA + 1)
            for place, arm in enumerate(ARMS)
            for goal in GOALS
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
