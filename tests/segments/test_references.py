from collections.abc import Callable, Mapping
from cProfile import Profile
from typing import Any

import pytest

from byleave.segments import (
    Condition,
    Consent,
    DefinitionError,
    Purpose,
    Rules,
    Vocabulary,
    allowed_uses,
    read,
)
from byleave.segments.patterns import has_re2
from byleave.segments.reach import uses_of_all
from byleave.segments.references import check_vocabulary

Shop = Callable[..., Vocabulary]
When = Callable[[object], Condition]


def faults(words: Vocabulary) -> list[str]:
    return [str(fault) for fault in check_vocabulary(words)]


def test_a_sound_vocabulary_has_no_fault(shop: Shop) -> None:
    words = shop(
        journeys={"buy": {"steps": [{"key": "look", "done": "looked"}]}},
        looked={
            "all": [
                {"event": "page_view", "where": {"path": {"matches": "/p*"}}, "within": "7d"},
                {"event": "purchase", "last": {"at_most": "7d"}},
                {"event": "purchase", "sum": {"amount": {"at_least": 5}}},
                {"event": "purchase", "distinct": {"sku": {"at_least": 5}}},
                {"sequence": [{"event": "sign_up"}, {"not": "purchase", "within": "1d"}]},
                {"attribute": "interests", "contains_any": ["tea"]},
                {"attribute": "age", "between": [18, 30]},
                {"now": {"after": "2026-01-01"}},
            ]
        },
        again={"all": [{"segment": "looked"}, {"journey": "buy", "at": "look"}]},
    )

    assert [fault for fault in faults(words) if "ttl" not in fault] == []


@pytest.mark.parametrize(
    ("leaf", "fault"),
    [
        (
            {"attribute": "contry", "exists": True},
            "attribute: unknown attribute 'contry'. Did you mean 'country'?",
        ),
        ({"event": "purchas"}, "unknown event 'purchas'. Did you mean 'purchase'?"),
        (
            {"event": "purchase", "where": {"amont": {"at_least": 1}}},
            "where.amont: unknown property 'amont'. Did you mean 'amount'?",
        ),
        (
            {"event": "purchase", "max": {"amont": {"at_least": 1}}},
            "max: unknown property 'amont'. Did you mean 'amount'?",
        ),
        ({"event": "purchas", "max": {"amont": {"at_least": 1}}}, "unknown event 'purchas'"),
        (
            {"sequence": [{"event": "sign_up"}, {"not": "purchas", "within": "1d"}]},
            "sequence[1]: unknown event 'purchas'",
        ),
        ({"segment": "askd"}, "segment: unknown segment 'askd'. Did you mean 'asked'?"),
        ({"journey": "byu", "at": "look"}, "journey: unknown journey 'byu'. Did you mean 'buy'?"),
        ({"journey": "buy", "at": "lok"}, "unknown step 'lok'. Did you mean 'look'?"),
        ({"journey": "buy"}, "say either `reached` or `at`, with the name of a step"),
        ({"journey": "buy", "at": "look", "reached": "look"}, "say either `reached` or `at`"),
        ({"attribute": "age", "equals": "8"}, "equals: expected a number, got '8'"),
        ({"attribute": "age", "one_of": [8, "9"]}, "one_of: expected a number, got '9'"),
        ({"attribute": "age", "equals": True}, "equals: expected a number, got true"),
        ({"attribute": "age", "contains": "1"}, "a number cannot be compared with contains"),
        ({"attribute": "plan", "at_least": 1}, "a string cannot be compared with at_least"),
        ({"attribute": "renews", "equals": "2026-01-01"}, "a time cannot be compared with equals"),
        ({"attribute": "interests", "equals": "tea"}, "a list cannot be compared with equals"),
        ({"now": {"equals": 5}}, "now.equals: a time cannot be compared with equals"),
        ({"event": "purchase", "count": {}}, "count: expected at_least, at_most or exactly"),
        ({"event": "purchase", "count": {"at_least": 101}}, "count: a count is from 0 to 100"),
        ({"event": "purchase", "count": {"at_most": -1}}, "count: a count is from 0 to 100"),
        ({"event": "purchase", "last": {}}, "last: expected at_least or at_most"),
        (
            {"event": "purchase", "sum": {"gift": {"at_least": 1}}},
            "sum.gift: 'gift' is a boolean; sum needs a number",
        ),
        (
            {"event": "purchase", "where": {"gift": {"equals": "yes"}}},
            "where.gift.equals: expected a boolean, got 'yes'",
        ),
        ({"sequence": [{"event": "sign_up"}]}, "sequence: a sequence has 2 to 8 steps"),
        ({"sequence": [{"event": "sign_up"}] * 9}, "sequence: a sequence has 2 to 8 steps"),
        (
            {"sequence": [{"event": "sign_up", "within": "1d"}, {"event": "purchase"}]},
            "sequence[0].within: the first step follows nothing",
        ),
        (
            {"sequence": [{"event": "sign_up"}, {"not": "purchase"}]},
            "sequence[1]: say with `within` how long it must not follow",
        ),
        (
            {"sequence": [{"not": "sign_up", "within": "1d"}, {"event": "purchase"}]},
            "sequence[0]: only the last step may be one that does not follow",
        ),
    ],
)
def test_each_mistake_in_a_leaf_is_a_fault_at_its_place(
    shop: Shop, leaf: object, fault: str
) -> None:
    buy = {"steps": [{"key": "look", "done": "looked"}]}
    words = shop(journeys={"buy": buy}, looked={"now": {"exists": True}}, asked=leaf)

    found = [message for message in faults(words) if message.startswith("$.segments.asked")]

    assert any(fault in message for message in found), found


def test_a_regular_expression_needs_re2_and_must_be_one_that_it_takes(shop: Shop) -> None:
    [found] = [
        message
        for message in faults(shop(asked={"attribute": "path", "matches_re": "(?=x)"}))
        if "asked" in message
    ]

    expected = "RE2 takes" if has_re2() else "need the `re2` extra"
    assert expected in found


def test_a_regular_expression_that_re2_refuses_is_a_fault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byleave.segments.references.has_re2", lambda: True)
    monkeypatch.setattr("byleave.segments.comparing.regular", lambda pattern: None)

    found = faults(shop(asked={"attribute": "path", "matches_re": "("}))

    assert any("not a regular expression that RE2 takes" in message for message in found)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"attributes": {"Age": {"type": "number", "source": "request"}}}, "names are lower-case"),
        (
            {"attributes": {"age": {"type": "number", "source": "site", "ttl": "1d"}}},
            "'purposes' is missing: say what this may be used for",
        ),
        (
            {"attributes": {"age": {"type": "number", "source": "site"}}},
            "'ttl' is missing: say how long this may be kept, such as 30d",
        ),
        (
            {"attributes": {"age": {"type": "number", "source": "request", "default": "x"}}},
            "$.attributes.age.default: expected a number, got 'x'",
        ),
        (
            {"attributes": {"age": {"type": "number", "source": "request", "one_of": [1, "x"]}}},
            "$.attributes.age.one_of[1]: expected a number, got 'x'",
        ),
        (
            {"attributes": {"faith": {"type": "string", "source": "request", "sensitive": True}}},
            "$.attributes.faith.sensitive: a sensitive attribute needs purposes, wherever it comes",
        ),
        ({"events": {"view": {"ttl": "1d"}}}, "$.events.view: 'purposes' is missing"),
        ({"journeys": {"buy": {"steps": []}}}, "a journey needs at least one step"),
        (
            {
                "journeys": {
                    "buy": {"steps": [{"key": "a", "done": "x"}, {"key": "a", "done": "x"}]}
                }
            },
            "$.journeys.buy.steps[1].key: there is a step 'a' already",
        ),
        (
            {"journeys": {"buy": {"steps": [{"key": "a", "done": "x"}]}}},
            "$.journeys.buy.steps[0].done: unknown segment 'x'. No segment is defined yet.",
        ),
    ],
)
def test_each_mistake_in_a_declaration_is_a_fault(data: dict[str, Any], fault: str) -> None:
    found = faults(read(Vocabulary, data))

    assert any(fault in message for message in found), found


def test_a_list_takes_texts_and_a_default_of_them() -> None:
    kept: dict[str, Any] = {"source": "request", "type": "list", "one_of": ["tea", "coffee"]}
    words = read(Vocabulary, {"attributes": {"drinks": {**kept, "default": ["tea"]}}})

    assert faults(words) == []


def test_segments_that_name_each_other_are_faults_at_each_of_them(shop: Shop) -> None:
    words = shop(
        a={"segment": "b"},
        b={"any": [{"segment": "c"}, {"segment": "d"}]},
        c={"segment": "d"},
        d={"segment": "b"},
    )

    found = [message for message in faults(words) if "itself" in message]

    assert found == [
        f"$.segments.{key}.when: segment '{key}' refers to itself; break the circle"
        for key in ("b", "c", "d")
    ]


def test_deep_nesting_is_a_fault(shop: Shop) -> None:
    tree: dict[str, Any] = {"now": {"exists": True}}
    for _ in range(33):
        tree = {"all": [tree]}

    found = faults(shop(asked=tree))

    assert any("nested deeper than 32 groups; flatten it" in message for message in found)


@pytest.mark.parametrize("is_grouped", [False, True])
def test_segments_name_each_other_no_deeper_than_can_be_explained(
    shop: Shop, is_grouped: bool
) -> None:
    named: dict[str, Any] = {"s0": {"attribute": "country", "equals": "DE"}}
    for number in range(1, 101):
        leaf = {"segment": f"s{number - 1}"}
        named[f"s{number}"] = {"all": [leaf]} if is_grouped else leaf
    most = 50 if is_grouped else 100
    deepest = {key: named[key] for key in list(named)[:most]}

    facts = Rules(shop(**deepest)).facts(
        consent=Consent({}), attributes={"country": "DE"}, now_ms=1_700_000_000_000
    )

    found = faults(shop(**dict(list(named.items())[: most + 1])))
    assert faults(shop(**deepest)) == faults(shop())
    assert facts.explain(f"s{most - 1}").verdict.is_true
    assert set(found) - set(faults(shop())) == {
        f"$.segments.s{most}.when: nested deeper than 100 levels through the segments it names; "
        "flatten it"
    }


def test_a_long_chain_of_segments_is_checked_in_proportion_to_its_length(shop: Shop) -> None:
    def calls(length: int) -> int:
        named = {f"s{number}": {"segment": f"s{number + 1}"} for number in range(length)}
        words = shop(**named, **{f"s{length}": {"event": "purchase"}})
        profile = Profile()
        profile.runcall(check_vocabulary, words)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(1_000) < 2.5 * calls(500)


def test_what_all_segments_may_be_used_for_is_what_each_of_them_may(shop: Shop) -> None:
    words = shop(
        journeys={"buy": {"steps": [{"key": "look", "done": "looked"}, {"key": "x", "done": "y"}]}},
        again={"all": [{"segment": "looked"}, {"segment": "here"}]},
        looked={"event": "page_view"},
        here={"attribute": "country", "exists": True},
        coming={"journey": "buy", "at": "look"},
        lost={"any": [{"segment": "nowhere"}, {"now": {"exists": True}}]},
    )

    found = uses_of_all(words)

    assert found == {key: allowed_uses(key, words) for key in words.segments}
    assert found["looked"] == found["again"] == found["coming"] != set(Purpose)
    assert found["here"] == set(Purpose)
    assert found["lost"] == set()


def test_a_segment_must_be_allowed_what_it_is_used_for() -> None:
    declared: Mapping[str, Any] = {
        "attributes": {
            "country": {"type": "string", "source": "request"},
            "age": {"type": "number", "source": "site", "ttl": "1d"} | {"purposes": ["analytics"]},
        },
        "segments": {
            "adult": {"when": {"attribute": "age", "at_least": 18}},
            "here": {"when": {"attribute": "country", "exists": True}},
        },
        "journeys": {"grow": {"steps": [{"key": "up", "done": "adult"}]}},
    }

    found = faults(read(Vocabulary, declared))

    assert found == [
        "$.journeys.grow.steps[0].done: segment 'adult' does not allow personalisation",
    ]
    found = faults(read(Vocabulary, {**declared, "journeys": {}}))
    assert found == [
        "$.segments.adult.use: what 'adult' reads does not allow personalisation; together it "
        "allows analytics. Add the purpose to what it reads, or change `use`.",
    ]


def test_a_result_may_be_used_for_what_all_leaves_allow(shop: Shop) -> None:
    personal, both = {Purpose.PERSONALISATION}, {Purpose.PERSONALISATION, Purpose.ANALYTICS}
    words = shop(
        journeys={"grow": {"steps": [{"key": "up", "done": "adult"}]}},
        here={"any": [{"attribute": "country", "exists": True}, {"now": {"exists": True}}]},
        adult={"attribute": "age", "at_least": 18},
        grown={"journey": "grow", "reached": "up"},
        buyer={"sequence": [{"event": "page_view"}, {"event": "purchase"}]},
        mixed={"any": [{"segment": "adult"}, {"event": "support_contact"}]},
        broken={"attribute": "height", "exists": True},
        lost={"journey": "shrink", "at": "down"},
        gone={"event": "jump"},
    )

    assert allowed_uses("here", words) == set(Purpose)
    assert allowed_uses("adult", words) == personal
    assert allowed_uses("grown", words) == personal
    assert allowed_uses("buyer", words) == both
    for key in ("mixed", "broken", "lost", "gone", "no-such"):
        assert allowed_uses(key, words) == set()


def test_rules_refuse_names_that_nothing_answers_to(shop: Shop, condition: When) -> None:
    with pytest.raises(DefinitionError, match=r"segments\.tall\.when\.attribute: unknown"):
        Rules(shop(tall={"attribute": "height", "at_least": 2}))
    with pytest.raises(DefinitionError, match=r"tracked\[0\]: unknown event 'jump'"):
        Rules(shop(), tracked=[condition({"event": "jump"})])
    with pytest.raises(DefinitionError, match="circle: a → a"):
        Rules(shop(a={"segment": "a"}))
