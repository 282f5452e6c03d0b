"""What we put on a page, in a real browser: it fits, it can be read, and it works by keyboard."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from jinja2 import DictLoader, Environment
from playwright.sync_api import Browser, Page, sync_playwright

from byleave.sdk.jinja import PersonaliseExtension

pytestmark = pytest.mark.browser

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
HEADERS = (("content-type", "text/html"), ("content-security-policy", "default-src 'self'"))
PAGE = """<!doctype html><html lang="en"><head><title>Shop</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/site.css">
<link rel="stylesheet" href="/.byleave/controls.css"></head>
<body><main><h1>Shop</h1>
<div data-byleave-slot="hero"><p>Default</p></div>
{{ why_control() }}{{ journey("get-going") }}</main></body></html>"""
STYLE = b"html { background: Canvas; color: CanvasText; font: 1rem/1.5 system-ui }"
ATTRIBUTES = {
    "device": {"type": "string", "source": "request"},
    "hour": {"type": "number", "source": "request"},
}
SEGMENTS = {
    "wide": {
        "because": "You compared our plans this week",
        "when": {"attribute": "device", "exists": True},
    },
    "never": {"when": {"attribute": "hour", "at_least": 99}},
}
JOURNEYS = {
    "get-going": {
        "title": "Get going",
        "steps": [
            {"key": "look", "done": "wide", "link": "/look", "label": "Look around"},
            {"key": "buy", "done": "never", "link": "/buy", "label": "Choose a plan"},
            {"key": "tell", "done": "never", "label": "Tell a colleague"},
        ],
    }
}


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[{}])
def address(request: Any, kit: Any, personalise: Any) -> Iterator[str]:
    templates = Environment(
        loader=DictLoader({"page": PAGE}), extensions=[PersonaliseExtension], autoescape=True
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        page = templates.get_template("page").render().encode()
        answers = kit.html_app(page, headers=HEADERS)
        if scope["path"] == "/site.css":
            answers = kit.html_app(STYLE, headers=[("content-type", "text/css")])
        await answers(scope, receive, send)

    definitions = kit.define(
        attributes=ATTRIBUTES,
        segments=SEGMENTS,
        journeys=JOURNEYS,
        experiments=kit.greeting(audience="wide"),
    )
    site = personalise(app, definitions=definitions, consent=kit.granted, **request.param)
    config = uvicorn.Config(site, port=0, log_level="critical", lifespan="off")
    listening = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(listening.serve()))
    thread.start()
    while not listening.started:
        threading.Event().wait(0.01)
    yield f"http://127.0.0.1:{listening.servers[0].sockets[0].getsockname()[1]}/"
    listening.should_exit = True
    thread.join()


def open_page(kit: Any, chrome: Browser, *, width: int, scheme: Any) -> tuple[Page, list[str]]:
    context = chrome.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, user_agent=kit.chrome
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    return page, complaints


@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")]
)
def test_the_control_and_a_journey_can_be_read_and_used_by_keyboard(
    kit: Any, chrome: Browser, address: str, width: int, scheme: str
) -> None:
    page, complaints = open_page(kit, chrome, width=width, scheme=scheme)
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"controls-{width}-{scheme}.png", full_page=True)
    root = "document.documentElement"
    overflow = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    found = Axe().run(page)
    reason = page.get_by_text("You compared our plans this week").is_visible()
    page.get_by_role("link", name="Show the standard site").click()
    page.get_by_text("Why am I seeing this?").click()

    assert reason
    assert overflow <= 0
    assert found.violations_count == 0, found.generate_report()
    assert page.get_by_text("Default").is_visible()
    assert page.get_by_role("link", name="Show the personalised site").count() == 1
    assert [line for line in complaints if "favicon" not in line] == []
    page.context.close()


@pytest.mark.parametrize("address", [{"debug": True}], indirect=True, ids=["debug"])
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_the_panel_for_developers_can_be_read(
    kit: Any, chrome: Browser, address: str, width: int, scheme: str
) -> None:
    page, complaints = open_page(kit, chrome, width=width, scheme=scheme)
    page.goto(address)
    panel = page.get_by_role("complementary", name="Byleave: how this page was decided")
    panel.get_by_text("Byleave: how this page was decided").click()
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"debug-panel-{width}-{scheme}.png", full_page=True)

    row = panel.get_by_role("row").filter(has_text="greeting")
    assert row.get_by_role("rowheader").inner_text() == "hero"
    assert "You compared" not in row.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page).response["violations"] == []
    assert complaints == []
