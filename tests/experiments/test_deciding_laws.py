import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from byleave.experiments import (
    Assignments,
    Decider,
    Decision,
    Definitions,
    Reason,
    Snapshot,
    Sticky,
    Visitor,
    load_snapshot,
    local_snapshot,
    may_enrol,
)
from byleave.segments import Choice, Consent, Profile, Purpose, Regime, canonical_json

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
SECOND = {
    "slot": "hero",
    "variants": {"control": "site", "late": {"template": "late.html"}},
    "allocate": {"policy": "fixed", "goal": "bought"},
    "goals": {"primary": "bought"},
}
TRANSLATED = {"fields": {"title": {"de": "Hallo", "fr": "Salut"}, "link": "/a"}}
VIEW = {"unit": "view", "goals": {"primary": "clicked"}, "allocate": {"goal": "clicked"}}
STUCK = Assignments(
    sticky={"offer.local": Sticky(arm="proof", allocation="old", assigned_at_ms=NOW_MS - DAY_MS)}
)


def decide(snapshot: Snapshot, who: Visitor) -> Decision:
    return Decider(snapshot).decide(who, ["hero"], now_ms=NOW_MS)["hero"]


def visitor(consent: Consent, **known: Any) -> Visitor:
    return Visitor(**{"id": "anna", "view": "page-1", "consent": consent, **known})


def test_the_weights_served_are_the_frequencies_drawn(define: Define, agreed: Consent) -> None:
    weights = {"control": 0.1, "proof": 0.26, "third": 0.64}
    definitions = define(experiments={"offer": {"variants": {"third": {"template": "third.html"}}}})
    snapshot = local_snapshot(definitions, now_ms=0)
    run = snapshot.runs["offer"]
    [row] = run.allocations
    changed = replace(run, allocations=(replace(row, id="row-7", weights=weights),))
    decider = Decider(replace(snapshot, runs={"offer": changed}))
    count = 20_000

    decisions = [
        decider.decide(visitor(agreed, id=f"visitor-{n}"), ["hero"], now_ms=NOW_MS)["hero"]
        for n in range(count)
    ]

    assert all(d.arm and d.propensity == weights[d.arm] for d in decisions)
    drawn = Counter(decision.arm for decision in decisions)
    statistic = sum((drawn[arm] - count * e) ** 2 / (count * e) for arm, e in weights.items())
    assert statistic < chi2.isf(1e-4, len(weights) - 1)


def test_the_holdout_is_one_for_all_experiments_and_has_its_share(
    define: Define, agreed: Consent
) -> None:
    definitions = define(holdout="20%", experiments={"aside": {**SECOND, "slot": "aside"}})
    decider = Decider(local_snapshot(definitions, now_ms=0))
    held = Counter(
        tuple(decision.reason for decision in decisions.values())
        for decisions in (
            decider.decide(visitor(agreed, id=f"visitor-{n}"), ["hero", "aside"], now_ms=NOW_MS)
            for n in range(4_000)
        )
    )

    assert set(held) == {(Reason.HOLDOUT,) * 2, (Reason.ASSIGNED,) * 2}
    assert held[(Reason.HOLDOUT,) * 2] / 4_000 == pytest.approx(0.2, abs=0.026)


def test_each_page_view_is_drawn_by_itself(define: Define, agreed: Consent) -> None:
    decider = Decider(local_snapshot(define(experiments={"offer": VIEW}), now_ms=0))

    arms = Counter(
        decider.decide(
            visitor(agreed, view=f"page-{n}", assignments=STUCK), ["hero"], now_ms=NOW_MS
        )["hero"].arm
        for n in range(2_000)
    )

    assert arms["proof"] / 2_000 == pytest.approx(0.5, abs=0.045)


units = st.text("abcdef0123456789", min_size=1, max_size=8)


@given(units, st.sampled_from(["CH", "FR"]), st.sampled_from(["gold", "free"]))
def test_what_is_loaded_from_the_wire_decides_alike(
    offer: Define, agreed: Consent, id: str, country: str, plan: str
) -> None:
    definitions = offer(
        allocate={"contexts": ["swiss"]},
        variants={
            "zebra": {"template": "z.html", "when": "gold"},
            "apple": {"template": "a.html"},
        },
    )
    snapshot = local_snapshot(definitions, now_ms=0)
    who = visitor(agreed, id=id, attributes={"country": country, "plan": plan})

    again = load_snapshot(json.loads(canonical_json(snapshot)))

    assert decide(again, who) == decide(snapshot, who)
    assert decide(snapshot, who) == decide(snapshot, who)


choices = st.dictionaries(st.sampled_from(Purpose), st.sampled_from(Choice))
consents = st.builds(Consent, choices, st.sampled_from(Regime))


@given(consents, units, st.booleans())
def test_nobody_is_randomised_without_both_grants(
    define: Define, consent: Consent, id: str, is_known: bool
) -> None:
    who = visitor(consent, id=id, view=None, assignments=STUCK)

    decision = decide(local_snapshot(define(holdout="50%"), now_ms=0), who)

    assert (decision.experiment is not None) == may_enrol(consent)


attributes = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(["gold", "free", 3]),
        "complains": st.sampled_from([True, False, "yes"]),
        "mood": st.sampled_from(["bad", "good"]),
        "tongue": st.sampled_from(["de", "de-AT", "fr", 3]),
    },
)
arms = st.sampled_from(["control", "proof", "gone"])
times = st.lists(st.integers(NOW_MS - 9 * DAY_MS, NOW_MS), max_size=4).map(sorted).map(tuple)
assignments = st.builds(
    Assignments,
    sticky=st.fixed_dictionaries(
        {},
        optional={
            run: st.builds(
                Sticky, arm=arms, allocation=units, assigned_at_ms=st.integers(0, NOW_MS)
            )
            for run in ("offer.local", "aside.local", "page.local")
        },
    ),
    exposures=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("offer", "aside", "page", "offer/proof"), times)
    ),
)
events = st.lists(
    st.tuples(st.sampled_from(["visit", "buy", "ask", "greet"]), st.integers(0, 9 * DAY_MS)),
    max_size=5,
)


def stored(decider: Decider, events: list[tuple[str, int]]) -> Profile:
    """Return what is kept of events that happened while everything was allowed."""
    everything = Consent(dict.fromkeys(Purpose, Choice.GRANTED))
    profile = Profile()
    for event, ago_ms in sorted(events, key=lambda event: -event[1]):
        at_ms = NOW_MS - ago_ms
        profile = decider.rules.record(
            profile, event, {"amount": 3}, at_ms=at_ms, now_ms=at_ms, consent=everything
        )
    return profile


@given(consents, units, attributes, assignments, events, attributes, assignments, events, units)
def test_what_may_not_be_read_never_changes_a_decision(
    define: Define,
    consent: Consent,
    id: str,
    given_attributes: dict[str, Any],
    given_assignments: Assignments,
    given_events: list[tuple[str, int]],
    other_attributes: dict[str, Any],
    other_assignments: Assignments,
    other_events: list[tuple[str, int]],
    other_id: str,
) -> None:
    decider = Decider(
        local_snapshot(
            now_ms=0,
            definitions=define(
                holdout="10%",
                suppress=[{"segment": "complaining", "if_undetermined": "show"}],
                cap={"exposures": 5, "within": "2d"},
                experiments={
                    "offer": {
                        "audience": "frequent",
                        "until": "goal",
                        "cap": {"exposures": 2, "within": "1d"},
                        "variants": {"proof": {"cap": {"exposures": 1, "within": "3d"}}},
                    },
                    "words": {**SECOND, "variants": {"control": "site", "late": TRANSLATED}},
                    "aside": {**SECOND, "slot": "aside", "unless": ["gold"]},
                    "page": {
                        **SECOND,
                        **VIEW,
                        "slot": "mail",
                        "allocate": {"policy": "fixed", "goal": "clicked"},
                        "audience": "gold",
                        "variants": {"control": "site", "late": {"data": 3}},
                    },
                },
            ),
        )
    )
    one = Visitor(
        id=id,
        view="page-1",
        consent=consent,
        attributes=given_attributes,
        profile=stored(decider, given_events),
        assignments=given_assignments,
    )
    other = one
    if not may_enrol(consent):
        other = replace(other, id=other_id, assignments=other_assignments)
    if not consent.allows(Purpose.PERSONALISATION):
        profile = stored(decider, other_events)
        other = replace(other, attributes=other_attributes, profile=profile)
    slots = ["hero", "aside", "mail"]

    assert decider.decide(one, slots, now_ms=NOW_MS) == decider.decide(other, slots, now_ms=NOW_MS)
