"""A small site to ask conditions about."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from byleave.segments import (
    Age,
    AgeLeaf,
    AggregateLeaf,
    AllOf,
    AnyOf,
    AttributeLeaf,
    Choice,
    Comparison,
    Condition,
    Consent,
    Count,
    Duration,
    EventLeaf,
    Facts,
    Journey,
    JourneyLeaf,
    JourneyStep,
    NoneOf,
    NowLeaf,
    Operator,
    Profile,
    Purpose,
    Regime,
    Rules,
    Segment,
    SegmentLeaf,
    SequenceLeaf,
    Step,
    Vocabulary,
    read,
)
from byleave.segments.times import Hours

SHOP: dict[str, Any] = {
    "attributes": {
        "country": {"type": "string", "source": "request"},
        "path": {"type": "string", "source": "request", "purposes": ["personalisation"]},
        "faith": {"type": "string", "source": "request", "sensitive": True}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "industry": {"type": "string", "source": "server"}
        | {"purposes": ["personalisation", "analytics"], "ttl": "180d"},
        "age": {"type": "number", "source": "site"}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "is_customer": {"type": "boolean", "source": "site", "default": False}
        | {"purposes": ["personalisation", "analytics"], "ttl": "session"},
        "plan": {"type": "string", "source": "site", "one_of": ["free", "team"]}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "interests": {"type": "list", "source": "site"}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "renews": {"type": "time", "source": "server"}
        | {"purposes": ["personalisation"], "ttl": "400d"},
        "illness": {"type": "string", "source": "server", "sensitive": True}
        | {"purposes": ["personalisation"], "ttl": "30d"},
    },
    "events": {
        "page_view": {"properties": {"path": "string"}, "ttl": "30d"}
        | {"purposes": ["personalisation", "analytics"]},
        "purchase": {
            "properties": {"amount": "number", "gift": "boolean", "sku": "string"},
            "ttl": "400d",
        }
        | {"purposes": ["personalisation", "analytics"]},
        "sign_up": {"purposes": ["personalisation", "analytics"]},
        "support_contact": {"purposes": ["analytics"], "ttl": "90d"},
    },
}

WORDS = read(Vocabulary, SHOP)


@pytest.fixture(scope="session")
def words() -> Vocabulary:
    """The attributes and events of a small shop, without segments."""
    return WORDS


@pytest.fixture(scope="session")
def shop() -> Callable[..., Vocabulary]:
    """Builds the shop's vocabulary with segments, each given as its `when` or in full."""

    def build(*, journeys: Mapping[str, object] | None = None, **segments: object) -> Vocabulary:
        return Vocabulary(
            attributes=WORDS.attributes,
            events=WORDS.events,
            journeys={key: read(Journey, data) for key, data in (journeys or {}).items()},
            segments={
                key.replace("_", "-"): read(
                    Segment, data if isinstance(data, dict) and "when" in data else {"when": data}
                )
                for key, data in segments.items()
            },
        )

    return build


@pytest.fixture(scope="session")
def condition() -> Callable[[object], Condition]:
    """Reads a condition from what an author writes."""

    def build(data: object) -> Condition:
        return read(Segment, {"when": data}).when

    return build


@pytest.fixture(scope="session")
def agreed() -> Callable[..., Consent]:
    """A consent that grants the named purposes and refuses all others."""

    def build(*purposes: Purpose, **others: Any) -> Consent:
        choices: Mapping[Purpose, Choice] = {
            purpose: Choice.GRANTED if purpose in purposes else Choice.DENIED for purpose in Purpose
        }
        return Consent(choices, **others)

    return build


NOW_MS = 1_700_000_000_000
TEXTS = st.sampled_from(["DE", "de", "team", "free", "gout", "x", ""])
NUMBERS = st.one_of(st.integers(-2, 40), st.floats(allow_nan=True), st.sampled_from([10**20, 0.1]))
MOMENTS = st.one_of(
    st.sampled_from(["2023-11-14", "2023-11-14T22:13:20Z", "2023-11-14T22:13", "soon"]),
    st.integers(NOW_MS - 5_000, NOW_MS + 5_000),
)
LISTS = st.lists(st.sampled_from(["tea", "Tea", "rum"]), max_size=3)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans())
VALUES = st.one_of(st.none(), SCALARS, MOMENTS, LISTS, LISTS.map(tuple), st.just([1]), st.just({}))
SPANS = st.sampled_from([1, 2, 1_000, 300_000, 86_400_000]).map(Duration)
COUNTS = st.builds(
    Count,
    at_least=st.none() | st.integers(0, 4),
    at_most=st.none() | st.integers(0, 4),
    exactly=st.none() | st.integers(0, 4),
)
HOURS = st.builds(Hours, start=st.integers(0, 1439), days=st.lists(st.integers(0, 6)).map(tuple))


def _operands(operator: Operator) -> st.SearchStrategy[Any]:
    match operator:
        case Operator.EXISTS:
            return st.booleans()
        case Operator.SIZE:
            return COUNTS
        case Operator.DURING:
            return HOURS
        case Operator.WITHIN_LAST | Operator.WITHIN_NEXT:
            return SPANS
        case Operator.BEFORE | Operator.AFTER:
            return st.sampled_from(["2023-11-14", "2023-11-14T22:13:20Z"])
        case Operator.ONE_OF | Operator.NOT_ONE_OF:
            return st.lists(SCALARS, min_size=1, max_size=3).map(tuple)
        case Operator.CONTAINS_ANY | Operator.CONTAINS_ALL:
            return LISTS.filter(bool).map(tuple)
        case Operator.BETWEEN:
            return st.tuples(st.integers(-2, 20), st.integers(20, 40))
        case Operator.LESS_THAN | Operator.AT_MOST | Operator.GREATER_THAN | Operator.AT_LEAST:
            return st.integers(-2, 40)
        case Operator.EQUALS | Operator.NOT_EQUALS:
            return SCALARS
        case _:
            return st.sampled_from(["D", "de", "*e", "?", "t*m"])


@st.composite
def comparisons(draw: st.DrawFn, operators: Sequence[Operator] = tuple(Operator)) -> Comparison:
    """Comparisons, sound or not."""
    operator = draw(st.sampled_from(operators))
    operand = draw(_operands(operator))
    items = operand if isinstance(operand, tuple) else (operand,)
    folds = operator is not Operator.BEFORE and operator is not Operator.AFTER
    has_case = folds and all(isinstance(item, str) for item in items)
    return Comparison(operator, operand, ignore_case=has_case and draw(st.booleans()))


SIZES = (Operator.AT_LEAST, Operator.LESS_THAN, Operator.BETWEEN)
WHERE = st.dictionaries(
    st.just("path"), comparisons((Operator.EQUALS, Operator.ENDS_WITH)), max_size=1
)
EVENTS = st.sampled_from(["page_view", "purchase", "sign_up", "support_contact"])
WHERES = EVENTS.flatmap(
    lambda event: st.tuples(st.just(event), WHERE if event == "page_view" else st.just({}))
)
STEPS = st.builds(lambda asked, within: Step(asked[0], asked[1], within), WHERES, st.none() | SPANS)
ABSENT = st.builds(
    lambda asked, within: Step(asked[0], asked[1], within, is_absent=True), WHERES, SPANS
)
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(AttributeLeaf, st.sampled_from(sorted(WORDS.attributes)), comparisons()),
    st.builds(NowLeaf, comparisons()),
    st.builds(lambda asked, *rest: EventLeaf(*asked, *rest), WHERES, COUNTS, st.none() | SPANS),
    st.builds(
        lambda asked, which, age: AgeLeaf(asked[0], which, age, asked[1]),
        WHERES,
        st.sampled_from(["first", "last"]),
        st.builds(Age, at_least=st.none() | SPANS, at_most=st.none() | SPANS),
    ),
    st.builds(
        lambda kind, test, within: AggregateLeaf("purchase", kind, "amount", test, {}, within),
        st.sampled_from(["sum", "min", "max", "distinct"]),
        comparisons(SIZES),
        st.none() | SPANS,
    ),
    st.builds(
        lambda first, rest, last, within: SequenceLeaf((first, *rest, *last), within),
        STEPS,
        st.lists(STEPS, min_size=1, max_size=2),
        st.lists(ABSENT, max_size=1),
        st.none() | SPANS,
    ),
)
PURPOSES: tuple[Purpose, ...] = (Purpose.PERSONALISATION, Purpose.ANALYTICS, Purpose.MARKETING)


@dataclass(frozen=True)
class Visitor:
    """Somebody to ask conditions about."""

    consent: Consent
    attributes: Mapping[str, object]
    collected: Mapping[str, Collection[Purpose]]
    events: Sequence[tuple[str, Mapping[str, object], int]]
    now_ms: int

    def profile(self, rules: Rules) -> Profile:
        """What rules keep of what the visitor did."""
        profile = Profile()
        for event, properties, at_ms in self.events:
            profile = rules.record(
                profile, event, properties, at_ms=at_ms, now_ms=at_ms, consent=self.consent
            )
        return profile

    def facts(self, rules: Rules) -> Facts:
        """What rules say about the visitor."""
        return rules.facts(
            consent=self.consent,
            attributes=self.attributes,
            profile=self.profile(rules),
            now_ms=self.now_ms,
            collected=self.collected,
        )


@st.composite
def visitors(draw: st.DrawFn) -> Visitor:
    """Visitors: what they agreed to, what is known of them, what they did and when."""
    times = sorted(draw(st.lists(st.integers(0, 400_000), max_size=12)), reverse=True)
    return Visitor(
        consent=Consent(
            draw(st.dictionaries(st.sampled_from(PURPOSES), st.sampled_from(Choice))),
            draw(st.sampled_from(Regime)),
        ),
        attributes=draw(st.dictionaries(st.sampled_from(sorted(WORDS.attributes)), VALUES)),
        collected=draw(
            st.dictionaries(
                st.sampled_from(sorted(WORDS.attributes)),
                st.sets(st.sampled_from(PURPOSES)),
                max_size=2,
            )
        ),
        events=tuple(
            (draw(EVENTS), {"path": draw(VALUES), "amount": draw(NUMBERS)}, NOW_MS - ago_ms)
            for ago_ms in times
        ),
        now_ms=NOW_MS + draw(st.sampled_from([0, 1, 1_000, 40 * 86_400_000])),
    )


@st.composite
def sites(draw: st.DrawFn, *, most: int = 4) -> Vocabulary:
    """The shop with random segments, which name each other, and a journey through them."""
    keys: list[str] = []
    segments = {}
    for number in range(draw(st.integers(1, most))):
        named = [LEAVES]
        if keys:
            named.append(st.builds(SegmentLeaf, st.sampled_from(keys)))
        if len(keys) > 2:
            step = st.sampled_from(["first", "second"])
            named.append(st.builds(JourneyLeaf, st.just("path"), reached=step))
            named.append(st.builds(JourneyLeaf, st.just("path"), at=step))
        when = draw(trees(st.one_of(named)))
        keys.append(f"s{number}")
        segments[keys[-1]] = Segment(when=when, use=draw(st.sampled_from(PURPOSES)))
    steps = (
        JourneyStep(key="first", done="s0"),
        JourneyStep(key="second", done=keys[min(1, len(keys) - 1)]),
    )
    return Vocabulary(
        attributes=WORDS.attributes,
        events=WORDS.events,
        segments=segments,
        journeys={"path": Journey(steps=steps)},
    )


def trees(leaves: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Condition trees over some leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda group, inside: group(tuple(inside)),
            st.sampled_from([AllOf, AnyOf, NoneOf]),
            st.lists(inner, max_size=4),
        ),
        max_leaves=10,
    )


@pytest.fixture(scope="session")
def random_sites() -> Callable[..., st.SearchStrategy[Vocabulary]]:
    """Strategies for random sites."""
    return sites


@pytest.fixture(scope="session")
def random_visitors() -> st.SearchStrategy[Visitor]:
    """A strategy for random visitors to them."""
    return visitors()
