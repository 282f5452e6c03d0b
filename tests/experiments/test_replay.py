from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from byleave.experiments import HOLDOUT, Definitions
from byleave.experiments.allocation import evidence, fixed_weights, next_weights, observe
from byleave.experiments.assignment import Slices
from byleave.experiments.hashes import HASHES, TRAFFIC, blake2b64
from byleave.experiments.replay import KeptRow, KeptRun, LoggedAssignment, Replay, replay
from byleave.segments import plain

DAY_MS = 86_400_000
ARMS: tuple[str, ...] = ("control", "proof")
RATES = {"control": 0.3, "proof": 0.4}


def draw(run: KeptRun, unit: str, row: KeptRow) -> str:
    return Slices(row.weights).arm(HASHES[run.hash](run.seed, row.id)(unit))


def lived(definitions: Definitions, *, holdout: float = 0.1) -> tuple[KeptRun, Any, Counter[Any]]:
    """Let an experiment run for four days; return it as kept, its log and its units."""
    experiment = definitions.experiments["offer"]
    goal = definitions.goals["bought"]
    run = KeptRun(
        experiment=experiment,
        goals={"bought": goal},
        seed="seed",
        started_ms=0,
        rows=(),
        holdout=holdout,
        holdout_seed="held",
    )
    takes, held_out = blake2b64("seed", TRAFFIC), blake2b64("held", "holdout")
    log: list[LoggedAssignment] = []
    units: Counter[Any] = Counter()
    figures: dict[str, list[list[float]]] = {
        name: [] for name in ("counts", "reached", "sums", "squares")
    }
    weights = dict(zip(ARMS, fixed_weights([0.5, 0.5]).tolist(), strict=True))
    inputs: dict[str, Any] = {"method": "start"}
    for day in range(4):
        row = KeptRow(
            id=f"offer.1.{day}",
            cell=":control+proof",
            weights=weights,
            opened_ms=day * DAY_MS,
            closed_ms=(day + 1) * DAY_MS if day < 3 else None,
            inputs=inputs,
        )
        run = replace(run, rows=(*run.rows, row))
        drawn, reached = Counter[str](), Counter[str]()
        for index in range(400):
            unit = f"unit{day}-{index}"
            known: dict[str, Any] = {
                "id": f"e{day}-{index:03}",
                "unit": unit,
                "assigned_ms": day * DAY_MS + index,
            }
            if held_out(unit) < holdout:
                log.append(LoggedAssignment(allocation=None, arm=HOLDOUT, **known))
            elif takes(unit) < float(experiment.traffic):
                arm = draw(run, unit, row)
                log.append(LoggedAssignment(allocation=row.id, arm=arm, **known))
                units[row.id, arm] += 1
                drawn[arm] += 1
                reached[arm] += index % 10 < 10 * RATES[arm]
        for name in figures:
            figures[name].append([(drawn if name == "counts" else reached)[arm] for arm in ARMS])
        now_ms = (day + 1) * DAY_MS
        ages = now_ms - np.arange(day + 1) * DAY_MS
        seen = evidence(
            observe(
                figures,
                cells=[row.cell],
                arms=ARMS,
                cell_of_row=[row.cell] * (day + 1),
                youngest_ms=ages - DAY_MS,
                oldest_ms=ages,
                window_ms=0,
                curve=None,
            ),
            row.cell,
            goal=goal,
            before=weights,
            age_ms=now_ms,
        )
        step = next_weights(experiment.allocate, goal, seen)
        weights, inputs = dict(step.weights), {"method": str(step.method), **plain(seen)}
    return run, log, units


@pytest.fixture(scope="module")
def past(offer: Callable[..., Definitions]) -> tuple[KeptRun, Any, Counter[Any]]:
    allocate = {"policy": "thompson", "goal": "bought", "epoch": "1h"}
    return lived(offer(allocate=allocate, traffic="80%"))


def words(found: Replay) -> list[str]:
    return [difference.words for difference in found.differences]


def test_a_past_that_is_as_it_was_follows_from_what_was_kept(past: Any) -> None:
    run, log, units = past

    found = replay(run, [*log, *log[:50]], counted=units)

    assert found == Replay(allocations=4, assignments=len(log) + 50, not_derived=0, differences=())
    assert any(each.arm == HOLDOUT for each in log)
    assert run.rows[-1].weights["proof"] > 0.8


def test_erased_visitors_are_there_as_sums(past: Any) -> None:
    run, log, units = past
    gone = [each for each in log if each.allocation is not None][::7]
    kept = [each for each in log if each not in gone]
    erased = Counter((each.allocation, each.arm) for each in gone)

    assert replay(run, kept, counted=units, erased=erased).differences == ()
    assert "units, and " in words(replay(run, kept, counted=units))[0]


def test_units_that_were_never_logged_or_never_counted_are_named(past: Any) -> None:
    run, log, units = past
    less = dict(units)
    del less["offer.1.0", "proof"]

    [difference] = replay(run, log, counted=less).differences

    assert difference.place == "offer.1.0"
    assert difference.words == f"proof has 0 units, and {units['offer.1.0', 'proof']} in the log"


def test_units_of_sealed_rows_are_not_compared(past: Any) -> None:
    run, log, units = past
    everything = {row.id for row in run.rows}

    assert replay(run, log[100:], counted=units).differences
    assert replay(run, log[100:], counted=units, sealed=everything).differences == ()


def test_what_was_logged_too_late_or_of_no_row_was_never_counted(past: Any) -> None:
    run, log, units = past
    drawn = next(each for each in log if each.allocation == "offer.1.0")
    odd = [
        replace(drawn, unit="late", assigned_ms=9 * DAY_MS),
        replace(drawn, unit="lost", allocation="offer.9.9"),
        replace(drawn, unit="strange", arm="other"),
    ]

    assert not [text for text in words(replay(run, [*log, *odd], counted=units)) if "units" in text]


def test_the_earliest_exposure_of_a_unit_enrols_it(past: Any) -> None:
    run, log, units = past
    first = next(each for each in log if each.allocation == "offer.1.0")
    late = run.rows[1]
    again = replace(
        first,
        id="z",
        allocation=late.id,
        arm=draw(run, first.unit, late),
        assigned_ms=late.opened_ms,
    )

    assert replay(run, [again, *log], counted=units).differences == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"weights": {"control": 0.5, "proof": 0.5}},
            ["its weights do not follow from its inputs"],
        ),
        ({"inputs": {"method": "thompson"}}, ["its inputs cannot be read"]),
        ({"opened_ms": 2 * DAY_MS + 5}, ["it was not published when the row before it was closed"]),
    ],
)
def test_a_row_that_does_not_follow_is_named(
    past: Any, change: dict[str, Any], expected: list[str]
) -> None:
    run, _, _ = past
    rows = (*run.rows[:2], replace(run.rows[2], **change))

    found = replay(replace(run, rows=rows), [])

    assert [(each.place, each.words) for each in found.differences] == [
        ("offer.1.2", text) for text in expected
    ]


def test_only_rows_of_the_time_that_is_asked_about_are_derived(past: Any) -> None:
    run, _, _ = past
    wrong = replace(run.rows[1], weights={"control": 0.9, "proof": 0.1})
    forged = replace(run, rows=(run.rows[0], wrong))

    assert replay(forged, []).differences != ()
    assert replay(forged, [], until_ms=wrong.opened_ms).differences == ()
    assert replay(forged, [], until_ms=wrong.opened_ms).allocations == 1


def test_inputs_that_were_changed_afterwards_no_longer_give_the_weights(past: Any) -> None:
    run, _, _ = past
    inputs = dict(run.rows[2].inputs)
    forged = replace(run.rows[2], inputs={**inputs, "sums": [inputs["sums"][0] + 9, 1.0]})
    elsewhere = replace(run.rows[2], inputs={**inputs, "before": [0.4, 0.6]})

    assert "its weights do not follow from its inputs" in words(
        replay(replace(run, rows=(*run.rows[:2], forged)), [])
    )
    assert "it does not start from the weights that were in force" in words(
        replay(replace(run, rows=(*run.rows[:2], elsewhere)), [])
    )


def test_a_first_row_begins_as_runs_begin(past: Any) -> None:
    run, _, _ = past
    uneven = replace(run.rows[0], weights={"control": 0.4, "proof": 0.6}, inputs={})

    assert words(replay(replace(run, rows=(uneven,)), [])) == [
        "the first weights of the cell are not those that a run begins with",
        "the first row of the cell does not say that it is one",
    ]


def test_rows_that_were_replaced_too_early_or_for_nothing_are_named(past: Any) -> None:
    run, _, _ = past
    start, *_ = run.rows
    early = _copied(start, opened_ms=DAY_MS // 48, run=run)
    idle = _copied(start, opened_ms=DAY_MS // 2, run=run)

    assert words(replay(replace(run, rows=early), [])) == [
        "the row before it was replaced before its epoch was over"
    ]
    assert words(replay(replace(run, rows=idle), [])) == [
        "the row before it was replaced although nothing changed"
    ]


def _copied(start: KeptRow, *, opened_ms: int, run: KeptRun) -> tuple[KeptRow, KeptRow]:
    """A first row, and a successor that is still warming up."""
    warm = {
        **run.rows[1].inputs,
        "method": "warm-up",
        "age_ms": opened_ms,
        "before": list(start.weights.values()),
        "arms": list(start.weights),
    }
    after = replace(start, id="copy", opened_ms=opened_ms, closed_ms=None, inputs=warm)
    return replace(start, closed_ms=opened_ms), after


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"arm": "other"}, "the hash gives another arm"),
        ({"allocation": "offer.9.9"}, "it names an allocation row that is not of this run"),
        ({"assigned_ms": 9 * DAY_MS}, "its row was not in force when its arm was drawn"),
        ({"assigned_ms": -1}, "its row was not in force when its arm was drawn"),
        ({"allocation": None, "arm": HOLDOUT}, "the holdout is not what its hash says"),
    ],
)
def test_an_assignment_that_does_not_follow_is_named(
    past: Any, change: dict[str, Any], expected: str
) -> None:
    run, log, _ = past
    drawn = next(each for each in log if each.allocation == "offer.1.0")

    [difference] = replay(run, [replace(drawn, **change)]).differences

    assert (difference.place, difference.words) == (drawn.id, expected)


def test_a_unit_outside_of_the_traffic_is_named(past: Any) -> None:
    run, _, _ = past
    outside = next(
        f"u{index}"
        for index in range(200)
        if blake2b64("seed", TRAFFIC)(f"u{index}") >= 0.8
        and blake2b64("held", "holdout")(f"u{index}") >= 0.1
    )
    row = run.rows[0]
    taken = LoggedAssignment(
        id="e", unit=outside, allocation=row.id, arm=draw(run, outside, row), assigned_ms=1
    )

    assert words(replay(run, [taken])) == ["the experiment does not take this unit"]


def test_a_holdout_that_changed_on_the_way_is_not_derived(past: Any) -> None:
    run, log, units = past

    assert replay(replace(run, holdout=None), log, counted=units).differences == ()


def test_an_imported_split_is_drawn_from_what_is_not_kept(
    past: Any, offer: Callable[..., Definitions]
) -> None:
    run, log, _ = past
    ranges = {"control": {"start": 0, "end": 0.5}, "proof": {"start": 0.5, "end": 1}}
    imported = offer(imported={"hash": "fnv1a32-v2", "seed": "s", "ranges": ranges})

    found = replay(
        replace(run, experiment=imported.experiments["offer"], rows=run.rows[:1]), log[:300]
    )

    assert (found.assignments, found.not_derived) == (0, 300)
    assert found.differences == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        (
            {"weights": {"control": 0.5, "proof": 0.5}},
            ["its weights are not those of the row before it without the retired arms"],
        ),
        (
            {"cell": "1:control+proof"},
            ["its weights are not those of the row before it without the retired arms"],
        ),
        (
            {"inputs": {"method": "retired", "follows": "offer.1.9.0"}},
            ["it was not published when the row before it was closed"],
        ),
        ({"opened_ms": 5}, ["it was not published when the row before it was closed"]),
    ],
)
def test_a_row_without_retired_arms_follows_from_the_one_before(
    offer: Callable[..., Definitions], changes: dict[str, Any], expected: list[str]
) -> None:
    shares = {"control": "20%", "often": "20%", "proof": "60%"}
    definitions = offer(
        allocate={"policy": "fixed", "shares": shares}, variants={"often": {"template": "a.html"}}
    )
    before = KeptRow(
        id="offer.1.1.0",
        cell=":control+often+proof",
        weights={"control": 0.2, "often": 0.2, "proof": 0.6},
        opened_ms=0,
        closed_ms=DAY_MS,
        inputs={"method": "start"},
    )
    row = KeptRow(
        id="offer.1.2.0",
        cell=":control+proof",
        weights={"control": 0.25, "proof": 0.75},
        opened_ms=DAY_MS,
        closed_ms=None,
        inputs={"method": "retired", "follows": "offer.1.1.0"},
    )
    run = KeptRun(
        experiment=definitions.experiments["offer"],
        goals=definitions.goals,
        seed="seed",
        started_ms=0,
        rows=(before, replace(row, **changes)),
    )

    assert words(replay(run, [])) == expected


def test_a_frozen_row_has_the_weights_of_the_row_before_it(past: Any) -> None:
    run, *_ = past
    *before, third, last = run.rows
    frozen = replace(last, weights=third.weights, inputs=dict(last.inputs) | {"method": "frozen"})
    moved = replace(last, inputs=dict(last.inputs) | {"method": "frozen"})

    assert words(replay(replace(run, rows=(*before, third, frozen)), [])) == []
    assert words(replay(replace(run, rows=(*before, third, moved)), [])) == [
        "its weights do not follow from its inputs"
    ]
