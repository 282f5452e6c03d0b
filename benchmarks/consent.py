"""How long consent strings take to decode, the longest and the most damaging included.

    python -m benchmarks.consent [--rounds N]

The strings are those of the tests. A string comes from a visitor, so that the slowest one is
what counts: a string that names huge ranges of vendors may take no more than 5 ms.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

from benchmarks.bars import Bar, say

from byleave.segments.consent.lines import Format, decode_line

VECTORS: Final = Path(__file__).resolve().parents[1] / "tests" / "data" / "consent_vectors.json"
LONGEST_MS: Final = 5.0
REPEATS: Final = 20
FORMATS: Final[dict[str, Format]] = {
    "tc_strings": "tc",
    "tc_malformed": "tc",
    "tc_stress": "tc",
    "gpp_strings": "gpp",
    "gpp_malformed": "gpp",
}


def main() -> int:
    """Print the table; return 1 where a string takes too long."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    slowest = 0.0
    print(f"{'':<20}{'strings':>8}{'median µs':>11}{'slowest µs':>12}")
    for kind, format in FORMATS.items():
        times = [
            min(timed(format, vector["string"]) for _ in range(rounds)) for vector in vectors[kind]
        ]
        slowest = max(slowest, *times)
        print(f"{kind:<20}{len(times):>8}{median(times) * 1e3:>11.1f}{max(times) * 1e3:>12.1f}")
    return say([Bar("the slowest consent string", slowest, " ms", most=LONGEST_MS)])


def timed(format: Format, text: str) -> float:
    """Return the milliseconds that a string takes, refused or not."""
    started = process_time()
    for _ in range(REPEATS):
        decode_line(format, text)
    return (process_time() - started) / REPEATS * 1e3


if __name__ == "__main__":
    sys.exit(main())
