"""What a server does that is asked for ten times what it can do.

    python -m benchmarks.overload --reference FOLDER [--seconds S]

First decisions alone from ten times as many clients as it takes to keep it busy, then decisions
beside as many clients that send events. Of events some may be refused, with a time to come back;
those that decide are answered all the while. The load comes from the same machine.
"""

import argparse
import asyncio
import json
import sys
from itertools import cycle
from pathlib import Path
from typing import Final

from benchmarks.bars import Bar, say
from benchmarks.http_load import load, overload, p99_ms, request
from benchmarks.server import (
    CONNECTIONS,
    VISITORS_PER_BATCH,
    event_batches,
    questions,
    require_stored,
    running,
)

TIMES: Final = 10
LEAST_OF_PEAK: Final = 0.7
MOST_MS: Final = 1_000


def main() -> int:
    """Print what came of it; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    return asyncio.run(measure(options.reference, options.seconds))


async def measure(reference: Path, seconds: float) -> int:
    """Measure and print; return 1 where a bar is missed."""
    workload = json.loads((reference / "workload.json").read_text(encoding="utf-8"))
    with running("product", reference) as (address, key):
        asked = [request(address, "/v1/decide", key, body) for body in questions(workload)]
        following = cycle(asked).__next__
        peak = await load(address, following, connections=CONNECTIONS, seconds=seconds / 4)
        many = CONNECTIONS * TIMES
        crowd = await overload(address, following, connections=many, seconds=seconds)
        batches = event_batches(address, key, workload)
        await require_stored(address, next(batches))
        beside, events = await asyncio.gather(
            overload(address, following, connections=CONNECTIONS, seconds=seconds),
            overload(address, batches.__next__, connections=many, seconds=seconds),
        )
    print(f"{'':<24}{'done/s':>10}{'refused/s':>11}{'p99 ms':>9}")
    for name, answered, each in (
        ("decisions, a crowd", crowd, 1),
        ("decisions beside events", beside, 1),
        ("events", events, VISITORS_PER_BATCH),
    ):
        done, refused = len(answered.took_s) * each, answered.refused * each
        print(
            f"{name:<24}{done / seconds:>10,.0f}{refused / seconds:>11,.0f}"
            f"{p99_ms(answered.took_s):>9.0f}"
        )
    of_peak = (len(crowd.took_s) / seconds) / (len(peak) / (seconds / 4))
    return say(
        [
            Bar(
                f"decisions of {TIMES} times the clients, of the peak", of_peak, least=LEAST_OF_PEAK
            ),
            Bar("a decision in the crowd, p99", p99_ms(crowd.took_s), " ms", most=MOST_MS),
            Bar("a decision beside events, p99", p99_ms(beside.took_s), " ms", most=MOST_MS),
            Bar("decisions refused", crowd.refused + beside.refused, most=0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
