"""Laws of the rows of a condition: what they show is what is written, whatever it is."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.segments.conftest import LEAVES, SHOP, trees

from byleave.segments import (
    Condition,
    JourneyLeaf,
    SegmentLeaf,
    Vocabulary,
    canonical_json,
    plain,
    read,
)
from byleave.server.console.forms import Form
from byleave.server.console.segment_controls import controls, details
from byleave.server.console.segment_form import TOP, field_of, rows_in, worked
from byleave.server.console.segment_rows import HAND, Row, condition_of, rows_of

STEPS = [{"key": "look", "done": "looked"}, {"key": "pay", "done": "looked"}]
WORDS = read(
    Vocabulary,
    SHOP
    | {"segments": {"looked": {"when": {"event": "page_view"}}}}
    | {"journeys": {"buy": {"steps": STEPS}}},
)
NAMES: st.SearchStrategy[Condition] = st.sampled_from(
    [SegmentLeaf("looked"), SegmentLeaf("gone"), JourneyLeaf("buy", at="pay"), JourneyLeaf("gone")]
)
#: Files hold no whole numbers of more than 18 digits, and no numbers that are none.
UNHELD = re.compile(r"\d{19}|NaN|Infinity")
CONDITIONS = trees(LEAVES | NAMES).filter(lambda each: not UNHELD.search(canonical_json(each)))
SCRAPS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-999, 10**17)
    | st.text(st.characters(max_codepoint=0xD7FF), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "event", "attribute", "count", "within", "where", "sum"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


def shown(condition: Any) -> Row:
    return rows_of(condition, WORDS)


def as_json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def leaf(row: Row, number: int = 0) -> Row:
    return row.inside[number]


def fields_of(row: Row, place: str = TOP) -> dict[str, str]:
    """Return the fields of a form that hold rows."""
    found = {f"{place}-{name}": text for name, text in row.fields.items()}
    for number, where in enumerate(row.where):
        found |= {f"{place}-where-{number}-{name}": text for name, text in where.items()}
    for number, each in enumerate(row.inside):
        found |= fields_of(each, f"{place}.{number}")
    return found


@given(CONDITIONS)
def test_rows_write_the_condition_that_they_show(condition: Condition) -> None:
    data = json.loads(json.dumps(plain(condition)))

    assert as_json(condition_of(shown(data), WORDS)) == as_json(data)


@given(SCRAPS)
def test_what_is_no_condition_stays_as_it_is_too(scrap: Any) -> None:
    assert as_json(condition_of(shown(scrap), WORDS)) == as_json(scrap)


@given(CONDITIONS)
def test_a_form_brings_rows_back_as_they_were(condition: Condition) -> None:
    row = shown(json.loads(json.dumps(plain(condition))))
    form = Form({name: text.split("\n") for name, text in fields_of(row).items()})

    assert rows_in(form, WORDS) == row


@given(CONDITIONS)
def test_every_field_of_a_row_has_one_control(condition: Condition) -> None:
    def check(row: Row, place: str) -> None:
        for number, each in enumerate(row.inside):
            check(each, f"{place}.{number}")
        if not row.is_group:
            found = controls(row, place, WORDS, "")
            asked = [*found, *(each for some in details(row, place, WORDS) for each in some)]
            held = fields_of(row, place)
            names = [each.name for each in asked]
            assert len(names) == len({*names})
            assert {*names} <= {*held}
            left = {name for name in held if held[name]} - {*names}
            # A fitting unit is held for a length that another operator would ask for.
            assert {name for name in left if not name.endswith("unit")} == set()
            assert {each.name: each.value for each in asked} == {n: held[n] for n in names}

    check(shown(json.loads(json.dumps(plain(condition)))), "r")


@given(CONDITIONS, st.lists(st.tuples(st.sampled_from(["up", "down"]), st.integers(0, 30))))
def test_moving_rows_loses_none_and_invents_none(
    condition: Condition, moves: list[tuple[str, int]]
) -> None:
    def leaves(row: Row, place: str = "r") -> list[tuple[str, Row]]:
        below = [pair for n, each in enumerate(row.inside) for pair in leaves(each, f"{place}.{n}")]
        return below if row.is_group else [(place, row)]

    row = shown(json.loads(json.dumps(plain(condition))))
    before = sorted(repr(each) for _, each in leaves(row))
    for verb, number in moves:
        places = [place for place, _ in leaves(row)]
        if places:
            row = worked(row, f"{verb}-{places[number % len(places)]}", WORDS, row)

    assert sorted(repr(each) for _, each in leaves(row)) == before


@pytest.mark.parametrize(
    ("doing", "order"),
    [
        ("up-r.0", "a[bc]d"),
        ("up-r.1", "[bc]ad"),
        ("down-r.0", "[abc]d"),
        ("up-r.2", "a[bcd]"),
        ("up-r.1.0", "ab[c]d"),
        ("down-r.1.1", "a[b]cd"),
        ("down-r.1.0", "a[cb]d"),
        ("down-r.2", "a[bc]d"),
        ("drop-r.1", "ad"),
        ("drop-r.1.0", "a[c]d"),
        ("drop-r", ""),
        ("add-r.1", "a[bcn]d"),
        ("add-r.0", "[an][bc]d"),
        ("group-r", "a[bc]d[n]"),
        ("up-r.9", "a[bc]d"),
        ("up-r.1.0.0", "a[bc]d"),
        ("shake-r.1", "a[bc]d"),
        ("count", "a[bc]d"),
    ],
)
def test_buttons_put_rows_in_order(doing: str, order: str) -> None:
    def named(name: str) -> dict[str, str]:
        return {"segment": name}

    def said(data: Any) -> str:
        if "segment" in data:
            return str(data["segment"])
        [inside] = data.values()
        return "".join(
            f"[{said(each)}]" if "segment" not in each else said(each) for each in inside
        )

    row = shown({"all": [named("a"), {"any": [named("b"), named("c")]}, named("d")]})

    assert said(condition_of(worked(row, doing, WORDS, shown(named("n"))), WORDS)) == order


def test_a_row_alone_is_joined_by_another_in_a_group() -> None:
    row = worked(shown({"segment": "a"}), "add-r", WORDS, shown({"segment": "n"}))

    assert condition_of(row, WORDS) == {"all": [{"segment": "a"}, {"segment": "n"}]}


def test_details_come_and_go() -> None:
    row = shown({"event": "purchase", "where": {"amount": {"at_least": 5}}})
    more = worked(row, "detail-r", WORDS, row)
    less = worked(more, "undetail-r-0", WORDS, row)

    assert len(more.where) == 2
    assert condition_of(more, WORDS) == condition_of(row, WORDS)
    assert condition_of(less, WORDS) == {"event": "purchase"}


@pytest.mark.parametrize(
    ("changed", "written"),
    [
        ({"r-reads": "attribute:is_customer"}, {"attribute": "is_customer", "equals": True}),
        ({"r-reads": "attribute:age"}, {"attribute": "age", "equals": "gout"}),
        ({"r-op": "absent"}, {"attribute": "industry", "exists": False}),
        ({"r-op": "one_of", "r-value": "a\r\nb"}, {"attribute": "industry", "one_of": ["a", "b"]}),
        ({"r-reads": "event:purchase"}, {"event": "purchase"}),
        (
            {"r-reads": "event:purchase", "r-measure": "sum"},
            {"event": "purchase", "sum": {"amount": {"equals": "gout"}}},
        ),
        ({"r-reads": "journey:buy"}, {"journey": "buy", "reached": "look"}),
        ({"r-reads": "now"}, {"now": {"before": "gout"}}),
        (
            {"r-reads": "attribute:nobody", "r-op": "nothing"},
            {"attribute": "nobody", "equals": "gout"},
        ),
        ({"r-reads": "hand", "r-text": "segment: a # why"}, {"segment": "a"}),
        ({"r-reads": "hand", "r-text": "a: ["}, "a: ["),
    ],
)
def test_what_a_row_looks_at_can_be_changed(changed: dict[str, str], written: Any) -> None:
    start = fields_of(shown({"attribute": "industry", "equals": "gout"}))
    row = rows_in(Form.holding(**(start | changed)), WORDS)

    assert condition_of(row, WORDS) == written


@pytest.mark.parametrize(
    ("condition", "path", "field"),
    [
        ({"all": [{"attribute": "age", "equals": "x"}]}, ("all", 0, "equals"), "r.0-value"),
        ({"any": [{"all": [{"event": "x"}]}]}, ("any", 0, "all", 0, "event"), "r.0.0-reads"),
        ({"event": "purchase", "count": {"at_most": 900}}, ("count",), "r-at_least"),
        ({"event": "purchase", "count": {"exactly": 900}}, ("count", "exactly"), "r-number"),
        ({"event": "purchase", "within": "0d"}, ("within",), "r-within"),
        ({"event": "purchase", "last": {"at_most": "0d"}}, ("last", "at_most"), "r-at_most"),
        ({"event": "purchase", "sum": {"amount": {"equals": "x"}}}, ("sum", "amount"), "r-value"),
        (
            {"event": "purchase", "where": {"amount": {"equals": "x"}}},
            ("where", "amount", "equals"),
            "r-where-0-value",
        ),
        ({"event": "purchase", "where": {}}, ("where", "amount"), "r-text"),
        ({"journey": "buy", "at": "pay"}, (), "r-step"),
        ({"segment": "x"}, ("segment",), "r-reads"),
        ({"all": []}, ("none",), "r-group"),
        ({"evnt": "x"}, ("evnt",), "r-text"),
    ],
)
def test_a_fault_is_told_where_it_is_mended(
    condition: Any, path: tuple[str | int, ...], field: str
) -> None:
    row = shown(condition)

    assert field_of(row, path) == field
    assert field in fields_of(row)


@pytest.mark.parametrize(
    "condition",
    [
        {"attribute": "industry", "equals": "two\nlines"},
        {"sequence": [{"event": "page_view"}, {"event": "purchase"}]},
        {"event": "purchase", "count": {"at_least": 1, "exactly": 1}},
        {"all": [{"segment": "a"}] * 61},
        {"attribute": "age", "starts_with": "x"},
    ],
)
def test_what_rows_cannot_say_is_written_by_hand(condition: Any) -> None:
    row = shown(condition)

    assert row.reads[0] == HAND
    assert condition_of(row, WORDS) == condition
