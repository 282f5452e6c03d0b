"""The guide to the server works as written: a site, its server, and the results of a visit."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

PAGE = "docs/how-to/run-the-server.md"
PEOPLE = 12  # results do not name fewer than 10
MOST_LOOKS = 2_000  # for a snapshot that is fetched within a second


class Server(NamedTuple):
    """A server that runs: where it is, its key, and the link to the results."""

    address: str
    key: str
    results: str


@pytest.fixture
def folder(page_at: Callable[[str], Any], tmp_path: Path) -> Path:
    page_at(PAGE).write_files(tmp_path)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "byleave.server", "serve", "--port", "0"]
    with ExitStack() as running:
        process = running.enter_context(
            subprocess.Popen(
                command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        )
        running.callback(process.terminate)
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(3))
        found = re.fullmatch(
            r"server key, shown once: (?P<key>byleave_server_\w+)\n"
            r"corner-shop at (?P<address>http://127\.0\.0\.1:\d+)\n"
            r"  results: (?P<results>http://\S+)\n",
            said,
        )
        assert found, said
        yield Server(found["address"], found["key"], found["results"])


def visit_until_known(browser: httpx2.Client) -> None:
    """Look at the page until the site has heard from the server and gives out an id."""
    browser.post("/.byleave/consent", data={"choice": "accept"}, follow_redirects=False)
    for _ in range(MOST_LOOKS):
        browser.get("/")
        if "byleave_dev_id" in browser.cookies:
            return
    pytest.fail("the site has not heard from its server")


def test_what_visitors_do_arrives_in_the_results(
    folder: Path,
    server: Server,
    serve_until: Callable[..., Any],
    browsing: Callable[[str], httpx2.Client],
) -> None:
    environment = {"BYLEAVE_SERVER": server.address, "BYLEAVE_KEY": server.key}
    with serve_until(folder, "app:app", environment) as address, browsing(address) as browser:
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
