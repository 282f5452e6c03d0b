"""How long a full decision takes in process, beside generated Python and peers that do the same.

    python -m benchmarks.decide --reference FOLDER [--rounds N] [--seed N] [--peers]

FOLDER holds the workload and its baselines (`workload.py`, `baseline.py`, which need xxhash),
and the peers' adapters (`peers.py`; those whose packages are installed take part, and only
where they find the same segments as the workload says). G is the rules as generated Python;
F adds consent, reasons, sticky arms and an object for each decision. Contenders take turns,
and each ratio is the median over rounds, so that a busy machine slows all of them alike.
Returns 1 where a bar is missed.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Final

from benchmarks import shared_workload
from benchmarks.bars import Bar, ratios, say

from byleave.experiments import Assignments, Decider, Visitor, local_snapshot

Contender = tuple[Callable[[Any], object], Sequence[Any]]

F: Final = "F: generated, full decision"
NEW: Final = "new visitors"
TEN_TIMES: Final = "new visitors, 500 segments + 200 experiments"
#: The most that a contender may take, as a multiple of F.
MOST_OF_F: Final = 2.0
MOST_GROWTH: Final = 10.0
LEAST_OF_PEERS: Final = 10.0
LEAST_OF_GROWTHBOOK: Final = 20.0


def main() -> int:
    """Print the table; return 1 where segments differ from the workload, or a bar is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seed", type=int, help="make the workload anew from this seed")
    parser.add_argument("--peers", action="store_true", help="measure the peers as well")
    options = parser.parse_args()
    sys.path.insert(0, str(options.reference))
    made = import_module("workload")
    workload = (
        made.load() if options.seed is None else json.loads(json.dumps(made.build(options.seed)))
    )
    baselines = import_module("baseline")

    now_ms = workload["now"] * shared_workload.MINUTE_MS
    decider = Decider(local_snapshot(shared_workload.definitions(workload), now_ms=0))
    visitors = [shared_workload.visitor(each, decider.rules) for each in workload["visitors"]]
    wrong = sum(
        found(decider, visitor, now_ms) != sorted(given["expected_segments"])
        for visitor, given in zip(visitors, workload["visitors"], strict=True)
    )
    if wrong:
        print(f"{wrong} visitors are in other segments than the workload says")
        return 1

    big = grown(workload, 10)
    larger = Decider(local_snapshot(shared_workload.definitions(big), now_ms=0))
    large = [shared_workload.visitor(each, larger.rules) for each in big["visitors"]]
    full = baselines.BASELINES[baselines.FULL](workload)["all"]
    rules = baselines.BASELINES["baseline: generated code"](workload)["all"]
    contenders: dict[str, Contender] = {
        F: (full, workload["visitors"]),
        "G: generated, rules and arms": (rules, workload["visitors"]),
        NEW: (deciding(decider, now_ms), visitors),
        "new visitors, all segments": (deciding_all(decider, now_ms), visitors),
        "returning visitors": (
            deciding(decider, now_ms),
            [returning(decider, visitor, now_ms) for visitor in visitors],
        ),
        TEN_TIMES: (deciding(larger, now_ms), large),
    }
    peers = peers_of(workload) if options.peers else {}
    if options.peers and not any(name.startswith("growthbook") for name in peers):
        print("growthbook takes no part, beside which there is a bar")
        return 1
    return report(contenders, peers, options.rounds)


def grown(workload: Mapping[str, Any], times: int) -> dict[str, Any]:
    """Return the workload with so many copies of each segment and experiment."""
    big = {**workload, "segments": [], "experiments": []}
    for copy in range(times):
        big["segments"] += [{**each, "id": f"{each['id']}-{copy}"} for each in workload["segments"]]
        big["experiments"] += [
            {
                **each,
                "id": f"{each['id']}-{copy}",
                "segment": each["segment"] and f"{each['segment']}-{copy}",
            }
            for each in workload["experiments"]
        ]
    return big


def peers_of(workload: Mapping[str, Any]) -> dict[str, Contender]:
    """Return the peers that are installed, decide everything, and find the same segments."""
    ready: dict[str, Contender] = {}
    visitors = workload["visitors"]
    for name, make in import_module("peers").PEERS.items():
        try:
            peer = make(workload)
        except Exception as error:  # some peers raise much else than ImportError
            print(f"left out: {name}: {type(error).__name__}")
            continue
        if "all" not in peer:
            continue
        if any(set(peer["seg"](each)) != set(each["expected_segments"]) for each in visitors):
            print(f"left out: {name}: finds other segments")
            continue
        ready[name] = (peer["all"], visitors)
    return ready


def found(decider: Decider, visitor: Visitor, now_ms: int) -> list[str]:
    """Return the segments that a visitor is in."""
    facts = decider.rules.facts(
        consent=visitor.consent,
        attributes=visitor.attributes,
        profile=visitor.profile,
        now_ms=now_ms,
    )
    return sorted(facts.true_segments())


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


def report(contenders: Mapping[str, Contender], peers: Mapping[str, Contender], rounds: int) -> int:
    """Run the contenders in turns and print what each takes; return 1 where a bar is missed."""
    everybody = {**contenders, **peers}
    taken: dict[str, list[float]] = {name: [] for name in everybody}
    gc.disable()
    for number in range(rounds + 2):
        for name, (decide, visitors) in everybody.items():
            before = process_time()
            for visitor in visitors:
                decide(visitor)
            if number >= 2:  # the first two warm up
                taken[name].append((process_time() - before) / len(visitors) * 1e6)
        gc.collect()
    gc.enable()

    print(f"{'':<46}{'µs':>9}{'x F':>8}{'x ours':>8}")
    for name, times in taken.items():
        to_full, to_ours = (median(ratios(times, taken[other])) for other in (F, NEW))
        print(f"{name:<46}{median(times):>9.1f}{to_full:>8.2f}{to_ours:>8.2f}")
    ours = taken[NEW]
    bars = [
        Bar.of("a full decision, beside F", ratios(ours, taken[F]), " x", most=MOST_OF_F),
        Bar.of(
            "500 segments and 200 experiments, beside 50 and 20",
            ratios(taken[TEN_TIMES], ours),
            " x",
            most=MOST_GROWTH,
        ),
    ]
    if peers:
        fastest = min(peers, key=lambda name: median(taken[name]))
        wanted = dict.fromkeys([fastest], LEAST_OF_PEERS) | {
            name: LEAST_OF_GROWTHBOOK for name in peers if name.startswith("growthbook")
        }
        bars += [
            Bar.of(f"{name}, beside a full decision", ratios(taken[name], ours), " x", least=least)
            for name, least in wanted.items()
        ]
    return say(bars)


if __name__ == "__main__":
    sys.exit(main())
