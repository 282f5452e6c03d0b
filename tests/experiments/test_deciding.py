from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from byleave.experiments import (
    Allocation,
    Assignments,
    Decider,
    Decision,
    Definitions,
    Reason,
    Run,
    Snapshot,
    Sticky,
    Visitor,
    local_snapshot,
)
from byleave.segments import Consent

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
EVER_MS = 2**53
SECOND = {
    "slot": "hero",
    "variants": {"control": "site", "late": {"template": "late.html"}},
    "allocate": {"policy": "fixed", "goal": "bought"},
    "goals": {"primary": "bought"},
}
VIEW = {"unit": "view", "goals": {"primary": "clicked"}, "allocate": {"goal": "clicked"}}


def row(
    id: str, cell: str = ":control+proof", *, until_ms: int = EVER_MS, **weights: float
) -> Allocation:
    return Allocation(
        id=id, cell=cell, weights=weights, opened_ms=NOW_MS - DAY_MS, draw_until_ms=until_ms
    )


EVEN = row("even", control=0.5, proof=0.5)


def published(definitions: Definitions, *rows: Allocation, **run: Any) -> Snapshot:
    """Return a snapshot whose experiment `offer` has these rows."""
    snapshot = local_snapshot(definitions, now_ms=0)
    changed = Run(id="offer.1", seed="offer", started_ms=0, allocations=rows or (EVEN,), **run)
    return replace(snapshot, runs={**snapshot.runs, "offer": changed})


def decide(snapshot: Snapshot, who: Visitor, *, now_ms: int = NOW_MS) -> Decision:
    return Decider(snapshot).decide(who, ["hero"], now_ms=now_ms)["hero"]


def visitor(consent: Consent, **known: Any) -> Visitor:
    return Visitor(**{"id": "anna", "view": "page-1", "consent": consent, **known})


def stuck(arm: str, **changes: Any) -> Assignments:
    kept = Sticky(arm=arm, allocation="old", assigned_at_ms=NOW_MS - DAY_MS)
    return Assignments(sticky={"offer.1": replace(kept, **changes)})


def test_a_first_visit_is_drawn_from_the_row_of_its_cell(define: Define, agreed: Consent) -> None:
    snapshot = published(define(), row("only", control=0.0, proof=1.0))

    assert decide(snapshot, visitor(agreed)) == Decision(
        slot="hero",
        variant="proof",
        reason=Reason.ASSIGNED,
        experiment="offer",
        run="offer.1",
        arm="proof",
        allocation="only",
        propensity=1.0,
        assigned_at_ms=NOW_MS,
        is_enrolling=True,
    )


@pytest.mark.parametrize(
    ("forced", "expected"),
    [
        (
            "offer/proof",
            Decision(slot="hero", reason=Reason.FORCED, experiment="offer", variant="proof"),
        ),
        ("offer/control", Decision(slot="hero", reason=Reason.FORCED, experiment="offer")),
        ("offer/gone", Decision(slot="hero", reason=Reason.FORCED)),
        ("gone/proof", Decision(slot="hero", reason=Reason.FORCED)),
        ("aside/proof", Decision(slot="hero", reason=Reason.FORCED)),
        ("offer", Decision(slot="hero", reason=Reason.FORCED)),
    ],
)
@pytest.mark.parametrize("is_counted", [True, False])
def test_a_preview_comes_before_everything_and_counts_for_nothing(
    define: Define, agreed: Consent, forced: str, expected: Decision, is_counted: bool
) -> None:
    snapshot = published(define(experiments={"aside": {**SECOND, "slot": "aside"}}))
    who = visitor(
        agreed,
        forced={"hero": forced},
        is_counted=is_counted,
        assignments=stuck("control"),
    )

    assert decide(snapshot, who) == expected


def test_a_preview_of_one_slot_leaves_the_others_alone(define: Define, agreed: Consent) -> None:
    decider = Decider(published(define(experiments={"aside": {**SECOND, "slot": "aside"}})))
    who = visitor(agreed, forced={"hero": "offer/proof"})

    decisions = decider.decide(who, ["hero", "aside"], now_ms=NOW_MS)

    assert decisions["hero"].reason is Reason.FORCED
    assert decisions["aside"].reason is Reason.ASSIGNED
    assert [*decider.decide(who, ["aside"], now_ms=NOW_MS)] == ["aside"]


@pytest.mark.parametrize(
    ("changes", "known", "now_ms", "reason"),
    [
        # Each row adds what comes earlier in the order; the earlier one decides.
        ({}, {}, NOW_MS, Reason.ASSIGNED),
        ({}, {"assignments": stuck("proof")}, NOW_MS, Reason.STICKY),
        ({"holdout": "100%"}, {"assignments": stuck("proof")}, NOW_MS, Reason.HOLDOUT),
        (
            {"holdout": "100%", "experiments": {"offer": {"audience": "gold"}}},
            {"assignments": stuck("proof")},
            NOW_MS,
            Reason.NO_EXPERIMENT,
        ),
        (
            {"holdout": "100%"},
            {"is_counted": False, "assignments": stuck("proof")},
            NOW_MS,
            Reason.NO_EXPERIMENT,
        ),
        (
            {"holdout": "100%"},
            {"is_counted": False, "forced": {"hero": "offer/proof"}},
            NOW_MS,
            Reason.FORCED,
        ),
        (
            {"cap": {"exposures": 1, "within": "1d"}},
            {"assignments": replace(stuck("proof"), exposures={"other": (NOW_MS - DAY_MS,)})},
            NOW_MS,
            Reason.NO_EXPERIMENT,
        ),
        (
            {"cap": {"exposures": 1, "within": "1d"}},
            {"assignments": replace(stuck("proof"), exposures={"other": (NOW_MS - DAY_MS - 1,)})},
            NOW_MS,
            Reason.STICKY,
        ),
    ],
)
def test_the_order_of_deciding(
    define: Define,
    agreed: Consent,
    changes: dict[str, Any],
    known: dict[str, Any],
    now_ms: int,
    reason: Reason,
) -> None:
    decision = decide(published(define(**changes)), visitor(agreed, **known), now_ms=now_ms)

    assert decision.reason is reason


@pytest.mark.parametrize("known", [{"is_counted": False}, {"id": None, "view": None}])
def test_crawlers_and_prefetches_get_what_a_first_visit_without_consent_gets(
    define: Define, agreed: Consent, known: dict[str, Any]
) -> None:
    assert decide(published(define()), visitor(agreed, **known)) == Decision(slot="hero")


def test_a_slot_that_nothing_is_defined_for_shows_the_sites_own_content(
    define: Define, agreed: Consent
) -> None:
    decider = Decider(published(define()))

    assert decider.slots == ("hero",)
    assert decider.decide(visitor(agreed), ["foot"], now_ms=NOW_MS) == {
        "foot": Decision(slot="foot")
    }


@pytest.mark.parametrize(
    ("priorities", "owner"),
    [({}, "offer"), ({"second": 1}, "second"), ({"second": 1, "offer": 2}, "offer")],
)
def test_the_first_eligible_experiment_owns_the_slot(
    define: Define, agreed: Consent, priorities: dict[str, int], owner: str
) -> None:
    definitions = define(
        experiments={
            "offer": {"priority": priorities.get("offer", 0)},
            "second": {**SECOND, "priority": priorities.get("second", 0)},
        }
    )

    assert decide(published(definitions), visitor(agreed)).experiment == owner


def test_the_owner_keeps_the_slot_even_where_it_shows_the_sites_own_content(
    define: Define, agreed: Consent
) -> None:
    definitions = define(experiments={"second": SECOND})

    for snapshot in (
        published(definitions, row("only", control=1.0, proof=0.0)),
        published(definitions, row("gone", "1:control")),
    ):
        assert decide(snapshot, visitor(agreed)).experiment == "offer"


def test_an_experiment_without_a_run_decides_nothing(define: Define, agreed: Consent) -> None:
    snapshot = replace(published(define()), runs={})

    assert decide(snapshot, visitor(agreed)) == Decision(slot="hero")


def test_of_who_is_held_out_the_first_page_with_an_owner_is_enrolled(
    define: Define, agreed: Consent
) -> None:
    snapshot = published(define(holdout="100%"))

    assert decide(snapshot, visitor(agreed)) == Decision(
        slot="hero",
        reason=Reason.HOLDOUT,
        experiment="offer",
        run="offer.1",
        arm="holdout",
        assigned_at_ms=NOW_MS,
        is_enrolling=True,
    )


def test_a_page_view_is_never_held_out(define: Define, agreed: Consent) -> None:
    decider = Decider(local_snapshot(define(holdout="100%", experiments={"offer": VIEW}), now_ms=0))

    decision = decider.decide(visitor(agreed), ["hero"], now_ms=NOW_MS)["hero"]

    assert decision.reason is Reason.ASSIGNED


def test_a_sticky_arm_stays_whatever_the_weights_become(define: Define, agreed: Consent) -> None:
    for rows in ((EVEN,), (row("now", control=1.0, proof=0.0),), (row("none", "1:control"),)):
        decision = decide(published(define(), *rows), visitor(agreed, assignments=stuck("proof")))

        assert decision == Decision(
            slot="hero",
            variant="proof",
            reason=Reason.STICKY,
            experiment="offer",
            run="offer.1",
            arm="proof",
            allocation="old",
            assigned_at_ms=NOW_MS - DAY_MS,
            is_enrolling=True,
        )


def test_an_arm_of_a_run_that_is_over_does_not_stick_in_the_next(
    define: Define, agreed: Consent
) -> None:
    past = Assignments(sticky={"offer.0": stuck("proof").sticky["offer.1"]})
    snapshot = published(define(), row("only", control=1.0, proof=0.0))

    decision = decide(snapshot, visitor(agreed, assignments=past))

    assert (decision.reason, decision.run, decision.arm) == (Reason.ASSIGNED, "offer.1", "control")
    assert decision.is_enrolling


def test_the_propensity_of_a_sticky_arm_is_that_of_its_row(define: Define, agreed: Consent) -> None:
    rows = [row("old", "old-cell", control=0.3, proof=0.7), EVEN]

    decision = decide(published(define(), *rows), visitor(agreed, assignments=stuck("proof")))

    assert decision.propensity == 0.7


def test_a_sticky_arm_that_may_not_be_shown_now_keeps_its_visitor(
    offer: Define, agreed: Consent
) -> None:
    definitions = offer(variants={"proof": {"when": "gold"}}, report_by=["swiss"])
    who = visitor(agreed, assignments=stuck("proof"), attributes={"country": "CH"})

    assert decide(published(definitions), who) == Decision(
        slot="hero",
        variant="control",
        reason=Reason.INELIGIBLE_ARM,
        experiment="offer",
        run="offer.1",
        arm="proof",
        allocation="old",
        assigned_at_ms=NOW_MS - DAY_MS,
        is_enrolling=False,
    )


@pytest.mark.parametrize(
    ("retired", "arm"), [((), "gone"), (("proof",), "proof"), (("gone", "proof"), "gone")]
)
def test_whose_arm_was_retired_is_drawn_again_but_never_enrolled_again(
    define: Define, agreed: Consent, retired: tuple[str, ...], arm: str
) -> None:
    rows = [EVEN, row("less", ":control", control=1.0)]
    decider = Decider(published(define(), *rows, retired=retired))
    before = stuck(arm)

    first = decider.decide(visitor(agreed, assignments=before), ["hero"], now_ms=NOW_MS)["hero"]
    after = decider.remember(before, [first], now_ms=NOW_MS)
    second = decider.decide(visitor(agreed, assignments=after), ["hero"], now_ms=NOW_MS + 1)["hero"]

    assert first.reason is Reason.ASSIGNED
    assert first.arm not in (None, "gone", *retired)
    assert second.reason is Reason.STICKY
    assert second.variant == first.variant
    assert not first.is_enrolling
    assert not second.is_enrolling
    assert first.groups == second.groups == ()


def test_nobody_is_drawn_into_a_retired_arm(define: Define, agreed: Consent) -> None:
    snapshot = published(define(), EVEN, row("less", ":control", control=1.0), retired=("proof",))

    decisions = [decide(snapshot, visitor(agreed, id=f"visitor-{n}")) for n in range(50)]

    assert {decision.arm for decision in decisions} == {"control"}
    assert {decision.allocation for decision in decisions} == {"less"}


def test_an_arm_that_is_added_takes_nobody_from_another(define: Define, agreed: Consent) -> None:
    more = define(experiments={"offer": {"variants": {"third": {"template": "third.html"}}}})
    snapshot = published(more, row("three", ":control+proof+third", control=0, proof=0, third=1))

    assert decide(snapshot, visitor(agreed, assignments=stuck("proof"))).arm == "proof"
    assert decide(snapshot, visitor(agreed)).arm == "third"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row("open", control=0.5, proof=0.5, until_ms=NOW_MS + 1)], Reason.ASSIGNED),
        ([row("late", control=0.5, proof=0.5, until_ms=NOW_MS)], Reason.NO_ALLOCATION),
        ([row("other", "1:control+proof", control=0.5, proof=0.5)], Reason.NO_ALLOCATION),
    ],
)
def test_nobody_new_is_drawn_from_a_row_that_is_missing_or_too_old(
    define: Define, agreed: Consent, rows: list[Allocation], reason: Reason
) -> None:
    snapshot = published(define(), *rows)

    decision = decide(snapshot, visitor(agreed))

    assert decision.reason is reason
    assert decision.is_enrolling is (reason is Reason.ASSIGNED)
    assert decision.experiment == "offer"
    assert decide(snapshot, visitor(agreed, assignments=stuck("proof"))).reason is Reason.STICKY


@pytest.mark.parametrize(
    ("attributes", "allocation"),
    [
        ({"plan": "gold", "country": "CH"}, "11:control+proof"),
        ({"plan": "gold", "country": "FR"}, "10:control"),
        ({"plan": "free", "country": "CH"}, "01:control+proof"),
        ({"country": "CH"}, "01:control+proof"),
        ({}, "00:control"),
    ],
)
def test_contexts_and_eligible_arms_pick_the_row(
    offer: Define, agreed: Consent, attributes: dict[str, Any], allocation: str
) -> None:
    definitions = offer(
        allocate={"contexts": ["gold", "swiss"]}, variants={"proof": {"when": "swiss"}}
    )
    snapshot = local_snapshot(definitions, now_ms=0)
    rows = [replace(row, id=row.cell) for row in snapshot.runs["offer"].allocations]

    decision = decide(published(definitions, *rows), visitor(agreed, attributes=attributes))

    assert decision.allocation == allocation


def test_reporting_groups_are_those_that_are_true_when_enrolled(
    offer: Define, agreed: Consent
) -> None:
    definitions = offer(report_by=["gold", "swiss"])
    who = visitor(agreed, attributes={"country": "CH"})

    assert decide(published(definitions), who).groups == ("swiss",)
