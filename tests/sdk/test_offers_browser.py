"""Slots that open by themselves, in a real browser under a strict Content-Security-Policy."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = pytest.mark.browser

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
HEADERS = (("content-type", "text/html"), ("content-security-policy", "default-src 'self'"))
PAGE = b"""<!doctype html><html lang="en"><head><title>Shop</title></head><body><main><h1>Shop</h1>
<p><label>Name <input></label></p><form id="demo"><label>Mail <input></label></form>
<p id="byleave-offer-offer">Written by <b id="byleave-data">a visitor</b>.</p>
<div data-byleave-slot="offer"></div><p>End</p></main></body></html>"""
OFFER = "<h2>Before you go</h2><p>Take our reading list along.</p><a href='/list'>See it</a>"
FORM_START = {
    "properties": {"form": "string"},
    "purposes": ["personalisation", "analytics"],
    "ttl": "30d",
}

START = datetime(2026, 10, 5, tzinfo=UTC)

Open = Callable[..., tuple[Page, Any, Any]]


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def away(work: Callable[[], Any]) -> None:
    """Do something that may not wait inside the event loop that Playwright keeps here."""
    with ThreadPoolExecutor() as pool:
        pool.submit(work).result()


@pytest.fixture
def open_page(kit: Any, personalise: Any, server: Any, chrome: Browser) -> Iterator[Open]:
    """Opens a page with an offer for a visitor who agreed, at a time that the test moves."""
    undo: list[Callable[[], Any]] = []

    def new(
        trigger: dict[str, Any], *, shares: tuple[str, str] = ("0%", "100%"), width: int = 1280
    ) -> tuple[Page, Any, Any]:
        allocate = {
            "policy": "fixed",
            "goal": "signup",
            "shares": dict(zip(("control", "b"), shares, strict=True)),
        }
        events = {**plain_events(kit), "form_start": FORM_START}
        server.definitions = kit.define(
            events=events,
            slots={"offer": {"kind": "content", "trigger": trigger}},
            experiments=kit.greeting(
                slot="offer",
                allocate=allocate,
                variants={"control": "site", "b": {"html": OFFER}},
            ),
        )
        site = personalise(kit.html_app(PAGE, headers=HEADERS), server=server, consent=kit.granted)
        away(site.client.poll)
        config = uvicorn.Config(site, port=0, log_level="critical", lifespan="off")
        listening = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(listening.serve()))
        thread.start()
        while not listening.started:
            threading.Event().wait(0.01)

        def stop() -> None:
            listening.should_exit = True
            thread.join()

        undo.append(stop)
        context = chrome.new_context(
            user_agent=kit.chrome, viewport={"width": width, "height": 700}
        )
        undo.append(context.close)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.clock.install(time=START)
        # From here on time passes by `run` alone, however slow the machine is.
        page.clock.pause_at(START + timedelta(hours=1))
        page.goto(f"http://127.0.0.1:{listening.servers[0].sockets[0].getsockname()[1]}/")
        return page, site, complaints

    yield new
    for step in reversed(undo):
        step()


def plain_events(kit: Any) -> dict[str, Any]:
    purposes = ["personalisation", "analytics"]
    return {
        "page_view": {"properties": {"path": "string"}, "purposes": purposes, "ttl": "30d"},
        "sign_up": {"purposes": purposes, "ttl": "400d"},
        "purchase": {"properties": {"amount": "number"}, "purposes": purposes, "ttl": "400d"},
    }


def run(page: Page, ms: int) -> None:
    page.clock.run_for(ms)


@pytest.mark.parametrize("width", [320, 1280])
def test_a_dialog_opens_once_a_day_counts_then_and_gives_the_focus_back(
    open_page: Open, server: Any, width: int
) -> None:
    page, site, complaints = open_page({"after": "8s"}, width=width)
    box = page.get_by_role("dialog", name="Before you go")
    run(page, 7_000)
    away(site.client.flush)
    early = (box.count(), server.of_type("exposure"))
    with page.expect_response("**/.byleave/events"):
        run(page, 2_000)
    away(site.client.flush)
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"offer-{width}.png")
    page.clock.resume()  # axe waits for timers of its own
    found = Axe().run(page)
    opened = box.is_visible()
    page.keyboard.press("Escape")
    closed = box.count()
    page.reload()
    run(page, 20_000)

    assert early == (0, [])
    assert opened
    assert [event["arm"] for event in server.of_type("exposure")] == ["b"]
    assert found.violations_count == 0, found.generate_report()
    assert (closed, box.count()) == (0, 0)
    assert [line for line in complaints if "favicon" not in line and "404" not in line] == []


def test_the_control_tells_that_it_would_have_opened_and_shows_nothing(
    open_page: Open, server: Any
) -> None:
    page, site, _ = open_page({"after": "8s"}, shares=("100%", "0%"))
    with page.expect_response("**/.byleave/events"):
        run(page, 9_000)
    away(site.client.flush)
    cookies = {cookie.get("name") for cookie in page.context.cookies()}

    assert [event["arm"] for event in server.of_type("exposure")] == ["control"]
    assert "byleave_dev_shown" in cookies
    assert page.get_by_role("dialog").count() == 0
    assert "Before you go" not in page.content()


def test_where_a_browser_knows_no_popovers_nothing_opens_and_nothing_counts(
    open_page: Open, server: Any
) -> None:
    page, site, complaints = open_page({"after": "8s"})
    page.add_init_script(
        """delete HTMLElement.prototype.popover;
        const find = Document.prototype.querySelector;
        Document.prototype.querySelector = function (selector) {
          if (selector.includes(":popover-open")) throw new SyntaxError(selector);
          return find.call(this, selector);
        };"""
    )
    page.reload()
    run(page, 12_000)
    away(site.client.flush)

    assert page.get_by_role("dialog").count() == 0
    assert server.of_type("exposure") == []
    assert [line for line in complaints if "favicon" not in line and "404" not in line] == []


def test_it_waits_while_somebody_types(open_page: Open) -> None:
    page, _, _ = open_page({"after": "6s"})
    page.get_by_label("Name").focus()
    run(page, 10_000)
    early = page.get_by_role("dialog").count()
    page.get_by_label("Name").blur()
    run(page, 1_100)

    assert early == 0
    assert page.get_by_role("dialog").is_visible()


def test_a_popover_opens_when_the_pointer_leaves_and_not_in_the_first_moments(
    open_page: Open,
) -> None:
    page, _, _ = open_page({"exit": True, "show": "popover"})
    leave = """document.documentElement.dispatchEvent(
        new MouseEvent("mouseleave", {clientY: -1}))"""
    page.evaluate(leave)
    run(page, 6_000)
    early = page.get_by_role("dialog").count()
    page.evaluate(leave)
    page.screenshot(path=ARTIFACTS / "offer-popover.png")
    opened = page.get_by_role("dialog").is_visible()
    page.get_by_role("button", name="Close").click()

    assert (early, opened) == (0, True)
    assert page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize(
    ("trigger", "act"),
    [
        ({"idle": "10s"}, "void 0"),
        ({"scroll": "50%"}, 'dispatchEvent(new Event("scroll"))'),
        (
            {"events": ["form_start"]},
            """document.querySelector("#demo input").dispatchEvent(
                new InputEvent("input", {bubbles: true}))""",
        ),
    ],
)
def test_rest_depth_and_events_open_it(open_page: Open, trigger: Any, act: str) -> None:
    page, _, _ = open_page(trigger)
    run(page, 9_000)
    early = page.get_by_role("dialog").count()
    page.evaluate(act)
    run(page, 2_000)

    assert early == 0
    assert page.get_by_role("dialog").is_visible()
