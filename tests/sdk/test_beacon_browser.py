"""The page's script in a real browser, under a strict Content-Security-Policy."""

import asyncio
import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.browser

PAGE = (
    b'<!doctype html><html lang="en"><head><title>Shop</title></head><body>'
    b'<div data-byleave-slot="hero"><h2>Default</h2></div>'
    b'<button data-byleave-goal="signup">Sign up</button></body></html>'
)
HEADERS = (("content-type", "text/html"), ("content-security-policy", "default-src 'self'"))


@pytest.fixture
def site(kit: Any, personalise: Any, server: Any) -> Any:
    """A shop in a country where silence allows, so that only the page's report counts."""
    site = personalise(
        kit.html_app(PAGE, headers=HEADERS), server=server, country_header="X-Country"
    )
    site.client.poll()
    return site


@pytest.fixture
def reports() -> "queue.Queue[dict[str, Any]]":
    """What pages report, as it arrives."""
    return queue.Queue()


@pytest.fixture
def address(site: Any, reports: "queue.Queue[dict[str, Any]]") -> Iterator[str]:
    async def tapped(scope: Any, receive: Any, send: Any) -> None:
        async def tap() -> Any:
            message = await receive()
            if scope["path"] == "/.byleave/events":
                reports.put(json.loads(message["body"]))
            return message

        await site(scope, tap, send)

    config = uvicorn.Config(tapped, port=0, log_level="critical", lifespan="off")
    listening = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(listening.serve()))
    thread.start()
    while not listening.started:
        threading.Event().wait(0.01)
    port = listening.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    listening.should_exit = True
    thread.join()


@pytest.fixture
def page(kit: Any, chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        # Chromium without a screen calls itself headless, and is then no visitor.
        context = browser.new_context(extra_http_headers={"X-Country": "US"}, user_agent=kit.chrome)
        page = context.new_page()
        page.clock.install()
        yield page
        browser.close()


def test_the_script_reports_the_load_what_was_seen_and_clicked(
    address: str, page: Page, reports: "queue.Queue[dict[str, Any]]"
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    loaded = reports.get(timeout=10)
    page.clock.run_for(1_500)
    page.get_by_role("button").click()
    page.goto("about:blank")
    left = reports.get(timeout=10)

    assert loaded["pending"]
    assert (left["seen"], left["goals"]) == (["hero"], ["signup"])
    assert complaints == []


def test_a_visitor_counts_once_their_page_has_loaded(
    site: Any,
    server: Any,
    address: str,
    page: Page,
) -> None:
    with page.expect_response("**/.byleave/events"):
        page.goto(address)
    with ThreadPoolExecutor() as pool:
        pool.submit(site.client.flush).result()

    assert page.locator("h2").inner_text() == "Variant"
    assert len(server.of_type("exposure")) == 1
