"""How long a full decision takes in process, beside generated Python that does the same.

    python -m benchmarks.decide --reference FOLDER [--rounds N]

FOLDER holds the workload and its baselines (`workload.py`, `baseline.py`, which need xxhash).
G is their rules as generated Python; F adds consent, reasons, sticky arms and an object for each
decision. Contenders take turns, and each ratio is the median over rounds, so that a busy machine
slows all of them alike.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from benchmarks import shared_workload

from byleave.experiments import Assignments, Decider, Visitor, local_snapshot

Contender = tuple[Callable[[Any], object], Sequence[Any]]


def main() -> int:
    """Print the table; return 1 where our segments differ from the workload's own."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    sys.path.insert(0, str(options.reference))
    workload = import_module("workload").load()
    baselines = import_module("baseline")

    now_ms = workload["now"] * shared_workload.MINUTE_MS
    decider = Decider(local_snapshot(shared_workload.definitions(workload), now_ms=0))
    visitors = [shared_workload.visitor(each, decider.rules) for each in workload["visitors"]]
    wrong = sum(
        found(decider, visitor, now_ms) != given["expected_segments"]
        for visitor, given in zip(visitors, workload["visitors"], strict=True)
    )
    if wrong:
        print(f"{wrong} visitors are in other segments than the workload says")
        return 1

    full = baselines.BASELINES[baselines.FULL](workload)["all"]
    rules = baselines.BASELINES["baseline: generated code"](workload)["all"]
    contenders: dict[str, Contender] = {
        "F: generated, full decision": (full, workload["visitors"]),
        "G: generated, rules and arms": (rules, workload["visitors"]),
        "new visitors": (deciding(decider, now_ms), visitors),
        "new visitors, all segments": (deciding_all(decider, now_ms), visitors),
        "returning visitors": (
            deciding(decider, now_ms),
            [returning(decider, visitor, now_ms) for visitor in visitors],
        ),
    }
    report(contenders, options.rounds)
    return 0


def found(decider: Decider, visitor: Visitor, now_ms: int) -> list[str]:
    """Return the segments that a visitor is in."""
    facts = decider.rules.facts(
        consent=visitor.consent,
        attributes=visitor.attributes,
        profile=visitor.profile,
        now_ms=now_ms,
    )
    return [key for key in decider.rules.vocabulary.segments if facts.segment(key).is_true]


def deciding(decider: Decider, now_ms: int) -> Callable[[Visitor], object]:
    """Return what decides every slot for a visitor."""
    slots = decider.slots
    return lambda visitor: decider.decide(visitor, slots, now_ms=now_ms)


def deciding_all(decider: Decider, now_ms: int) -> Callable[[Visitor], object]:
    """Return what decides every slot and asks every segment, whether a slot needs it or not."""
    decide = deciding(decider, now_ms)
    return lambda visitor: (decide(visitor), found(decider, visitor, now_ms))


def returning(decider: Decider, visitor: Visitor, now_ms: int) -> Visitor:
    """Return a visitor with the arms of an earlier page."""
    served = decider.decide(visitor, decider.slots, now_ms=now_ms)
    kept = decider.remember(Assignments(), served.values(), now_ms=now_ms)
    return replace(visitor, assignments=kept)


def report(contenders: dict[str, Contender], rounds: int) -> None:
    """Run the contenders in turns and print what each takes."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 2):
        for name, (decide, visitors) in contenders.items():
            before = process_time()
            for visitor in visitors:
                decide(visitor)
            if number >= 2:  # the first two warm up
                taken[name].append((process_time() - before) / len(visitors) * 1e6)
    reference = taken[next(iter(contenders))]
    print(f"{'':<32}{'µs':>8}{'x F':>8}")
    for name, times in taken.items():
        ratio = median(time / full for time, full in zip(times, reference, strict=True))
        print(f"{name:<32}{median(times):>8.1f}{ratio:>8.2f}")


if __name__ == "__main__":
    sys.exit(main())
