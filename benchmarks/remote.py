"""Decisions over HTTP beside GrowthBook's remote evaluation of the same rules, in one run.

    python -m benchmarks.remote --reference FOLDER --node FOLDER [--rounds N] [--seconds S]

The folder of `--node` holds `node_modules` with `express` and `@growthbook/proxy-eval`. Both get
the 50 segments and 20 experiments of the workload; GrowthBook answers with features of which
some depend on the visitor, Byleave with what to show, why, and with which probability.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.bars import Bar, ratios, say
from benchmarks.http_load import load, p99_ms, post, request
from benchmarks.server import CONNECTIONS, questions, running

SCRIPT: Final = Path(__file__).with_name("growthbook_remote.cjs")
LEAST: Final = 1.0


def main() -> int:
    """Print the table; return 1 where the bar is missed or Node's packages are not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--node", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    modules = (options.node / "node_modules").resolve()
    if not (modules / "@growthbook" / "proxy-eval").is_dir():
        print(f"GrowthBook's remote evaluation is not installed in {modules}")
        return 1
    sys.path.insert(0, str(options.reference))
    workload = json.loads((options.reference / "workload.json").read_text(encoding="utf-8"))
    return asyncio.run(compare(options.reference, modules, workload, options))


@contextmanager
def growthbook(modules: Path, workload: dict[str, Any]) -> Iterator[str]:
    """Run GrowthBook's engine with the workload's rules; give its address."""
    rules = import_module("peers")._gb_payload(workload)  # the adapter
    features, groups = understood(rules)
    with TemporaryDirectory() as folder:
        payload = Path(folder) / "payload.json"
        payload.write_text(json.dumps({"features": features, "savedGroups": groups}), "utf-8")
        with subprocess.Popen(  # noqa: S603  # our script
            ["node", SCRIPT, modules, payload],  # noqa: S607  # the user's
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            yield process.stdout.readline().strip() if process.stdout else ""
            process.terminate()


def understood(rule: Any) -> Any:
    """Return a rule without the operator that its released engine does not know yet."""
    match rule:
        case {"$notRegex": pattern}:
            return {"$not": {"$regex": pattern}}
        case dict():
            return {key: understood(value) for key, value in rule.items()}
        case list() | tuple():
            return [understood(each) for each in rule]
    return rule


async def compare(
    reference: Path, modules: Path, workload: dict[str, Any], options: argparse.Namespace
) -> int:
    """Measure in turns and print."""
    with running("product", reference) as (ours, key), growthbook(modules, workload) as theirs:
        asked = {
            "Byleave": (ours, [request(ours, "/v1/decide", key, q) for q in questions(workload)]),
            "GrowthBook": (
                theirs,
                [
                    request(theirs, "/eval", "", json.dumps({"attributes": each}).encode())
                    for each in attributes(workload)
                ],
            ),
        }
        following = {name: cycle(texts).__next__ for name, (_, texts) in asked.items()}
        rates: dict[str, list[float]] = {name: [] for name in asked}
        slowest: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(options.rounds):
            for name, (address, _) in asked.items():
                took = await load(
                    address, following[name], connections=CONNECTIONS, seconds=options.seconds
                )
                rates[name].append(len(took) / options.seconds)
                slowest[name].append(p99_ms(took))
        sizes = {name: len(await post(place, texts[0])) for name, (place, texts) in asked.items()}
    print(f"{'':<12}{'requests/s':>12}{'p99 ms':>10}{'bytes':>8}")
    for name, rate in rates.items():
        print(f"{name:<12}{median(rate):>12,.0f}{median(slowest[name]):>10.1f}{sizes[name]:>8,}")
    beside = ratios(rates["Byleave"], rates["GrowthBook"])
    return say([Bar.of("decisions a second, beside GrowthBook's", beside, " x", least=LEAST)])


def attributes(workload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what GrowthBook is told of each visitor."""
    return [{"id": each["id"], **each["attrs"]} for each in workload["visitors"]]


if __name__ == "__main__":
    sys.exit(main())
