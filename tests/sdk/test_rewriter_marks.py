"""Signed marks and selectors, as they are written."""

from typing import Any

import pytest

from byleave.sdk.rewriter import (
    Rewriter,
    SelectorError,
    mark,
    mark_starts,
    parse_selector,
    signed_slots,
)

KEY = b"a key for marks that only tests know"


def test_a_mark_is_a_pair_of_comments_that_names_and_signs_its_slot() -> None:
    opening, closing = mark("main-nav.2", KEY)

    assert opening.startswith("<!--byleave:main-nav.2:")
    assert closing == "<!--/byleave:main-nav.2-->"
    assert mark("main-nav.2", KEY) == (opening, closing)
    assert mark("main-nav.2", b"another")[0] != opening


@pytest.mark.parametrize("name", ["", "Hero", "a b", "a-", "-->", "a" * 65, "é"])
def test_a_mark_takes_only_names_that_a_slot_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="a slot's name"):
        mark(name, KEY)


def test_signed_marks_are_found_wherever_they_stand() -> None:
    hero, nav = "".join(mark("hero", KEY)), "".join(mark("nav", KEY))
    forged = "".join(mark("side", b"another"))
    page = f"<script>'{hero}'</script><a title='{nav}'>{forged}".encode()

    assert signed_slots(page, [b"older", KEY]) == ["hero", "nav"]


@pytest.mark.parametrize(
    "text",
    ["", "*", "a b", "a > b", "a, b", "#a.b", ".a.b", "#", ".", "#1a", "[a]", "[a=]", "[a^=b]",
     "[a=b", "a:hover", "::before", "[a='b\"]", "img", "INPUT.x", "title", "script#x", "body"],
)  # fmt: skip
def test_other_selectors_are_refused(text: str) -> None:
    with pytest.raises(SelectorError, match=r"expected tag|no content"):
        parse_selector(text)


def test_the_same_selector_is_compiled_once() -> None:
    assert parse_selector(" #hero ") == parse_selector("#hero")
    assert parse_selector("#hero") is parse_selector("#hero")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<p>byleave", ([], False)),
        (b"byleave", ([], False)),
        (b"<!--byleave:hero:x--><!--/byleave:hero-->", ([0, 21], False)),
        (b"<p data-byleave-slot=a>", ([], True)),
        (b"<P DATA-BYLEAVE-SLOT=a>", ([], True)),
        (b"<P DATA-BYLEAVE-SLOT=a><!--byleave:", ([23], False)),
    ],
)
def test_one_search_finds_marks_and_elements_that_name_slots(page: bytes, expected: Any) -> None:
    assert mark_starts(page) == expected


def test_marks_whose_places_are_known_are_filled_alike() -> None:
    opening, closing = (part.encode() for part in mark("hero", KEY))
    other, end = (part.encode() for part in mark("foot", KEY))
    page = b"a" + closing + b"b" + opening + b"old" + closing + closing + other + b"x" + end + b"z"
    for text in (page, page + opening + b"open", page[:-1], b"none"):
        starts, _ = mark_starts(text)
        slots: dict[str, Any] = {"hero": b"new", "foot": None}

        found = Rewriter(slots, keys=[KEY], only_marks=True, starts=starts).close(text)

        assert found == Rewriter(slots, keys=[KEY], only_marks=True).close(text)
