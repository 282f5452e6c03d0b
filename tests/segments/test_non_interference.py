"""What may not be read changes nothing: no outcome, explanation, stored state, size or event."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byleave.segments import (
    Choice,
    Consent,
    Profile,
    Purpose,
    Regime,
    Rules,
    Vocabulary,
    canonical_json,
)
from byleave.segments.access import may_read_attribute, may_read_event

NOW = 1_700_000_000_000
USES = (Purpose.PERSONALISATION, Purpose.ANALYTICS, Purpose.MARKETING)

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 40), st.sampled_from(["DE", "team", "gout", "x"])
)
LEAVES = st.sampled_from(
    [
        {"attribute": "country", "equals": "DE"},
        {"attribute": "industry", "not_equals": "x"},
        {"attribute": "industry", "exists": False},
        {"attribute": "age", "at_least": 18},
        {"attribute": "is_customer", "equals": False},
        {"attribute": "plan", "not_one_of": ["free", "team"]},
        {"attribute": "illness", "equals": "gout"},
        {"event": "page_view", "where": {"path": {"equals": "DE"}}, "within": "1m"},
        {"event": "purchase", "count": {"at_most": 1}},
        {"event": "support_contact", "count": {"exactly": 2}},
        {"sequence": [{"event": "page_view"}, {"event": "purchase"}]},
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3), min_size=1, max_size=1
    ),
    max_leaves=8,
)
CONSENTS = st.builds(
    Consent,
    st.dictionaries(st.sampled_from(USES), st.sampled_from(Choice)),
    st.sampled_from(Regime),
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["page_view", "purchase", "support_contact"]),
        VALUES,
        st.integers(0, 400_000),
    ),
    max_size=6,
)


def outcome(
    words: Vocabulary,
    consent: Consent,
    attributes: Mapping[str, object],
    events: list[tuple[str, Any, int]],
) -> object:
    """Everything that leaves the engine for one visitor."""
    rules, profile = Rules(words), Profile()
    for event, value, age_ms in events:
        profile = rules.record(
            profile,
            event,
            {"path": value, "amount": value},
            at_ms=NOW - age_ms,
            now_ms=NOW,
            consent=consent,
        )
    facts = rules.facts(consent=consent, attributes=attributes, profile=profile, now_ms=NOW)
    after, emitted = facts.advance()
    state, state_after = canonical_json(profile.to_plain()), canonical_json(after.to_plain())
    return {
        "segments": [facts.segment(key) for key in words.segments],
        "true": facts.true_segments(),
        "explained": [canonical_json(facts.explain(key).to_plain()) for key in words.segments],
        "progress": str(facts.journey("path")),
        "emitted": emitted,
        "state": (state, state_after),
        "size": (len(state), len(state_after)),
    }


def check_that_nothing_changes(
    shop: Callable[..., Vocabulary],
    data: st.DataObject,
    consent: Consent,
    events: list[tuple[str, Any, int]],
) -> None:
    use = data.draw(st.sampled_from(USES)).value
    steps = [{"key": "first", "done": "asked"}, {"key": "second", "done": "outer"}]
    words = shop(
        journeys={"path": {"steps": steps, "use": use}},
        asked={"when": data.draw(TREES), "use": use},
        outer={"segment": "asked"},
        further={"journey": "path", "at": "first"},
    )
    hidden_attributes = {
        name
        for name, declared in words.attributes.items()
        if not any(may_read_attribute(declared, asked, consent=consent) for asked in USES)
    }
    hidden_events = {
        name
        for name, declared in words.events.items()
        if not any(may_read_event(declared, asked, consent=consent) for asked in USES)
    }
    attributes = {name: data.draw(VALUES) for name in words.attributes}
    changed = {name: data.draw(VALUES) for name in hidden_attributes}
    others = [event for event in data.draw(EVENTS) if event[0] in hidden_events]

    before = outcome(words, consent, attributes, events)
    after = outcome(
        words,
        consent,
        {name: value for name, value in (attributes | changed).items() if value is not None},
        [event for event in events if event[0] not in hidden_events] + others,
    )

    assert before == after


CASES = {"data": st.data(), "consent": CONSENTS, "events": EVENTS}


@settings(max_examples=500)
@given(**CASES)
def test_data_that_may_not_be_read_changes_nothing(
    shop: Callable[..., Vocabulary],
    data: st.DataObject,
    consent: Consent,
    events: list[tuple[str, Any, int]],
) -> None:
    check_that_nothing_changes(shop, data, consent, events)


@pytest.mark.long
@settings(max_examples=10_000)
@given(**CASES)
def test_data_that_may_not_be_read_changes_nothing_at_length(
    shop: Callable[..., Vocabulary],
    data: st.DataObject,
    consent: Consent,
    events: list[tuple[str, Any, int]],
) -> None:
    check_that_nothing_changes(shop, data, consent, events)
