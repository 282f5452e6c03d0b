"""How long the server takes for each page of the console, and how long the pages are.

    python -m benchmarks.console [--enrolments N] [--rounds N]

The store holds visitors of one experiment, each enrolled and every tenth with a conversion. Pages
are asked for as an admin: `first` when nothing of this minute is kept yet, then again.
"""

import argparse
import sys
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.bars import Bar, say
from benchmarks.growth import BATCH, DEFINITIONS, now, visitors_in_batches
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.console.pages import PAGES
from byleave.server.keys import Role
from byleave.server.service import Service

ENROLMENTS: Final = 1_000_000
MOST_MS: Final = 100.0
MOST_BYTES: Final = 150_000
NAMES: Final = {
    "key": "greeting",
    "draft": "greeting",
    "arm": "b",
    "version": "1.1",
    "segment": "members",
}
#: With a segment that the server can count.
WITH_SEGMENT: Final = {**DEFINITIONS, "segments": {"members": {"when": {"event": "sign_up"}}}}


def main() -> int:
    """Print a line for each page; return 1 where one is too slow or too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console")
    parser.add_argument("--enrolments", type=int, default=ENROLMENTS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        service = Service(Path(folder) / "byleave.db", site="growth", clock=now)
        service.publish(read(Definitions, WITH_SEGMENT), reason="first", author="benchmark")
        for batch in islice(visitors_in_batches(), options.enrolments // BATCH):
            service.ingest(batch)
        bars = list(of_pages(service, options.rounds))
        service.close()
    return say(bars)


def of_pages(service: Service, rounds: int) -> list[Bar]:
    """Return what each page that is looked at takes, and its length."""
    key = service.create_key(Role.ADMIN)
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
    bars: list[Bar] = []
    for each in PAGES:
        path = each.path
        if each.method != "GET" or "{file}" in path or each.roles is None:
            continue
        taken: list[float] = []
        length = 0
        for _ in range(rounds + 1):
            before = perf_counter()
            answer = client.get(path.format_map(NAMES)).raise_for_status()
            taken.append((perf_counter() - before) * 1e3)
            length = len(answer.content)
        print(f"{path}: first {taken[0]:.0f} ms, then {median(taken[1:]):.0f} ms, {length:,} bytes")
        bars.append(Bar.of(f"{path}, server time", taken[1:], " ms", most=MOST_MS))
        bars.append(Bar(f"{path}, length", length / 1e3, " kB", most=MOST_BYTES / 1e3))
    return bars


if __name__ == "__main__":
    sys.exit(main())
