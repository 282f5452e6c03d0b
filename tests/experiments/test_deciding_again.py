"""A decider that follows another: what both ask is compiled once, and all else is its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from byleave.experiments import Decider, Definitions, Reason, Visitor, local_snapshot
from byleave.segments import Consent, Profile

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000


def decider(definitions: Definitions, before: Decider | None = None) -> Decider:
    return Decider(local_snapshot(definitions, now_ms=0), before=before)


def test_new_weights_compile_no_segment_again(offer: Define) -> None:
    before = decider(offer(until="goal"))
    run = before.snapshot.runs["offer"]
    closed = replace(run, allocations=())
    later = Decider(
        replace(before.snapshot, runs={**before.snapshot.runs, "offer": closed}), before=before
    )

    assert later.rules.plans is before.rules.plans
    assert later.snapshot.runs["offer"].allocations == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": "pro"},
        {"until": "goal"},
        {"goals": {"primary": "spent"}, "allocate": {"goal": "spent"}, "until": "goal"},
    ],
    ids=str,
)
def test_what_is_asked_otherwise_is_compiled(offer: Define, changed: dict[str, Any]) -> None:
    old = offer()
    segments = {**old.segments, "pro": next(iter(old.segments.values()))}
    before = decider(replace(old, segments=segments))
    after = decider(replace(offer(**changed), segments=segments), before)

    assert after.rules.plans is not before.rules.plans


def test_the_goal_that_ends_an_experiment_is_known_to_what_follows(
    offer: Define, agreed: Consent
) -> None:
    before = decider(offer(until="goal"))
    after = decider(offer(until="goal"), before)
    bought = after.rules.record(
        Profile(), "buy", {"amount": 3}, at_ms=NOW_MS, now_ms=NOW_MS, consent=agreed
    )
    reasons = [
        each.decide(
            Visitor(id="anna", view="page-1", consent=agreed, profile=profile),
            ["hero"],
            now_ms=NOW_MS,
        )["hero"].reason
        for each in (before, after)
        for profile in (Profile(), bought)
    ]

    assert after.rules.plans is before.rules.plans
    assert reasons == reasons[:2] * 2
    assert reasons[1] is Reason.NO_EXPERIMENT
    assert reasons[0] is not Reason.NO_EXPERIMENT
