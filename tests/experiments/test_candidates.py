from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from byleave.experiments import Assignments, Decider, Definitions, Reason, Visitor, local_snapshot
from byleave.experiments.hashes import HASHES
from byleave.experiments.imported import HashName
from byleave.segments import Choice, Consent, Profile, Purpose, Regime

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
NEW_YEAR = {"start": "2027-01-15T08:00", "timezone": "UTC"}  # NOW_MS
LIMITED = {"exposures": 2, "within": "7d"}
TWICE = {"offer": (NOW_MS - 7 * DAY_MS, NOW_MS - 1)}


def visitor(consent: Consent, **known: Any) -> Visitor:
    return Visitor(**{"id": "anna", "view": "page-1", "consent": consent, **known})


def owns(definitions: Definitions, who: Visitor, *, now_ms: int = NOW_MS) -> bool:
    """Return whether `offer` owns its slot for a visitor."""
    decider = Decider(local_snapshot(definitions, now_ms=0))
    slot = definitions.experiments["offer"].slot
    return decider.decide(who, [slot], now_ms=now_ms)[slot].experiment == "offer"


@pytest.mark.parametrize(
    ("changes", "known", "expected"),
    [
        ({}, {}, True),
        # schedule
        ({"schedule": NEW_YEAR}, {}, True),
        ({"schedule": {"start": "2027-01-15T08:00:00.001"}}, {}, False),
        ({"schedule": {"end": "2027-01-15T08:00"}}, {}, False),
        ({"schedule": {"end": "2027-01-15T08:00:00.001"}}, {}, True),
        # audience: only what is true matches
        ({"audience": "gold"}, {"attributes": {"plan": "gold"}}, True),
        ({"audience": "gold"}, {"attributes": {"plan": "free"}}, False),
        ({"audience": "gold"}, {}, False),
        # unless: what is undetermined keeps away, or not
        ({"unless": ["gold"]}, {"attributes": {"plan": "free"}}, True),
        ({"unless": ["gold"]}, {"attributes": {"plan": "gold"}}, False),
        ({"unless": ["gold"]}, {}, False),
        ({"unless": [{"segment": "gold", "if_undetermined": "show"}]}, {}, True),
        (
            {"unless": [{"segment": "gold", "if_undetermined": "show"}]},
            {"attributes": {"plan": "gold"}},
            False,
        ),
        # cap: an exposure exactly as old as the window still counts
        ({"cap": LIMITED}, {"assignments": Assignments(exposures=TWICE)}, False),
        (
            {"cap": {"exposures": 3, "within": "7d"}},
            {"assignments": Assignments(exposures=TWICE)},
            True,
        ),
        (
            {"cap": LIMITED},
            {"assignments": Assignments(exposures={"offer": (NOW_MS - 7 * DAY_MS - 1, NOW_MS)})},
            True,
        ),
        ({"cap": LIMITED}, {"assignments": Assignments(exposures={"other": (1, 2)})}, True),
        # traffic
        ({"traffic": "0%"}, {}, False),
        ({"traffic": "100%"}, {}, True),
        ({"exclusive": {"group": "heads", "start": "0%", "end": "100%"}}, {}, True),
    ],
)
def test_an_experiment_is_eligible_when_nothing_speaks_against_it(
    offer: Define, agreed: Consent, changes: dict[str, Any], known: dict[str, Any], expected: bool
) -> None:
    assert owns(offer(**changes), visitor(agreed, **known)) is expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({"complains": False}, True), ({"complains": True}, False), ({}, False)],
)
def test_the_site_suppresses_every_experiment(
    define: Define, agreed: Consent, attributes: dict[str, Any], expected: bool
) -> None:
    who = visitor(agreed, attributes=attributes)

    assert owns(define(suppress=["complaining"]), who) is expected


def test_whoever_reached_the_goal_sees_the_sites_own_content(
    offer: Define, agreed: Consent
) -> None:
    definitions = offer(until="goal")
    rules = Decider(local_snapshot(definitions, now_ms=0)).rules
    bought = rules.record(
        Profile(), "buy", {"amount": 3}, at_ms=NOW_MS, now_ms=NOW_MS, consent=agreed
    )

    assert owns(definitions, visitor(agreed))
    assert not owns(definitions, visitor(agreed, profile=bought))
    assert owns(offer(), visitor(agreed, profile=bought))


ALL = {Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED}


@pytest.mark.parametrize(
    ("consent", "id", "expected"),
    [
        (Consent(ALL), "anna", True),
        (Consent(ALL), None, False),
        (Consent({}), "anna", False),
        (Consent({}, Regime.OPT_OUT), "anna", True),
        (Consent({**ALL, Purpose.ANALYTICS: Choice.DENIED}), "anna", False),
        (Consent({**ALL, Purpose.PERSONALISATION: Choice.DENIED}), "anna", False),
        (Consent({Purpose.PERSONALISATION: Choice.GRANTED}), "anna", False),
        (Consent({Purpose.PERSONALISATION: Choice.GRANTED}, Regime.OPT_OUT), "anna", True),
    ],
)
def test_a_visitor_is_randomised_with_both_grants_and_an_id(
    offer: Define, consent: Consent, id: str | None, expected: bool
) -> None:
    assert owns(offer(), visitor(consent, id=id)) is expected


@pytest.mark.parametrize(
    ("consent", "region", "free", "expected"),
    [
        (Consent({Purpose.ANALYTICS: Choice.GRANTED}), None, [], True),
        (Consent({Purpose.ANALYTICS: Choice.DENIED}), "FR", ["FR", "default"], False),
        (Consent({}), "FR", [], False),
        (Consent({}), "FR", ["FR"], True),
        (Consent({}), "DE", ["FR"], False),
        (Consent({}), None, ["FR"], False),
        (Consent({}), "JP", ["default"], True),
        (Consent({}), "FR", ["default"], False),
        (Consent({}), None, ["default"], False),
        (Consent({}), "XX", ["default", "FR"], False),
        (Consent({}), None, ["default", "FR", "DE"], True),
        (Consent({}, Regime.OPT_OUT), "US", [], True),
    ],
)
def test_a_page_view_is_measured_where_analytics_or_the_site_allows_it(
    define: Define, consent: Consent, region: str | None, free: list[str], expected: bool
) -> None:
    definitions = define(
        regions={"FR": "opt-in", "DE": "opt-in"},
        storage_free_measurement=free,
        experiments={
            "offer": {
                "unit": "view",
                "goals": {"primary": "clicked"},
                "allocate": {"goal": "clicked"},
            }
        },
    )

    assert owns(definitions, visitor(consent, id=None, region=region)) is expected
    assert not owns(definitions, visitor(consent, view=None, region=region))


def test_an_attribute_collected_for_something_else_says_nothing(
    offer: Define, agreed: Consent
) -> None:
    narrow = {"plan": [Purpose.ANALYTICS]}
    who = visitor(agreed, attributes={"plan": "gold"}, collected=narrow)

    assert not owns(offer(audience="gold"), who)


def shown(definitions: Definitions, who: Visitor) -> set[str]:
    """Return the arms that a visitor like this one can be drawn into."""
    decider = Decider(local_snapshot(definitions, now_ms=0))
    units = (f"visitor-{number}" for number in range(60))
    decisions = (
        decider.decide(
            Visitor(
                id=unit,
                consent=who.consent,
                attributes=who.attributes,
                assignments=who.assignments,
            ),
            ["hero"],
            now_ms=NOW_MS,
        )["hero"]
        for unit in units
    )
    return {d.variant for d in decisions if d.reason is Reason.ASSIGNED}


@pytest.mark.parametrize(
    ("conditions", "known", "is_open"),
    [
        ({"when": "gold"}, {"attributes": {"plan": "gold"}}, True),
        ({"when": "gold"}, {"attributes": {"plan": "free"}}, False),
        ({"when": "gold"}, {}, False),
        ({"unless": ["gold"]}, {"attributes": {"plan": "free"}}, True),
        ({"unless": ["gold"]}, {"attributes": {"plan": "gold"}}, False),
        ({"unless": ["gold"]}, {}, False),
        ({"unless": [{"segment": "gold", "if_undetermined": "show"}]}, {}, True),
        ({"cap": LIMITED}, {}, True),
        (
            {"cap": LIMITED},
            {"assignments": Assignments(exposures={"offer/proof": (NOW_MS - 1, NOW_MS)})},
            False,
        ),
    ],
)
def test_an_arm_is_drawn_only_where_its_own_conditions_hold(
    offer: Define, agreed: Consent, conditions: dict[str, Any], known: dict[str, Any], is_open: bool
) -> None:
    definitions = offer(variants={"proof": conditions, "plain": {"template": "plain.html"}})

    arms = shown(definitions, visitor(agreed, **known))

    assert arms == {"control", "plain"} | ({"proof"} if is_open else set())


@pytest.mark.parametrize("algorithm", HASHES)
def test_a_run_is_drawn_by_the_hash_that_it_names(
    offer: Define, agreed: Consent, algorithm: HashName
) -> None:
    definitions = offer(allocate={"policy": "fixed", "shares": {"control": "50%", "proof": "50%"}})
    snapshot = local_snapshot(definitions, now_ms=0)
    run = replace(snapshot.runs["offer"], hash=algorithm)
    decider = Decider(replace(snapshot, runs={**snapshot.runs, "offer": run}))
    draw = HASHES[algorithm](run.seed, run.allocations[0].id)
    slot = definitions.experiments["offer"].slot

    for unit in map(str, range(20)):
        decision = decider.decide(visitor(agreed, id=unit), [slot], now_ms=NOW_MS)[slot]

        assert decision.arm == ("control" if draw(unit) < 0.5 else "proof")
