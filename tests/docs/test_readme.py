"""The sample of the README does what the README says, over HTTP, in an otherwise empty folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

OWN_WORDS = b"<h1>Welcome</h1>"
VARIANT = b"<h1>Good to see you again</h1>"
MOST_VISITORS = 300  # one run in 10^13 meets so many without a single one of the 10 %


@pytest.fixture(scope="module")
def folder(page_at: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    empty = tmp_path_factory.mktemp("readme")
    page_at("README.md").write_files(empty)
    return empty


@pytest.fixture(scope="module")
def address(folder: Path, serve: Callable[[Path, str], str]) -> str:
    return serve(folder, "app:app")


@pytest.fixture
def browser(address: str, browsing: Callable[[str], httpx2.Client]) -> Iterator[httpx2.Client]:
    with browsing(address) as client:
        yield client


@pytest.fixture(scope="module")
def plain_page(
    folder: Path, serve: Callable[[Path, str], str], browsing: Callable[[str], httpx2.Client]
) -> bytes:
    """The page of the same site without the middleware."""
    (folder / "without.py").write_text("from app import app\n\napp = app.app\n")
    with browsing(serve(folder, "without:app")) as client:
        return client.get("/").content


def choose(browser: httpx2.Client, choice: str) -> None:
    browser.post("/.byleave/consent", data={"choice": choice}).raise_for_status()


def test_before_consent_the_page_is_the_sites_own_and_no_cookie_is_set(
    browser: httpx2.Client, plain_page: bytes
) -> None:
    answers = [browser.get("/") for _ in range(3)]

    assert OWN_WORDS in plain_page
    assert [answer.content for answer in answers] == [plain_page] * 3
    assert [answer.headers.get("set-cookie") for answer in answers] == [None] * 3


def test_after_a_refusal_the_page_stays_and_only_the_refusal_is_kept(
    browser: httpx2.Client, plain_page: bytes
) -> None:
    choose(browser, "refuse")

    answers = [browser.get("/") for _ in range(3)]

    assert [answer.content for answer in answers] == [plain_page] * 3
    assert list(browser.cookies) == ["byleave_consent"]


def test_after_consent_each_visitor_sees_one_of_the_arms_from_the_second_page_on(
    browser: httpx2.Client, plain_page: bytes
) -> None:
    personal_page = plain_page.replace(OWN_WORDS, VARIANT)
    seen: list[bytes] = []

    while len(set(seen)) < 2 and len(seen) < MOST_VISITORS:
        browser.cookies.clear()  # somebody new
        choose(browser, "accept")  # and the form leads back to the first page
        second, third = browser.get("/").content, browser.get("/").content
        assert second == third
        seen.append(second)

    assert set(seen) == {plain_page, personal_page}


def test_nine_visitors_in_ten_are_in_the_arm_that_the_sample_names(folder: Path) -> None:
    from byleave.experiments import local_snapshot
    from byleave.sdk.folder import load_folder

    snapshot = local_snapshot(load_folder(folder / "byleave"), now_ms=0)

    [row] = snapshot.runs["warm-welcome"].allocations
    assert row.weights == {"control": 0.1, "warm": 0.9}
