"""Twenty seeds of the whole demonstration against what is true in it."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import pytest

pytestmark = pytest.mark.long

SEEDS = range(1, 21)
BEST = "proof"


def run(seed: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "byleave.server", "demo", "--once", "--json", "--seed", str(seed)],
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(run, SEEDS))


@pytest.mark.parametrize("key", ["pricing-hero", "welcome-nav"])
def test_the_interval_covers_the_truth_and_is_narrow_enough_to_be_of_use(
    key: str, runs: list[dict[str, Any]]
) -> None:
    found = [run["experiments"][key] for run in runs]
    intervals = [each["interval"] for each in found]
    covered = sum(
        low <= each["true_lift"] <= high for each, (low, high) in zip(found, intervals, strict=True)
    )

    assert covered >= 18
    assert median(high - low for low, high in intervals) <= 1.0


def test_the_better_arm_is_found_and_gets_the_traffic(runs: list[dict[str, Any]]) -> None:
    found = [run["experiments"]["pricing-hero"] for run in runs]

    assert {each["arm"] for each in found} == {BEST}
    assert sum(each["interval"][0] > 0 for each in found) >= 10
    assert sum(max(each["allocation"], key=each["allocation"].get) == BEST for each in found) >= 18


def test_the_split_fits_the_weights(runs: list[dict[str, Any]]) -> None:
    p_values = [e["srm_p"] for run in runs for e in run["experiments"].values()]

    assert min(p_values) > 0.001
