"""The results that a signed link opens, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
@pytest.mark.parametrize("experiment", ["pricing-hero", "welcome-nav"])
def test_whoever_has_the_link_reads_the_results(
    experiment: str,
    width: int,
    scheme: str,
    visit: Callable[..., Page],
    opened: Any,
    looks_right: Callable[[Page, str], None],
) -> None:
    page = visit(width, scheme)
    page.goto(opened.results(experiment))

    assert page.get_by_text("imulated").first.is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("h1").count() == 1
    looks_right(page, f"results-{experiment}-{width}-{scheme}")


def test_without_a_link_nobody_sees_results(visit: Callable[..., Page], opened: Any) -> None:
    page = visit()
    answer = page.goto(f"{opened.server}/results/pricing-hero")

    assert answer is not None
    assert answer.status == 403
