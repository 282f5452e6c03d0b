"""How long the server takes for each page of the console, and how long the pages are.

    python -m benchmarks.console [--enrolments N] [--rounds N]

The store holds visitors of one experiment, each enrolled and every tenth with a conversion. Pages
are asked for as an admin: once after the start, when the page and what it needs are loaded, then
once in each minute, when nothing of it is kept, and once more.
"""

import argparse
import sys
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, time_ns
from typing import Any, Final

from benchmarks.bars import Bar, say
from benchmarks.growth import BATCH, DEFINITIONS, store, visitors_in_batches
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.console.keeping import KEPT_MS
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
#: What a page is asked with, by the end of its path.
QUERIES: Final = {"/image": "?field=image"}
_PLAIN: Final[Any] = DEFINITIONS
#: With a segment that the server can count, and a variant that shows an image.
SHOWN: Final = {
    **_PLAIN,
    "segments": {"members": {"when": {"event": "sign_up"}}},
    "slots": {
        "hero": {"kind": "content", "fields": {"image": "image"}, "template": "hero.html"},
    },
    "experiments": {
        "greeting": {
            **_PLAIN["experiments"]["greeting"],
            "variants": {"control": "site", "b": {"fields": {"image": "/hello.webp"}}},
        }
    },
}


class Clock:
    """Tells the time, and is put forward."""

    ahead_ms = 0

    def __call__(self) -> int:
        """Return the time in milliseconds since the Unix epoch."""
        return time_ns() // 1_000_000 + self.ahead_ms


def main() -> int:
    """Print a line for each page; return 1 where one is too slow or too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console")
    parser.add_argument("--enrolments", type=int, default=ENROLMENTS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        clock = Clock()
        service = Service(Path(folder) / "byleave.db", site="growth", clock=clock)
        service.publish(read(Definitions, SHOWN), reason="first", author="benchmark")
        for batch in islice(visitors_in_batches(), options.enrolments // BATCH):
            store(service, batch)
        bars = list(of_pages(service, clock, options.rounds))
        service.close()
    return say(bars)


def of_pages(service: Service, clock: Clock, rounds: int) -> list[Bar]:
    """Return what each page that is looked at takes, and its length."""
    key = service.create_key(Role.ADMIN)
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
    bars: list[Bar] = []
    for each in PAGES:
        if each.method != "GET" or "{file}" in each.path or each.roles is None:
            continue
        path = each.path.format_map(NAMES)
        path += next((query for end, query in QUERIES.items() if path.endswith(end)), "")
        start_ms, length = asked(client, path)
        taken: dict[str, list[float]] = {"first": [], "again": []}
        for _ in range(rounds):
            clock.ahead_ms += KEPT_MS
            service.drawing.draw()  # as the server does in the background
            for times in taken.values():
                times.append(asked(client, path)[0])
        first, again = (median(times) for times in taken.values())
        print(
            f"{path}: after the start {start_ms:.0f} ms, then {first:.0f} ms in a minute "
            f"and {again:.0f} ms again, {length:,} bytes"
        )
        bars.append(Bar.of(f"{path}, server time", taken["first"], " ms", most=MOST_MS))
        bars.append(Bar(f"{path}, length", length / 1e3, " kB", most=MOST_BYTES / 1e3))
    return bars


def asked(client: TestClient, path: str) -> tuple[float, int]:
    """Return how many milliseconds an answer took, and how many bytes it has."""
    before = perf_counter()
    answer = client.get(path).raise_for_status()
    return (perf_counter() - before) * 1e3, len(answer.content)


if __name__ == "__main__":
    sys.exit(main())
