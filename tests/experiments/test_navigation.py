"""What becomes of a list of links, whatever is asked for."""

from typing import Any

import pytest

from byleave.experiments.definitions import NavOperation
from byleave.experiments.navigation import Link, Plan, is_current, is_essential, plan
from byleave.segments import read

PATHS = ("/", "/books", "/plans", "/help")


def planned(*wanted: dict[str, str], may_reorder: bool = True, current: str = "/books") -> Plan:
    links = [Link(path, is_current(path, current)) for path in PATHS]
    operations = read(tuple[NavOperation, ...], list(wanted))
    return plan(links, operations, promote_at_most=1, may_reorder=may_reorder)


@pytest.mark.parametrize(
    "wanted",
    [
        {"promote": "/books"},
        {"promote": "/nowhere"},
        {"hide": "/books"},
        {"hide": "/"},
        {"hide": "/help/"},
        {"reorder": "/"},
        {"add": "/books", "label": "Books"},
        {"add": "/new"},
        {"add": "https://elsewhere.example", "label": "x"},
        {"add": "//elsewhere.example", "label": "x"},
    ],
)
def test_what_may_not_or_need_not_be_done_changes_nothing(wanted: dict[str, str]) -> None:
    assert planned(wanted).is_idle


@pytest.mark.parametrize(
    ("wanted", "field", "expected"),
    [
        ({"promote": "/plans/", "label": "Plans"}, "promoted", ((2, "Plans"),)),
        ({"hide": "/plans"}, "hidden", frozenset({2})),
        ({"emphasise": "/help"}, "emphasised", frozenset({3})),
        ({"reorder": "/help"}, "order", (3, 0, 1, 2)),
    ],
)
def test_what_is_asked_for_is_done(wanted: dict[str, str], field: str, expected: Any) -> None:
    done = planned(wanted)

    assert getattr(done, field) == expected
    assert not done.is_idle


def test_no_more_is_promoted_or_added_than_a_list_can_bear() -> None:
    adds = [{"add": f"/new/{number}", "label": "New"} for number in range(3)]
    done = planned({"promote": "/plans"}, {"promote": "/help"}, *adds)

    assert done.promoted == ((2, None),)
    assert [each.path for each in done.added] == ["/new/0", "/new/1"]


def test_links_stay_in_order_where_they_must() -> None:
    assert planned({"reorder": "/help"}, may_reorder=False).is_idle


def test_a_list_is_never_hidden_whole() -> None:
    operations = read(tuple[NavOperation, ...], [{"hide": "/a"}])

    assert plan([Link("/a", False)], operations, promote_at_most=1, may_reorder=False).is_idle


def test_a_link_leads_towards_what_is_below_it() -> None:
    assert is_current("/a", "/a/b")
    assert not is_current("/", "/a")
    assert not is_current("/a", "/ab")


def test_the_home_page_and_help_are_essential() -> None:
    assert is_essential("/")
    assert is_essential("/en/contact")
    assert not is_essential("/books")
