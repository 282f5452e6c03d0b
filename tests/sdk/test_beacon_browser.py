"""The page's script in a real browser, under a strict Content-Security-Policy."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from tests.sdk.beacon_pages import AHEAD, FORMS, PAGE, TOOLS

from byleave.segments import Purpose
from byleave.segments.consent.cookie import ConsentCookie
from byleave.segments.consent.iab import Tcf
from byleave.segments.consent.onetrust import OneTrust

pytestmark = pytest.mark.browser

FIRST_PARTY = (Purpose.PERSONALISATION, Purpose.ANALYTICS)

Reports = queue.Queue[dict[str, Any]]

HEADERS = (("content-type", "text/html"), ("content-security-policy", "default-src 'self'"))


def away(work: Callable[[], Any]) -> None:
    """Do something that may not wait inside the event loop that Playwright keeps here."""
    with ThreadPoolExecutor() as pool:
        pool.submit(work).result()


def shop(kit: Any) -> Any:
    """Pages under a policy that allows nothing inline, but the one that asks ahead."""
    page = kit.html_app(PAGE, headers=HEADERS)
    ahead = kit.html_app(AHEAD)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (ahead if scope["path"] == "/ahead" else page)(scope, receive, send)

    return app


@pytest.fixture
def site(kit: Any, personalise: Any, server: Any) -> Any:
    """A shop in a country where silence allows, so that only the page's report counts."""
    goals = {
        name: {"event": name, "kind": "conversion", "within": "7d"}
        for name in FORMS
        if name != "sign_up"
    }
    signup = {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}}
    server.definitions = kit.define(
        events=FORMS, goals={**signup, **{k.replace("_", "-"): v for k, v in goals.items()}}
    )
    site = personalise(
        shop(kit),
        server=server,
        country_header="X-Country",
        adapters=(ConsentCookie(), OneTrust(dict.fromkeys(FIRST_PARTY, ("C0002",))), Tcf()),
    )
    away(site.client.poll)
    return site


@pytest.fixture
def reports() -> Reports:
    """What pages report, as it arrives."""
    return queue.Queue()


@pytest.fixture
def address(site: Any, reports: Reports) -> Iterator[str]:
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


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    """One browser for the module; Playwright turns off the back and forward cache by default."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(kit: Any, chrome: Browser) -> Iterator[Callable[..., Any]]:
    """Opens a page of a new visitor, and collects what the browser complains about."""
    contexts = []

    def new(*, stops_clock: bool = True) -> Any:
        # Chromium without a screen calls itself headless, and is then no visitor.
        context = chrome.new_context(
            extra_http_headers={"X-Country": "US"}, user_agent=kit.chrome, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if stops_clock:
            page.clock.install()
        return SimpleNamespace(page=page, complaints=complaints)

    yield new
    for context in contexts:
        context.close()


def next_report(reports: Reports) -> dict[str, Any]:
    return reports.get(timeout=10)


def pass_time_in_view(page: Page) -> None:
    """Let the time pass after which a slot in view counts as seen.

    The browser tells observers in the order in which they began, at a time of its own; once it
    told this one, the page's script is counting.
    """
    page.evaluate(
        """new Promise(done => new IntersectionObserver(done)
            .observe(document.querySelector("[data-byleave-slot]")))"""
    )
    page.clock.run_for(1_500)


def told(report: dict[str, Any]) -> list[str]:
    return [name for name, _ in report.get("events", ())]


def test_the_script_reports_the_load_what_was_seen_and_clicked(
    address: str, visit: Any, reports: Reports
) -> None:
    opened = visit()
    page: Page = opened.page
    page.goto(address)
    loaded = next_report(reports)
    pass_time_in_view(page)
    page.get_by_role("button", name="Sign up").click()
    page.get_by_role("button", name="Sign up").click()
    page.goto("about:blank")
    left = next_report(reports)

    assert len(loaded["pending"]) == 1
    assert (left["seen"], left["goals"]) == (["hero"], ["signup"])
    assert opened.complaints == []


def test_a_visitor_counts_once_their_page_has_loaded(
    site: Any, server: Any, address: str, visit: Any
) -> None:
    page: Page = visit().page
    with page.expect_response("**/.byleave/events"):
        page.goto(address)
    away(site.client.flush)

    assert page.locator("h2").inner_text() == "Variant"
    assert len(server.of_type("exposure")) == 1


def test_forms_scrolling_and_time_are_told_where_a_goal_reads_them(
    address: str, visit: Any, reports: Reports
) -> None:
    opened = visit()
    page: Page = opened.page
    page.goto(address)
    next_report(reports)
    page.get_by_role("textbox").fill("x")
    page.clock.run_for(7_000)
    page.goto(f"{address}other")
    given_up = next_report(reports)
    next_report(reports) if "pending" in given_up else None
    page.get_by_role("textbox").fill("x")
    page.get_by_role("button", name="Send").click()
    sent = next_report(reports)
    page.get_by_role("button", name="Join").click()
    joined = next_report(reports)

    assert ["form_start", {"form": "demo"}] in given_up["events"]
    assert ["form_abandon", {"form": "demo"}] in given_up["events"]
    assert 7 <= dict(given_up["events"])["dwell"]["seconds"] < 60
    assert told(sent)[:2] == ["form_start", "form_submit"]
    assert "form_abandon" not in told(sent)
    assert joined["goals"] == ["signup"]
    assert "name" not in json.dumps(sent)
    assert opened.complaints == []


def test_a_page_that_moves_or_swaps_parts_by_itself_begins_views_and_counts_a_slot_once_in_each(
    address: str, visit: Any, reports: Reports
) -> None:
    page: Page = visit().page
    page.goto(address)
    next_report(reports)
    pass_time_in_view(page)
    page.evaluate(
        """() => {
        const old = document.querySelector("[data-byleave-slot]");
        old.replaceWith(old.cloneNode(true));
    }"""
    )
    page.evaluate("new Promise(done => requestIdleCallback(done, {timeout: 1}))")
    pass_time_in_view(page)
    page.evaluate("history.pushState({}, '', '/second')")
    first = next_report(reports)
    pass_time_in_view(page)
    page.evaluate("history.pushState({}, '', '/second?page=2')")
    page.goto("about:blank")
    second = next_report(reports)

    assert first["seen"] == ["hero"]
    assert ["page_view", {"path": "/second"}] in second["events"]
    assert second["seen"] == ["hero"]


def test_a_page_that_comes_back_without_a_request_is_a_view(
    address: str, visit: Any, reports: Reports
) -> None:
    page: Page = visit(stops_clock=False).page
    page.goto(address)
    next_report(reports)
    page.evaluate("window.isTheSame = true")
    page.goto(f"{address}other")
    page.go_back(wait_until="commit")
    page.wait_for_function("window.isTheSame")
    page.evaluate("history.pushState({}, '', '/third')")
    views: list[Any] = []
    while ["page_view", {"path": "/"}] not in views:
        views += next_report(reports).get("events", [])

    assert page.evaluate("window.isTheSame")


def test_a_page_made_ahead_is_the_sites_own_and_counts_for_nothing(
    address: str, site: Any, server: Any, visit: Any, reports: Reports
) -> None:
    page: Page = visit(stops_clock=False).page
    with page.context.expect_event("request", lambda request: request.url.endswith("/other")):
        page.goto(f"{address}ahead")
    page.get_by_role("link").click()
    page.wait_for_url("**/other")
    shown = page.locator("h2").inner_text()
    away(site.client.flush)
    counted = len(server.of_type("exposure"))
    page.goto(address)
    away(site.client.flush)

    assert shown == "Default"
    assert (counted, len(server.of_type("exposure"))) == (0, 1)
    assert reports.empty()


def test_consent_that_is_taken_back_in_the_page_is_gone_with_the_answer(
    address: str, site: Any, server: Any, visit: Any, reports: Reports
) -> None:
    opened = visit()
    page: Page = opened.page
    page.goto(address)
    next_report(reports)
    held = {cookie.get("name") for cookie in page.context.cookies()}
    with page.expect_response("**/.byleave/consent"):
        page.evaluate(
            """() => dispatchEvent(
            new CustomEvent("byleave:consent", {detail: {choice: "withdraw"}}))"""
        )
    left = {cookie.get("name") for cookie in page.context.cookies()}
    page.get_by_role("button", name="Sign up").click()
    page.goto(address)
    away(site.client.flush)

    assert {"byleave_dev_id", "byleave_dev_profile"} <= held
    assert left == {"byleave_consent"}
    assert page.locator("h2").inner_text() == "Default"
    assert reports.empty()
    assert len(server.withdrawn) == 1
    assert opened.complaints == []


def test_a_network_that_fails_is_no_error_of_the_page(address: str, visit: Any) -> None:
    opened = visit(stops_clock=False)
    page: Page = opened.page
    page.add_init_script(
        """addEventListener("unhandledrejection", ({reason}) => console.error(String(reason)));
        navigator.sendBeacon = () => false;"""
    )
    page.route("**/.byleave/events", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.goto(address)
    page.evaluate("fetch('/')")  # by when it was told

    assert [line for line in opened.complaints if "ERR_FAILED" not in line] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_refused_in_a_consent_tool_is_gone_with_the_next_answer(
    address: str, site: Any, server: Any, visit: Any, reports: Reports, tool: str
) -> None:
    written, before, tell = TOOLS[tool]
    opened = visit()
    page: Page = opened.page
    page.add_init_script(before)
    page.goto(address)
    next_report(reports)
    held = {cookie.get("name") for cookie in page.context.cookies()}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in written.items()]
    )
    with page.expect_request("**/.byleave/events"):
        page.evaluate(tell)
    next_report(reports)
    page.goto(address)
    left = {cookie.get("name") for cookie in page.context.cookies()}
    away(site.client.flush)

    assert {"byleave_dev_id", "byleave_dev_profile"} <= held
    assert left == set(written)
    assert page.locator("h2").inner_text() == "Default"
    assert len(server.withdrawn) == 1
    assert opened.complaints == []


def test_a_tcf_tool_that_only_loaded_tells_nothing_new(
    address: str, visit: Any, reports: Reports
) -> None:
    page: Page = visit().page
    page.add_init_script(TOOLS["tcf"][1])
    page.goto(address)
    next_report(reports)
    page.evaluate('told({ eventStatus: "tcloaded" }, true)')
    page.evaluate('told({ eventStatus: "useractioncomplete" }, false)')
    page.get_by_role("button", name="Sign up").click()
    page.goto("about:blank")

    assert next_report(reports)["goals"] == ["signup"]


def test_a_page_asks_to_be_told_what_the_server_knows(
    kit: Any, address: str, site: Any, server: Any, visit: Any, reports: Reports
) -> None:
    known = {"type": "string", "source": "server", "purposes": ["analytics"], "ttl": "30d"}
    page: Page = visit().page
    page.goto(address)
    next_report(reports)
    server.definitions = kit.define(attributes={"industry": known})
    server.number += 1
    away(site.client.poll)
    with page.expect_request("**/.byleave/events") as asked:
        page.goto(f"{address}other")

    assert asked.value.post_data == "{}"
