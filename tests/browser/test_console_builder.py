"""The builder of segments in a real browser: counts follow what is changed, and lose nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from byleave.server.keys import Role

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(consoles: Any) -> object:
    """The two consoles, and no shop."""
    return consoles


@pytest.fixture
def builder(visit: Callable[..., Page], consoles: Any) -> Page:
    """A segment of the site with visitors, before somebody who may change it."""
    console = consoles["full"]
    headers = {"Authorization": f"Bearer {console.service.create_key(Role.MARKETER)}"}
    page = visit(extra_http_headers=headers)
    page.goto(f"{console.server}/console/segments/buyers/edit")
    return page


def row(page: Page, number: str) -> Any:
    return page.get_by_role("group", name=f"Row {number}", exact=True)


def active(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_counts_follow_what_is_typed_and_nothing_else_moves(builder: Page) -> None:
    told, size = builder.locator("#told"), builder.locator("#size-r-0")
    before = size.inner_text()
    builder.get_by_text("Overlap").click()
    row(builder, "1").get_by_label("in the last").fill("1")
    builder.keyboard.press("Tab")
    size.get_by_text("≈ 0").wait_for()

    assert before != "≈ 0"
    told.get_by_text("≈ 0 of").wait_for()
    assert active(builder) == "r.0-within_unit"
    assert builder.get_by_text("Of those in it").is_visible()
    assert "within: 1d" in builder.get_by_label("Definition").input_value()


def test_rows_follow_what_is_chosen_by_keyboard(builder: Page) -> None:
    looks_at = row(builder, "1").get_by_label("Looks at")
    looks_at.focus()
    builder.keyboard.type("plan")
    row(builder, "1").get_by_label("Value").wait_for()

    assert active(builder) == "r.0-reads"
    assert row(builder, "1").get_by_label("Value").input_value() == "free"
    assert "attribute: plan" in builder.get_by_label("Definition").input_value()


def test_an_answer_that_comes_late_overwrites_nothing(builder: Page) -> None:
    held: list[Route] = []
    builder.route("**/edit", lambda route: held.append(route))
    within = row(builder, "1").get_by_label("in the last")
    with builder.expect_request("**/edit"):
        row(builder, "4").get_by_label("How it is compared").select_option("is")
    within.press("End")
    within.press_sequentially("5")
    with builder.expect_event("requestfinished"):
        held[0].continue_()
    builder.unroute("**/edit")
    typed = within.input_value()
    builder.keyboard.press("Tab")
    row(builder, "4").get_by_label("Value", exact=True).wait_for()

    assert typed == "145"
    assert within.input_value() == "145"
    assert "within: 145d" in builder.get_by_label("Definition").input_value()


def test_comments_stay_in_the_yaml_beside_the_rows(builder: Page) -> None:
    definition = builder.get_by_label("Definition")
    definition.fill("# Ours.\n" + definition.input_value())
    builder.get_by_role("button", name="Show in rows, and count").click()
    row(builder, "1").get_by_role("button", name="Move 1 down").click()
    shown = builder.get_by_label("Definition").input_value()

    assert shown.startswith("# Ours.\nsegment: buyers")
    assert shown.index("event: purchase") < shown.index("within: 14d")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_a_segment_too_long_for_rows_says_what_can_be_done(
    width: int,
    scheme: str,
    visit: Callable[..., Page],
    consoles: Any,
    looks_right: Callable[[Page, str], None],
) -> None:
    console = consoles["empty"]
    library = console.service.library
    named = [f"plan-{number:04}" for number in range(2_000)]
    long = {"when": {"attribute": "plan", "one_of": named}}
    library.put_draft("segments:long", {"segments": {"long": long}}, base=1, author="tests")
    headers = {"Authorization": f"Bearer {console.service.create_key(Role.MARKETER)}"}
    page = visit(width, scheme, extra_http_headers=headers)
    page.goto(f"{console.server}/console/segments/long/edit")

    assert page.get_by_text("too long for rows").is_visible()
    looks_right(page, f"console-segment-long-{width}-{scheme}")
    page.get_by_role("button", name="Throw the draft away").press("Enter")
    page.get_by_role("heading", name="Segments", exact=True).wait_for()
    assert library.drafts() == []
