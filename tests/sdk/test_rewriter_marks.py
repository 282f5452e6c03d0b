"""Signed marks and selectors, as they are written."""

import pytest

from byleave.sdk.rewriter import SelectorError, mark, parse_selector, signed_slots

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
