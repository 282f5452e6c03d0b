"""The tables of the reference of conditions: each cell is asked of the engine, then written.

    python tests/segments/test_truth_tables.py

writes the tables into the page, between the comments that name them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from byleave.segments import (
    Choice,
    Comparison,
    Consent,
    Count,
    Duration,
    Operator,
    Profile,
    Purpose,
    Regime,
    Rules,
    Segment,
    ValueType,
    Verdict,
    Vocabulary,
    read,
)
from byleave.segments.comparing import compare, is_sound
from byleave.segments.times import Hours
from byleave.segments.truth import all_of, any_of, none_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "conditions.md"
NOW = 1_700_000_000_000
USE = Purpose.PERSONALISATION
GRANTED, DENIED = Consent({USE: Choice.GRANTED}), Consent({USE: Choice.DENIED})
SAID = {Verdict.TRUE: "true", Verdict.FALSE: "false"} | {
    verdict: str(verdict.reason) for verdict in Verdict if verdict.reason
}

BOTH: dict[str, Any] = {"purposes": ["personalisation", "analytics"], "ttl": "30d"}
SITE: dict[str, Any] = {
    "attributes": {
        "country": {"type": "string", "source": "request"},
        "path": {"type": "string", "source": "request", "purposes": ["personalisation"]},
        "industry": {"type": "string", "source": "server", **BOTH},
        "customer": {"type": "boolean", "source": "site", "default": False, **BOTH},
        "illness": {"type": "string", "source": "server", "sensitive": True, **BOTH},
        "faith": {"type": "string", "source": "request", "sensitive": True, **BOTH},
    },
    "events": {"purchase": {"properties": {"amount": "number"}, **BOTH}},
}
VOCABULARY = read(Vocabulary, SITE)


def asked(
    when: object,
    consent: Consent = GRANTED,
    *,
    collected: Mapping[str, Any] | None = None,
    purchases: int = 0,
    **attributes: object,
) -> Verdict:
    """Ask the compiled rules and the interpreter, which must agree."""
    segments = {"asked": read(Segment, {"when": when})}
    words = Vocabulary(
        attributes=VOCABULARY.attributes, events=VOCABULARY.events, segments=segments
    )
    rules, profile = Rules(words), Profile()
    for _ in range(purchases):
        profile = rules.record(
            profile, "purchase", {"amount": 5}, at_ms=NOW, now_ms=NOW, consent=GRANTED
        )
    facts = rules.facts(
        consent=consent,
        attributes=attributes,
        profile=profile,
        now_ms=NOW,
        collected=collected or {},
    )
    verdict = facts.segment("asked")
    assert facts.verdict(segments["asked"].when, USE) is verdict
    return verdict


def groups() -> Iterable[list[str]]:
    """Each pair of verdicts, and what groups of the two come to."""
    yield ["one", "other", "`all`", "`any`", "`none`"]
    order = [Verdict.TRUE, Verdict.FALSE, Verdict.WITHHELD, Verdict.MISSING, Verdict.INVALID]
    for place, one in enumerate(order):
        for other in order[place:]:
            found = [group([one, other]) for group in (all_of, any_of, none_of)]
            assert found == [group([other, one]) for group in (all_of, any_of, none_of)]
            yield [SAID[verdict] for verdict in (one, other, *found)]


def access() -> Iterable[list[str]]:
    """What consent makes of data that is there."""
    consents = [GRANTED, DENIED, Consent({}, Regime.OPT_IN), Consent({}, Regime.OPT_OUT)]
    yield ["data", "granted", "denied", "nothing said, opt-in", "nothing said, opt-out"]
    there: dict[str, Any] = dict.fromkeys(SITE["attributes"], "x")
    rows: dict[str, Any] = {
        "from the request": {"when": exists("country")},
        "from the request, with purposes": {"when": exists("path")},
        "from site or server": {"when": exists("industry")},
        "collected under another purpose": {
            "when": exists("industry"),
            "collected": {"industry": [Purpose.ANALYTICS]},
        },
        "sensitive": {"when": exists("illness")},
        "sensitive, from the request": {"when": exists("faith")},
        "an event": {"when": {"event": "purchase"}, "purchases": 1},
    }
    for name, row in rows.items():
        found = [asked(consent=consent, **row, **there) for consent in consents]
        assert set(found) <= {Verdict.TRUE, Verdict.WITHHELD}
        yield [name, *("read" if verdict.is_true else "withheld" for verdict in found)]


def exists(name: str, is_there: bool = True) -> dict[str, Any]:
    return {"attribute": name, "exists": is_there}


def presence() -> Iterable[list[str]]:
    """What becomes of values that are there, absent or of another type."""
    equals = {"attribute": "industry", "equals": "education"}
    leaves = {
        "`equals: education`": equals,
        "`not_equals: education`": {"attribute": "industry", "not_equals": "education"},
        "`none: [equals: education]`": {"none": [equals]},
        "`exists: true`": exists("industry"),
        "`exists: false`": exists("industry", False),
    }
    yield ["value", *leaves]
    values: dict[str, tuple[Consent, dict[str, Any]]] = {
        "`education`": (GRANTED, {"industry": "education"}),
        "`retail`": (GRANTED, {"industry": "retail"}),
        "none": (GRANTED, {}),
        "`null`": (GRANTED, {"industry": None}),
        "`5`": (GRANTED, {"industry": 5}),
        "any, or none, not allowed": (DENIED, {"industry": "education"}),
    }
    for name, (consent, attributes) in values.items():
        yield [name, *(SAID[asked(leaf, consent, **attributes)] for leaf in leaves.values())]
    assert asked(equals, DENIED) is Verdict.WITHHELD


def defaults() -> Iterable[list[str]]:
    """What `default: false` stands for."""
    leaves = {
        "`equals: false`": {"attribute": "customer", "equals": False},
        "`equals: true`": {"attribute": "customer", "equals": True},
        "`exists: true`": exists("customer"),
    }
    yield ["value", *leaves]
    values: dict[str, tuple[Consent, dict[str, Any]]] = {
        "`true`": (GRANTED, {"customer": True}),
        "none": (GRANTED, {}),
        "`1`": (GRANTED, {"customer": 1}),
        "not allowed": (DENIED, {"customer": True}),
    }
    for name, (consent, attributes) in values.items():
        yield [name, *(SAID[asked(leaf, consent, **attributes)] for leaf in leaves.values())]


def types() -> Iterable[list[str]]:
    """Which comparison takes which type."""
    yield ["comparison", *(f"`{kind}`" for kind in ValueType)]
    alike: dict[ValueType, Any] = {
        ValueType.STRING: "a",
        ValueType.NUMBER: 1,
        ValueType.BOOLEAN: True,
    }
    operands: dict[Operator, Any] = {
        Operator.EXISTS: True,
        Operator.SIZE: Count(at_least=1),
        Operator.DURING: Hours(),
        Operator.BETWEEN: (1, 2),
        Operator.MATCHES_RE: "a",
    }
    for operator in Operator:
        cells = []
        for kind in ValueType:
            operand = operands.get(operator, alike.get(kind, "a"))
            is_list = operator in (Operator.ONE_OF, Operator.NOT_ONE_OF)
            test = Comparison(operator, (operand,) if is_list else operand)
            cells.append("yes" if is_sound(test, kind) else "")
        yield [f"`{operator}`", *cells]


STRICT: list[tuple[str, Any, ValueType, object, Verdict]] = [
    ("equals: 8", 8, ValueType.NUMBER, 8.0, Verdict.TRUE),
    ("equals: 8", 8, ValueType.NUMBER, "8", Verdict.INVALID),
    ("equals: 1", 1, ValueType.NUMBER, True, Verdict.INVALID),
    ("equals: true", True, ValueType.BOOLEAN, 1, Verdict.INVALID),
    ("not_equals: de", "de", ValueType.STRING, 4, Verdict.INVALID),
    ("equals: de", "de", ValueType.STRING, "DE", Verdict.FALSE),
    ("at_least: 5", 5, ValueType.NUMBER, float("nan"), Verdict.INVALID),
    ("contains_any: [a]", ("a",), ValueType.LIST, ["a", 1], Verdict.INVALID),
    ("contains_any: [a]", ("a",), ValueType.LIST, "a", Verdict.INVALID),
    ("after: 2023-01-01", "2023-01-01", ValueType.TIME, "2024-01-01T10:00", Verdict.INVALID),
    ("after: 2023-01-01", "2023-01-01", ValueType.TIME, "2024-01-01T10:00Z", Verdict.TRUE),
    ("within_last: 1d", Duration(86_400_000), ValueType.TIME, NOW + 1, Verdict.FALSE),
]


def strictness() -> Iterable[list[str]]:
    """What types that are nearly right come to."""
    yield ["comparison", "declared type", "value", "verdict"]
    for written, operand, kind, value, expected in STRICT:
        test = Comparison(Operator(written.partition(":")[0]), operand)
        assert compare(test, value, kind, now_ms=NOW) is expected
        is_later = isinstance(value, int) and value > NOW
        shown = "a millisecond from now" if is_later else f"`{value!r}`".replace("'", '"')
        yield [f"`{written}`", f"`{kind}`", shown, SAID[expected]]


def behaviour() -> Iterable[list[str]]:
    """What leaves that look at events come to."""
    visitors: dict[str, dict[str, Any]] = {
        "no purchase": {},
        "1 now, of 5": {"purchases": 1},
        "40 now, of 5 each": {"purchases": 40},
        "not allowed": {"consent": DENIED},
    }
    yield ["leaf about `purchase`", *visitors]
    leaves: dict[str, dict[str, Any]] = {
        "`count: {at_least: 2}`": {"count": {"at_least": 2}},
        "`count: {at_most: 1}`": {"count": {"at_most": 1}},
        "`not_within: 7d`": {"not_within": "7d"},
        "`last: {at_most: 3d}`": {"last": {"at_most": "3d"}},
        "`first: {at_least: 3d}`": {"first": {"at_least": "3d"}},
        "`sum: {amount: {at_least: 5}}`": {"sum": {"amount": {"at_least": 5}}},
        "`min: {amount: {at_least: 5}}`": {"min": {"amount": {"at_least": 5}}},
        "`max: {amount: {at_most: 5}}`": {"max": {"amount": {"at_most": 5}}},
        "`distinct: {amount: {at_least: 1}}`": {"distinct": {"amount": {"at_least": 1}}},
    }
    for written, leaf in leaves.items():
        found = (asked({"event": "purchase", **leaf}, **visitor) for visitor in visitors.values())
        yield [written, *(SAID[verdict] for verdict in found)]


TABLES: dict[str, Callable[[], Iterable[list[str]]]] = {
    function.__name__: function
    for function in (groups, access, presence, defaults, types, strictness, behaviour)
}


def rendered(name: str) -> str:
    """Return a table as the page has it."""
    head, *rows = TABLES[name]()
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def written(text: str) -> str:
    """Return the page with every table as it is now."""
    for name in TABLES:
        marked = re.findall(rf"<!-- table: {name} -->\n\n(?:\|.*\n)*", text)
        assert len(marked) == 1, name
        text = text.replace(marked[0], f"<!-- table: {name} -->\n\n{rendered(name)}")
    return text


def test_the_page_shows_every_table_as_the_engine_answers_it() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert written(text) == text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
