"""How long it takes to count a draft of a segment, by row and in total, in a store of many.

    python -m benchmarks.counting [--rounds N] [--visitors N]

Each visitor did three things. Each round draws visitors, reads what is known of them, compiles
the rules and judges everybody drawn, as the console does when nothing of it is kept.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.bars import Bar, say
from sqlalchemy import insert

from byleave.experiments import Definitions
from byleave.segments import Purpose, read
from byleave.server import schema
from byleave.server.counting import Survey, read_sample
from byleave.server.events import Happening, body_of
from byleave.server.knowing import draw
from byleave.server.service import Service

START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
USES = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
#: As many as the console draws.
DRAWN = 2_000


def main() -> int:
    """Measure and print; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--visitors", type=int, default=100_000)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        return say([time_counting(Path(folder), arguments.visitors, arguments.rounds)])


def definitions() -> Definitions:
    """Return a site with a segment of three rows, each of which is a segment here, too."""
    rows = {
        "looked": {"event": "look", "count": {"at_least": 2}, "within": "7d"},
        "bought": {"event": "buy", "within": "14d"},
        "began": {"event": "begin", "last": {"at_most": "3d"}},
    }
    whole = {"all": [rows["looked"], {"none": [rows["bought"]]}, rows["began"]]}
    uses = [str(use) for use in USES]
    return read(
        Definitions,
        {
            "site": "bench",
            "events": {name: {"purposes": uses, "ttl": "60d"} for name in ("look", "buy", "begin")},
            "segments": {key: {"when": when} for key, when in {**rows, "whole": whole}.items()},
        },
    )


def happened(visitors: int) -> Iterator[dict[str, object]]:
    """Yield rows of the log: what each visitor did in the last month."""
    draw = Random(7)
    ids = [f"{START_MS + number}.{draw.getrandbits(48):012x}" for number in range(visitors)]
    for number in range(3 * visitors):
        event = Happening(
            id=f"01890000-0000-7000-8000-{number:012x}",
            visitor=ids[number // 3],
            at_ms=START_MS - draw.randrange(30 * 24) * HOUR_MS,
            name=draw.choice(("look", "look", "buy", "begin")),
            uses=USES,
        )
        yield {
            "site": "bench",
            "id": event.id,
            "visitor": event.visitor,
            "name": event.name,
            "at_ms": event.at_ms,
            "received_ms": event.at_ms,
            "body": body_of(event),
        }


def time_counting(folder: Path, visitors: int, rounds: int) -> Bar:
    """Time how long it takes until all four counts are there."""
    service = Service(folder / "counting.db", site="bench", clock=lambda: START_MS, seed="bench")
    defined = definitions()
    service.publish(defined, reason="first", author="bench")
    with service.storage.writing() as connection:
        connection.execute(insert(schema.events), [*happened(visitors)])
    took = []
    for _ in range(rounds):
        began = perf_counter()
        with service.storage.reading() as connection:
            drawn = draw(connection, service.site, most=DRAWN)
            sample = read_sample(connection, service.site, defined, drawn, now_ms=START_MS)
        survey = Survey(sample, defined, [*defined.segments], now_ms=START_MS)
        counted = [survey.size(key).agreed for key in defined.segments]
        took.append((perf_counter() - began) * 1_000)
        if None in counted:
            raise RuntimeError("nobody was counted")
    service.close()
    what = f"counts of a draft of three rows, of {visitors:,} visitors"
    return Bar.of(what, took, " ms", most=1_000)


if __name__ == "__main__":
    sys.exit(main())
