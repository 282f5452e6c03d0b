"""How costs grow as there is more to decide about and more in the store.

    python -m benchmarks.growth --reference FOLDER [--rounds N] [--events N]

Definitions grow as copies of the workload; the store grows by visitors, each with an exposure and
every tenth with a conversion. `slope` is that of the line through the logarithms: 1 is in
proportion, 0 is not at all. Times are of the processor.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from time import process_time, time_ns
from typing import Any, Final

from benchmarks import shared_workload
from benchmarks.bars import Bar, say
from benchmarks.decide import deciding, grown

from byleave.experiments import Decider, Definitions, local_snapshot
from byleave.segments import read
from byleave.server.service import Service

COPIES: Final = (1, 2, 5, 10, 30)
EVENTS: Final = (10_000, 100_000, 1_000_000)
BATCH: Final = 100
#: In proportion, but for what no longer fits into the processor.
MOST_SLOPE: Final = 1.2
MOST_SLOPE_IN_STORE: Final = 0.2

BOTH: Final = ["personalisation", "analytics"]
DEFINITIONS: Final = {
    "site": "growth",
    "events": {"sign_up": {"purposes": BOTH, "ttl": "400d"}},
    "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
    "slots": {"hero": {"kind": "content"}},
    "experiments": {
        "greeting": {
            "slot": "hero",
            "allocate": {"policy": "fixed", "goal": "signup", "shares": {"control": 0.5, "b": 0.5}},
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "b": {"html": "Hello"}},
        }
    },
}

Table = dict[int, dict[str, float]]


def main() -> int:
    """Print two tables; return 1 where something grows faster than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, choices=EVENTS, default=EVENTS[1])
    options = parser.parse_args()
    workload = json.loads((options.reference / "workload.json").read_text(encoding="utf-8"))
    definitions = of_definitions(workload, options.rounds)
    store = of_store(options.events, options.rounds)
    show("segments", definitions)
    show("visitors", store)
    return say(
        [
            Bar(f"slope of {name} by definitions", slope(definitions, name), most=MOST_SLOPE)
            for name in ("a decision, µs", "compiling, ms")
        ]
        + [
            Bar(f"slope of {name} by visitors", slope(store, name), most=MOST_SLOPE_IN_STORE)
            for name in ("storing an event, µs", "a report, ms")
        ]
    )


def of_definitions(workload: dict[str, Any], rounds: int) -> Table:
    """Return what deciding takes with more and more segments and experiments."""
    table: Table = {}
    now_ms = workload["now"] * shared_workload.MINUTE_MS
    for copies in COPIES:
        larger = grown(workload, copies)
        snapshot = local_snapshot(shared_workload.definitions(larger), now_ms=0)
        compiling = taken(partial(Decider, snapshot), 1, repeats=1)
        decider = Decider(snapshot)
        visitors = [shared_workload.visitor(each, decider.rules) for each in larger["visitors"]]
        decide = deciding(decider, now_ms)
        deciding_all = taken(partial(each_of, decide, visitors), rounds)
        table[len(larger["segments"])] = {
            "a decision, µs": deciding_all / len(visitors) * 1e6,
            "compiling, ms": compiling * 1e3,
        }
    return table


def of_store(events: int, rounds: int) -> Table:
    """Return what storing and reporting take in a store with more and more visitors."""
    table: Table = {}
    with TemporaryDirectory() as folder:
        service = Service(Path(folder) / "byleave.db", site="growth", clock=now)
        service.publish(read(Definitions, DEFINITIONS), reason="first", author="benchmark")
        batches = visitors_in_batches()
        stored = 0
        for size in (10**power for power in range(3, int(math.log10(events)) + 1)):
            for batch in islice(batches, (size - stored) // BATCH - rounds):
                store(service, batch)
            last = list(islice(batches, rounds))
            storing = median(taken(partial(store, service, batch), 1, repeats=1) for batch in last)
            stored = size
            table[size] = {
                "storing an event, µs": storing / len(last[0]) * 1e6,
                "a report, ms": taken(partial(service.results, "greeting"), rounds) * 1e3,
            }
        service.close()
    return table


def store(service: Service, batch: list[dict[str, Any]]) -> None:
    """Store a batch.

    Raises:
        RuntimeError: Not all of it was taken.
    """
    if service.ingest(batch).accepted < len(batch):
        raise RuntimeError("events were refused")


def visitors_in_batches() -> Iterator[list[dict[str, Any]]]:
    """Yield batches of the events of new visitors."""
    for number in count():
        at, events = now(), []
        for each in range(number * BATCH, (number + 1) * BATCH):
            visitor = f"{each:032x}"
            common = {"visitor": visitor, "at": at}
            stem = f"{at:012x}"
            stem = f"{stem[:8]}-{stem[8:]}-7000-8000-"
            events.append(
                {
                    **common,
                    "type": "exposure",
                    "id": f"{stem}{2 * each:012x}",
                    "assigned_at": at,
                    "experiment": "greeting",
                    "run": "greeting.1",
                    "allocation": "greeting.1.1.0",
                    "arm": "b" if each % 2 else "control",
                }
            )
            if each % 10 == 0:
                id = f"{stem}{2 * each + 1:012x}"
                deed = {"type": "event", "event": "sign_up", "uses": BOTH, "id": id}
                events.append({**common, **deed})
        yield events


def each_of(work: Callable[[Any], object], given: Iterable[Any]) -> None:
    """Do the work for each one that is given."""
    for each in given:
        work(each)


def taken(work: Callable[[], object], rounds: int, *, repeats: int = 3) -> float:
    """Return the median time over rounds, in seconds of the processor."""
    times = []
    for _ in range(rounds):
        began = process_time()
        for _ in range(repeats):
            work()
        times.append((process_time() - began) / repeats)
    return median(times)


def slope(table: Table, name: str) -> float:
    """Return by which power of the size a cost grows, by least squares of the logarithms."""
    sizes, costs = zip(
        *((math.log(size), math.log(row[name])) for size, row in table.items()), strict=True
    )
    return max(linear_regression(sizes, costs).slope, 0.0)


def show(sizes: str, table: Table) -> None:
    """Print a table, with each cost beside what it is at the smallest size."""
    first = next(iter(table.values()))
    print(f"{sizes:>12}" + "".join(f"{name:>24}{'x':>8}" for name in first) + f"{'log10':>8}")
    for size, row in table.items():
        costs = "".join(f"{cost:>24.1f}{cost / first[name]:>8.2f}" for name, cost in row.items())
        print(f"{size:>12,}{costs}{math.log10(size):>8.1f}")


def now() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
