"""Whoever follows the first tutorial ends up where it says, over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

OWN_WORDS = "<h2>Tools, seeds and good advice</h2>"
VARIANT = "<h2>Seeds to your door each spring</h2>"
MOST_VISITORS = 60  # that all of so many are in one arm of two happens once in 10^17 runs


@pytest.fixture(scope="module")
def address(
    page_at: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[[Path, str], str],
) -> str:
    folder = tmp_path_factory.mktemp("tutorial")
    page_at("docs/tutorial/first-block.md").write_files(folder)
    return serve(folder, "app:app")


@pytest.fixture
def browser(address: str, browsing: Callable[[str], httpx2.Client]) -> Iterator[httpx2.Client]:
    with browsing(address) as client:
        yield client


def compare_plans(browser: httpx2.Client) -> str:
    """Accept, look at the plans twice, and return the first page as it is then."""
    browser.cookies.clear()
    browser.post("/.byleave/consent", data={"choice": "accept", "back": "/"}).raise_for_status()
    for _ in range(2):
        browser.get("/plans").raise_for_status()
    return browser.get("/").text


def test_both_arms_are_met_by_people_who_compared_the_plans(browser: httpx2.Client) -> None:
    pages: set[str] = set()

    for _ in range(MOST_VISITORS):
        pages.add(compare_plans(browser))
        if len(pages) == 2:
            break

    assert sorted((OWN_WORDS in page, VARIANT in page) for page in pages) == [
        (False, True),
        (True, False),
    ]


def test_a_refusal_brings_back_the_sites_own_page_and_takes_the_cookies(
    browser: httpx2.Client,
) -> None:
    compare_plans(browser)

    page = browser.post("/.byleave/consent", data={"choice": "refuse", "back": "/"}).text

    assert OWN_WORDS in page
    assert list(browser.cookies) == ["byleave_consent"]
