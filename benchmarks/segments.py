"""How long 50 segments take for one visitor, beside generated Python and other rule engines.

    python -m benchmarks.segments --reference FOLDER [--seed N] [--rounds N]

FOLDER holds the workload, its baselines and its peers (`workload.py`, `baseline.py`, `peers.py`).
G is the same rules as generated Python with two truth values, no consent, no missing values, and
counts made ready beforehand. Ours reads consent, attributes and the visitor's events anew each
time. Contenders take turns, and each ratio is the median over rounds, so that a busy machine
slows all of them alike. Peers that are not installed are left out.
"""

import argparse
import gc
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any

from benchmarks import shared_workload
from benchmarks.bars import Bar, ratios, say

from byleave.segments import Choice, Consent, Purpose, Rules

PEERS = (
    "common-expression-language (Rust)",
    "cel-expr-python (C++)",
    "panzi-json-logic",
    "rule-engine",
    "cel-python (celpy)",
)
OURS = "ours"
MOST_OF_G = 3.0
LEAST_OF_PEERS = 15.0
VISITORS = 16
SLICE_S = 0.02
REFUSED = Consent(dict.fromkeys(Purpose, Choice.DENIED))

Answer = Callable[[int], Any]


def main() -> int:
    """Print the table; return 1 where segments differ from the workload, or a bar is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--seed", type=int, help="make a new workload instead of the stored one")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    sys.path.insert(0, str(options.reference))
    # The baselines hash visitors into arms with it, which no segment needs.
    sys.modules.setdefault("xxhash", SimpleNamespace(xxh3_64_intdigest=hash))  # type: ignore[arg-type]  # stands in for a module
    maker = import_module("workload")
    workload = maker.load() if options.seed is None else maker.build(options.seed)

    contenders = {"G: generated, two-valued": generated(workload), OURS: ours(workload)}
    contenders |= peers(workload)
    wrong = {
        name: sum(
            set(answer(place)) != set(visitor["expected_segments"])
            for place, visitor in enumerate(workload["visitors"])
        )
        for name, answer in contenders.items()
    }
    if any(wrong.values()):
        print(f"visitors in other segments than the workload says: {wrong}")
        return 1
    contenders["ours, consent refused"] = ours(workload, consent=REFUSED)
    return report(contenders, options.rounds)


def generated(workload: Mapping[str, Any]) -> Answer:
    """Return the baseline: rules as generated Python source."""
    baseline = import_module("baseline").BASELINES["baseline: generated code"](workload)
    return lambda place: baseline["seg"](workload["visitors"][place])


def ours(workload: Mapping[str, Any], consent: Consent = shared_workload.AGREED) -> Answer:
    """Return our compiled rules, asked for all segments."""
    started = perf_counter()
    rules = Rules(shared_workload.definitions(workload).vocabulary)
    if consent is shared_workload.AGREED:
        print(
            f"compiled {len(rules.vocabulary.segments)} segments in "
            f"{(perf_counter() - started) * 1e3:.0f} ms"
        )
    visitors = [shared_workload.visitor(each, rules) for each in workload["visitors"]]
    now_ms = workload["now"] * shared_workload.MINUTE_MS

    def answer(place: int) -> list[str]:
        visitor = visitors[place]
        facts = rules.facts(
            consent=consent,
            attributes=visitor.attributes,
            profile=visitor.profile,
            now_ms=now_ms,
        )
        return facts.true_segments()

    return answer


def peers(workload: Mapping[str, Any]) -> dict[str, Answer]:
    """Return the rule engines that are installed, each with the rules in its own language."""
    makers = import_module("peers").PEERS

    def asking(peer: Mapping[str, Any]) -> Answer:
        return lambda place: peer["seg"](workload["visitors"][place])

    found: dict[str, Answer] = {}
    for name in PEERS:
        try:
            found[name] = asking(makers[name](workload))
        except ImportError:
            print(f"{name} is not installed")
    return found


def report(contenders: Mapping[str, Answer], rounds: int) -> int:
    """Run the contenders in turns and print what each takes; return 1 where a bar is missed."""
    gc.collect()
    gc.freeze()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 2):
        for name, answer in contenders.items():
            microseconds = timed(answer)
            if number >= 2:  # the first two warm up
                taken[name].append(microseconds)
    reference, own = taken[next(iter(contenders))], taken[OURS]
    print(f"{'':<36}{'µs':>10}{'x G':>9}{'x ours':>9}")
    for name, times in taken.items():
        to_reference = median(ratios(times, reference))
        to_ours = median(ratios(times, own))
        print(f"{name:<36}{median(times):>10.1f}{to_reference:>9.2f}{to_ours:>9.2f}")
    bars = [Bar.of("50 segments, beside G", ratios(own, reference), " x", most=MOST_OF_G)]
    bars += [
        Bar.of(f"{name}, beside ours", ratios(taken[name], own), " x", least=LEAST_OF_PEERS)
        for name in PEERS
        if name in taken
    ]
    return say(bars)


def timed(answer: Answer) -> float:
    """Return the microseconds for one visitor, over as many as fit into a slice of time."""
    count, started, taken = 0, process_time(), 0.0
    while taken < SLICE_S:
        for place in range(VISITORS if count else 1):
            answer(place)
            count += 1
        taken = process_time() - started
    return taken / count * 1e6


if __name__ == "__main__":
    sys.exit(main())
