"""The guides to the server work as written: what visitors do arrives, and can be taken back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

PEOPLE = 12  # results do not name fewer than 10
MOST_LOOKS = 2_000  # for a snapshot that is fetched within a second


def visit_until_known(browser: httpx2.Client) -> None:
    """Look at the page until the site has heard from the server and gives out an id."""
    browser.post("/.byleave/consent", data={"choice": "accept"}, follow_redirects=False)
    for _ in range(MOST_LOOKS):
        browser.get("/")
        if "byleave_dev_id" in browser.cookies:
            return
    pytest.fail("the site has not heard from its server")


@pytest.fixture
def folder(page_at: Callable[[str], Any], tmp_path: Path) -> Path:
    page_at("docs/how-to/run-the-server.md").write_files(tmp_path)
    return tmp_path


def test_what_visitors_do_arrives_in_the_results(
    folder: Path,
    byleave_serve: Callable[[Path], Any],
    serve_until: Callable[..., Any],
    browsing: Callable[[str], httpx2.Client],
) -> None:
    server = byleave_serve(folder)
    with (
        serve_until(folder, "app:app", server.environment) as address,
        browsing(address) as browser,
    ):
        for _ in range(PEOPLE):
            browser.cookies.clear()
            visit_until_known(browser)
            browser.post("/join").raise_for_status()

    # The site has ended, and with it went everything that it still had to send.
    results = httpx2.get(
        f"{server.address}/v1/experiments/greeting/results",
        headers={"Authorization": f"Bearer {server.key}"},
    ).json()
    page = httpx2.get(server.results)

    assert results["enrolled"] == PEOPLE
    assert results["report"]["status"] == "Collecting"
    assert page.status_code == 200
    assert results["report"]["sentence"] in page.text


def test_a_site_with_the_server_inside_enrols_visitors_as_well(
    folder: Path, serve_until: Callable[..., Any], browsing: Callable[[str], httpx2.Client]
) -> None:
    with serve_until(folder, "whole:app", {}) as address, browsing(address) as browser:
        visit_until_known(browser)

        results = browser.get("/results")

    assert "No mature data yet" in results.text


def test_visitors_see_what_is_kept_and_are_forgotten(
    page_at: Callable[[str], Any],
    tmp_path: Path,
    byleave_serve: Callable[[Path], Any],
    serve_until: Callable[..., Any],
    browsing: Callable[[str], httpx2.Client],
) -> None:
    page_at("docs/how-to/visitors-rights.md").write_files(tmp_path)
    server = byleave_serve(tmp_path)
    with (
        serve_until(tmp_path, "app:app", server.environment) as address,
        browsing(address) as browser,
    ):
        before = browser.get("/my-data").text
        visit_until_known(browser)
        visitor = browser.cookies["byleave_dev_id"].partition(".")[0]
        kept = browser.get("/my-data").json()
        browser.post("/.byleave/consent", data={"choice": "withdraw", "back": "/privacy"})
        after = browser.get("/my-data").text

    headers = {"Authorization": f"Bearer {server.key}"}
    known = httpx2.get(f"{server.address}/v1/visitors/{visitor}", headers=headers).json()
    assert before == after == "Nothing is kept about you."
    assert kept["visitor"] == visitor
    assert known["is_erased"]
    assert known["events"] == known["enrolments"] == []
