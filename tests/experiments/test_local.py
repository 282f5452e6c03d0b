from collections.abc import Callable

import pytest

from byleave.experiments import Definitions, local_snapshot
from byleave.experiments.cells import cells

Define = Callable[..., Definitions]


def test_each_experiment_runs_with_a_row_for_each_cell(define: Define) -> None:
    definitions = define(
        experiments={"offer": {"variants": {"often": {"template": "a", "when": "frequent"}}}}
    )

    snapshot = local_snapshot(definitions, now_ms=1_000)

    run = snapshot.runs["offer"]
    assert {row.cell for row in run.allocations} == {
        cell.key for cell in cells(definitions.experiments["offer"])
    }
    assert all(sum(row.weights.values()) == pytest.approx(1) for row in run.allocations)
    assert all(row.draw_until_ms > 10**15 for row in run.allocations)


def test_seeds_and_rows_are_the_same_whenever_the_site_starts(define: Define) -> None:
    one, other = (local_snapshot(define(), now_ms=now_ms) for now_ms in (1_000, 2_000))

    assert one.runs["offer"].seed == other.runs["offer"].seed
    assert one.holdout_seed == other.holdout_seed
    assert [row.id for row in one.runs["offer"].allocations] == [
        row.id for row in other.runs["offer"].allocations
    ]


def test_other_weights_make_another_row(offer: Define) -> None:
    one, other = (
        local_snapshot(
            offer(allocate={"shares": {"control": share, "proof": rest}}), now_ms=1_000
        ).runs["offer"]
        for share, rest in (("20%", "80%"), ("50%", "50%"))
    )

    assert one.allocations[0].cell == other.allocations[0].cell
    assert one.allocations[0].id != other.allocations[0].id


def test_nothing_is_measured_without_a_server(define: Define) -> None:
    assert local_snapshot(define(), now_ms=1_000).receipt_keys == ()


def test_nobody_is_drawn_into_an_arm_that_was_retired(define: Define) -> None:
    variants = {"often": {"template": "a"}}

    [run] = local_snapshot(
        define(experiments={"offer": {"variants": variants, "retired": ["often"]}}), now_ms=1_000
    ).runs.values()

    assert run.retired == ("often",)
    assert [row.cell for row in run.allocations] == [":control+proof"]
