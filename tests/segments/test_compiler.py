"""The compiled rules agree with the interpreter on every verdict and reason."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byleave.segments import (
    Choice,
    Condition,
    Consent,
    Duration,
    Purpose,
    Regime,
    Rules,
    Verdict,
    Vocabulary,
    compiler,
)

Sites = Callable[..., st.SearchStrategy[Vocabulary]]
CONSENTS = [
    *(Consent(dict.fromkeys(granted, Choice.GRANTED)) for granted in ((), (Purpose.ANALYTICS,))),
    Consent(dict.fromkeys(Purpose, Choice.GRANTED)),
    Consent({Purpose.MARKETING: Choice.DENIED}, Regime.OPT_OUT),
]
LATER_MS = (0, 30_000)
CASES_EACH = (len(CONSENTS) + 1) * len(LATER_MS)


def agree(words: Vocabulary, visitor: Any) -> None:
    """Compare the two under every consent, which need not be that of the stored state."""
    rules = Rules(words)
    profile = visitor.profile(rules)
    for consent in (visitor.consent, *CONSENTS):
        for later_ms in LATER_MS:
            facts = rules.facts(
                consent=consent,
                attributes=visitor.attributes,
                profile=profile,
                now_ms=visitor.now_ms + later_ms,
                collected=visitor.collected,
            )
            expected = {
                key: facts.verdict(segment.when, segment.use)
                for key, segment in words.segments.items()
            }

            assert {key: facts.segment(key) for key in words.segments} == expected
            true = [key for key, verdict in expected.items() if verdict.is_true]
            assert sorted(facts.true_segments()) == sorted(true)


@settings(max_examples=2_100 // CASES_EACH)
@given(data=st.data())
def test_compiled_rules_agree_with_the_interpreter(
    data: st.DataObject, random_sites: Sites, random_visitors: st.SearchStrategy[Any]
) -> None:
    agree(data.draw(random_sites()), data.draw(random_visitors))


@pytest.mark.long
@settings(max_examples=51_000 // CASES_EACH)
@given(data=st.data())
def test_compiled_rules_agree_with_the_interpreter_at_length(
    data: st.DataObject, random_sites: Sites, random_visitors: st.SearchStrategy[Any]
) -> None:
    agree(data.draw(random_sites()), data.draw(random_visitors))


def test_segments_name_each_other_across_functions(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent]
) -> None:
    chain: dict[str, Any] = {"s0": {"attribute": "age", "at_least": 18}}
    for number in range(1, 60):
        named = {"segment": f"s{number - 1}"}
        chain[f"s{number}"] = {"none": [named]} if number % 2 else {"all": [named]}
    rules = Rules(shop(**chain))

    def true(consent: Consent, **attributes: object) -> set[str]:
        facts = rules.facts(consent=consent, attributes=attributes, now_ms=1)
        facts.segment("s30")
        return set(facts.true_segments())

    adult = {f"s{number}" for number in range(60) if number % 4 in (0, 3)}
    assert true(agreed(*Purpose), age=20) == adult
    assert true(agreed(*Purpose), age=10) == set(chain) - adult
    assert true(agreed()) == true(agreed(*Purpose)) == set()


def test_a_large_group_does_not_nest_deeply(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent]
) -> None:
    leaves = [{"attribute": "industry", "equals": str(number)} for number in range(3_000)]
    rules = Rules(shop(any={"any": leaves}, all={"all": leaves}, none={"none": leaves}))

    known = rules.facts(consent=agreed(*Purpose), attributes={"industry": "7"}, now_ms=1)
    withheld = rules.facts(consent=agreed(), attributes={"industry": "7"}, now_ms=1)

    assert known.segment("any") is Verdict.TRUE
    assert known.true_segments() == ["any"]
    assert withheld.segment("none") is Verdict.WITHHELD


def test_what_did_not_change_is_not_compiled_again(
    shop: Callable[..., Vocabulary], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"attribute": "age", "at_least": 18}
    monkeypatch.setattr(compiler, "_KEPT", {})
    monkeypatch.setattr(compiler, "_MOST_KEPT", 3)
    Rules(shop(first=asked))
    known = dict(compiler._KEPT)

    Rules(shop(first=asked))
    Rules(shop(second=asked))

    assert len(known) == 2
    assert next(iter(compiler._KEPT)) == list(known)[1]
    assert len(compiler._KEPT) == 3


def test_what_cannot_be_in_doubt_is_compared_in_place(shop: Callable[..., Vocabulary]) -> None:
    adult, bought = {"attribute": "age", "at_least": 18}, {"event": "purchase", "within": "7d"}
    words = shop(asked={"all": [adult, {"none": [bought]}]}, named={"segment": "asked"})

    names = [
        set(
            compiler.compile_segments(
                ["asked", "named"], words, Purpose.PERSONALISATION, is_doubted=is_doubted
            ).code.co_names
        )
        for is_doubted in (False, True)
    ]

    assert [bool(each & {"NEGATED", "STRONGEST"}) for each in names] == [False, True]


def test_values_of_other_classes_are_looked_at_closely(
    shop: Callable[..., Vocabulary], agreed: Callable[..., Consent]
) -> None:
    class Text(str):
        __slots__ = ()

    rules = Rules(
        shop(
            german={"attribute": "country", "equals": "DE"},
            adult={"attribute": "age", "at_least": 18},
        )
    )

    facts = rules.facts(
        consent=agreed(*Purpose), attributes={"country": Text("DE"), "age": Duration(20)}, now_ms=1
    )

    assert facts.true_segments() == ["german", "adult"]


def test_what_is_tracked_is_compiled_too_but_is_no_segment(
    shop: Callable[..., Vocabulary],
    agreed: Callable[..., Consent],
    condition: Callable[[object], Condition],
) -> None:
    adult = condition({"attribute": "age", "at_least": 18})
    rules = Rules(shop(), tracked=[adult])

    facts = rules.facts(consent=agreed(*Purpose), attributes={"age": 20}, now_ms=1)

    assert facts.verdict(adult, Purpose.PERSONALISATION) is Verdict.TRUE
    assert facts.verdict(adult, Purpose.ANALYTICS) is Verdict.WITHHELD
    assert facts.true_segments() == []
