from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments import (
    Assignments,
    Decider,
    Decision,
    Definitions,
    Reason,
    Sticky,
    Visitor,
    local_snapshot,
)
from byleave.segments import Consent

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
OTHER = {
    "slot": "aside",
    "variants": {"control": "site", "proof": {"template": "a.html"}},
    "allocate": {"policy": "fixed", "goal": "bought"},
    "goals": {"primary": "bought"},
}
DRAWN = Sticky(arm="proof", allocation="row", assigned_at_ms=NOW_MS)


def decider(definitions: Definitions, *, published_ms: int = 0) -> Decider:
    return Decider(local_snapshot(definitions, now_ms=published_ms))


def served(reason: Reason, **changes: Any) -> Decision:
    decision = Decision(
        slot="hero",
        reason=reason,
        experiment="offer",
        run="offer.local",
        arm="proof",
        allocation="row",
        assigned_at_ms=NOW_MS,
        is_enrolling=True,
    )
    return replace(decision, **changes)


CAPPED = {"cap": {"exposures": 3, "within": "7d"}}


@pytest.mark.parametrize(
    ("decision", "sticky", "exposures"),
    [
        (served(Reason.ASSIGNED), DRAWN, 1),
        (served(Reason.STICKY), DRAWN, 1),
        (served(Reason.ASSIGNED, is_enrolling=False), replace(DRAWN, is_enrolled=False), 1),
        (served(Reason.STICKY, is_enrolling=False), replace(DRAWN, is_enrolled=False), 1),
        (served(Reason.HOLDOUT, arm="holdout", allocation=None), None, 1),
        (served(Reason.INELIGIBLE_ARM, is_enrolling=False), None, 0),
        (
            served(Reason.NO_ALLOCATION, arm=None, allocation=None, assigned_at_ms=None),
            None,
            0,
        ),
        (Decision(slot="hero"), None, 0),
        (Decision(slot="hero", reason=Reason.FORCED, experiment="offer", variant="proof"), None, 0),
    ],
)
def test_what_was_shown_is_remembered(
    offer: Define, decision: Decision, sticky: Sticky | None, exposures: int
) -> None:
    kept = decider(offer(**CAPPED)).remember(Assignments(), [decision], now_ms=NOW_MS)

    assert kept.sticky == ({"offer.local": sticky} if sticky else {})
    assert kept.exposures == ({"offer": (NOW_MS,)} if exposures else {})


def test_of_a_page_view_nothing_is_remembered(offer: Define, agreed: Consent) -> None:
    viewing = decider(
        offer(unit="view", goals={"primary": "clicked"}, allocate={"goal": "clicked"})
    )
    who = Visitor(id="anna", view="page-1", consent=agreed)
    decisions = viewing.decide(who, ["hero"], now_ms=NOW_MS)

    kept = viewing.remember(Assignments(), decisions.values(), now_ms=NOW_MS)

    assert decisions["hero"].is_enrolling
    assert kept == Assignments()


def test_runs_that_are_over_are_forgotten(offer: Define) -> None:
    before = Assignments(
        sticky={
            "offer.local": DRAWN,
            "older.1": replace(DRAWN, assigned_at_ms=NOW_MS - 1),
            "newer.2": replace(DRAWN, assigned_at_ms=NOW_MS + 1),
        }
    )

    kept = decider(offer(), published_ms=NOW_MS).remember(before, [], now_ms=NOW_MS + 2)

    assert set(kept.sticky) == {"offer.local", "newer.2"}


@pytest.mark.parametrize(
    ("caps", "times", "kept"),
    [
        # No cap: nothing is needed.
        ({}, [1, 2], {}),
        # As many as the cap counts, and none that left its window.
        (
            {"offer": {"exposures": 2, "within": "7d"}},
            [1, 2, 3],
            {"offer": [2, 3]},
        ),
        ({"offer": {"exposures": 2, "within": "7d"}}, [-8 * DAY_MS, 3], {"offer": [3]}),
        ({"proof": {"exposures": 1, "within": "7d"}}, [1, 2], {"offer/proof": [2]}),
        # What either the site's cap or the experiment's own still counts.
        (
            {"site": {"exposures": 3, "within": "1d"}, "offer": {"exposures": 1, "within": "7d"}},
            [-2 * DAY_MS, 1, 2, 3, 4],
            {"offer": [2, 3, 4]},
        ),
        (
            {"site": {"exposures": 1, "within": "1d"}, "offer": {"exposures": 3, "within": "7d"}},
            [-2 * DAY_MS, 1, 2],
            {"offer": [-2 * DAY_MS, 1, 2]},
        ),
    ],
)
def test_no_more_exposures_are_kept_than_caps_need(
    define: Define, caps: dict[str, Any], times: list[int], kept: dict[str, list[int]]
) -> None:
    definitions = define(
        cap=caps.get("site"),
        experiments={
            "offer": {"cap": caps.get("offer"), "variants": {"proof": {"cap": caps.get("proof")}}}
        },
    )
    shown = tuple(NOW_MS + time for time in times)
    before = Assignments(exposures={"offer": shown, "offer/proof": shown, "gone/proof": shown})

    after = decider(definitions).remember(before, [], now_ms=NOW_MS + 10)

    assert after.exposures == {
        key: tuple(NOW_MS + time for time in times) for key, times in kept.items()
    }


def test_exposures_of_experiments_that_are_over_still_count_for_the_site(define: Define) -> None:
    deciding = decider(define(cap={"exposures": 2, "within": "1d"}))
    before = Assignments(exposures={"gone": (NOW_MS - 3, NOW_MS - 2), "offer": (NOW_MS - 1,)})

    kept = deciding.remember(before, [], now_ms=NOW_MS)

    assert kept.exposures == {"gone": (NOW_MS - 2,), "offer": (NOW_MS - 1,)}


def test_a_visitor_without_exposures_is_remembered_under_a_cap_of_the_site(
    define: Define,
) -> None:
    deciding = decider(define(cap={"exposures": 2, "within": "1d"}))

    kept = deciding.remember(Assignments(), [], now_ms=NOW_MS)

    assert kept == Assignments()


caps = st.none() | st.fixed_dictionaries(
    {"exposures": st.integers(1, 3), "within": st.sampled_from(["1h", "3h"])}
)
pages = st.lists(
    st.tuples(st.integers(1, 2 * 3_600_000), st.sampled_from(["control", "proof", "holdout"])),
    max_size=12,
)


@given(caps, caps, caps, pages)
def test_forgetting_changes_no_decision(
    define: Define,
    agreed: Consent,
    site: dict[str, Any] | None,
    own: dict[str, Any] | None,
    arm: dict[str, Any] | None,
    visits: list[tuple[int, str]],
) -> None:
    """Whoever keeps every exposure decides as `remember` does, which keeps the needed ones."""
    deciding = decider(
        define(
            cap=site,
            experiments={
                "offer": {"cap": own, "variants": {"proof": {"cap": arm}}},
                "other": OTHER,
            },
        )
    )
    everything = kept = Assignments()
    now_ms = NOW_MS

    for pause_ms, shown in visits:
        now_ms += pause_ms
        exposed = [served(Reason.HOLDOUT, arm=shown, allocation=None)]
        kept = deciding.remember(kept, exposed, now_ms=now_ms)
        all_times = {
            key: (*everything.exposures.get(key, ()), now_ms) for key in ("offer", f"offer/{shown}")
        }
        everything = Assignments(exposures={**everything.exposures, **all_times})

        for later_ms in (now_ms, now_ms + 3_600_000, now_ms + 2 * 3_600_000):
            decisions = [
                deciding.decide(
                    Visitor(id="anna", consent=agreed, assignments=known),
                    ["hero", "aside"],
                    now_ms=later_ms,
                )
                for known in (kept, everything)
            ]
            assert decisions[0] == decisions[1]
