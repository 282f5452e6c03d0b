import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from byleave.experiments.hashes import HASHES, TRAFFIC, blake2b64, murmur3_32, picking
from byleave.experiments.imported import HashName

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "hashing.md"
VECTORS = re.findall(
    r"^\| `([\w-]+)` \| `(.+?)` \| `(.+?)` \| `(.+?)` \| ([\d.]+) \|$",
    REFERENCE.read_text(encoding="utf-8"),
    re.MULTILINE,
)
UNITS = [f"visitor-{number}" for number in range(20_000)]


@pytest.mark.parametrize(("algorithm", "seed", "salt", "unit", "number"), VECTORS)
def test_the_published_vectors_hold(
    algorithm: HashName, seed: str, salt: str, unit: str, number: str
) -> None:
    assert HASHES[algorithm](seed, salt)(unit) == float(number)


def test_each_algorithm_has_published_vectors() -> None:
    assert {algorithm for algorithm, *_ in VECTORS} == set(HASHES)


@pytest.mark.parametrize(("unit", "bucket"), [("123", 0.95), ("999", 0.59)])
def test_unleash_draws_arms_in_as_many_parts_as_the_weights_add_up_to(
    unit: str, bucket: float
) -> None:
    group = {"123": "gr1", "999": "groupX"}[unit]

    assert murmur3_32(group, "arm", buckets=100)(unit) == bucket


@given(st.sampled_from(sorted(HASHES)), st.text(), st.text(), st.text())
def test_every_draw_lies_in_the_unit_interval_and_repeats(
    algorithm: HashName, seed: str, salt: str, unit: str
) -> None:
    draw = HASHES[algorithm](seed, salt)

    assert 0 <= draw(unit) < 1
    assert draw(unit) == draw(unit)


@pytest.mark.parametrize("algorithm", sorted(HASHES))
@pytest.mark.parametrize("salt", [TRAFFIC, "hero.1.1"])
def test_draws_are_uniform(algorithm: HashName, salt: str) -> None:
    draw = HASHES[algorithm]("hero", salt)
    parts = 20

    counts = Counter(int(draw(unit) * parts) for unit in UNITS)

    expected = len(UNITS) / parts
    statistic = sum((counts[part] - expected) ** 2 / expected for part in range(parts))
    assert statistic < chi2.isf(1e-4, parts - 1)


def independence(one: Callable[[str], float], other: Callable[[str], float]) -> float:
    """Return the chi-square statistic of two draws, each cut into four, with 9 degrees."""
    cells = Counter((int(one(unit) * 4), int(other(unit) * 4)) for unit in UNITS)
    rows = [sum(cells[row, column] for column in range(4)) for row in range(4)]
    columns = [sum(cells[row, column] for row in range(4)) for column in range(4)]
    expected = {
        (row, column): rows[row] * columns[column] / len(UNITS)
        for row in range(4)
        for column in range(4)
    }
    return math.fsum((cells[cell] - count) ** 2 / count for cell, count in expected.items())


def test_experiments_rows_traffic_and_holdout_are_drawn_independently() -> None:
    draws = [
        blake2b64(seed, salt)
        for seed, salt in [
            ("hero", "hero.1.1"),
            ("hero", "hero.1.2"),
            ("hero", TRAFFIC),
            ("menu", "hero.1.1"),
            ("menu", TRAFFIC),
            ("shop", "holdout"),
        ]
    ]

    worst = max(independence(one, other) for one, other in combinations(draws, 2))

    assert worst < chi2.isf(1e-4, 9)


@pytest.mark.parametrize("algorithm", ["fnv1a32-v2", "murmur3-32"])
def test_two_imported_experiments_are_drawn_independently(algorithm: HashName) -> None:
    one, other = (HASHES[algorithm](seed, "arm") for seed in ("hero", "menu"))

    assert independence(one, other) < chi2.isf(1e-4, 9)


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_seed_and_salt_are_not_one_text(
    seed: str, salt: str, other_seed: str, other_salt: str
) -> None:
    if "\0" in seed + salt + other_seed + other_salt or (seed, salt) == (other_seed, other_salt):
        return

    assert blake2b64(seed, salt)("unit") != blake2b64(other_seed, other_salt)("unit")


@given(
    st.sampled_from(sorted(HASHES)),
    st.lists(st.floats(0, 1), max_size=4).map(sorted),
    st.text(max_size=9),
)
def test_a_pick_is_the_slice_that_holds_the_draw(
    name: HashName, bounds: list[float], unit: str
) -> None:
    draw = HASHES[name]("hero", "hero.1.1")
    # At a draw and just above it, where a comparison would go wrong first.
    for ends in (bounds, [draw(unit)], [math.nextafter(draw(unit), 1)]):
        choices = [str(number) for number in range(len(ends) + 1)]

        picked = picking(name, "hero", "hero.1.1", choices, ends)(unit)

        assert picked == choices[bisect_right(ends, draw(unit))]


def test_a_slice_that_ends_at_1_leaves_nothing_to_the_next() -> None:
    pick = picking("blake2b64", "hero", "hero.1.1", ["all", "none"], [1.0])

    assert {pick(str(number)) for number in range(1000)} == {"all"}
