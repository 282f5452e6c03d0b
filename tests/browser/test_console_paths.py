"""What people do in the console from end to end, in a real browser."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from byleave.server.keys import Role

pytestmark = pytest.mark.browser

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def served(consoles: Any) -> object:
    """The two consoles, and no shop."""
    return consoles


@pytest.fixture
def admin(visit: Callable[..., Page], consoles: Any) -> Callable[..., Page]:
    """Opens a page of the empty console as somebody who may do everything."""

    def open_page(path: str, **options: Any) -> Page:
        console = consoles["empty"]
        headers = {"Authorization": f"Bearer {console.service.create_key(Role.ADMIN)}"}
        page = visit(extra_http_headers=headers, **options)
        page.goto(console.server + path)
        return page

    return open_page


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_visitor_is_forgotten_by_keyboard_alone(
    has_scripts: bool, admin: Callable[..., Page], consoles: Any
) -> None:
    service = consoles["empty"].service
    service.ingest(
        [
            {
                "id": f"01890000-0000-7000-8000-00000000000{int(has_scripts)}",
                "type": "event",
                "at": service.clock(),
                "visitor": f"{ID}{has_scripts}",
                "event": "sign_up",
                "properties": {},
                "uses": ["personalisation", "analytics"],
            }
        ]
    )
    page = admin("/console/privacy", java_script_enabled=has_scripts)

    page.get_by_label("Visitor's id").focus()
    page.keyboard.type(f"{ID}{has_scripts}")
    page.keyboard.press("Enter")
    page.get_by_text('"sign_up"').wait_for()
    page.get_by_role("button", name="Forget them").press("Enter")
    page.get_by_text("cannot be undone").wait_for()
    page.get_by_role("button", name="Forget them").press("Enter")

    page.get_by_text("Forgotten").wait_for()
    assert service.export(f"{ID}{has_scripts}")["is_erased"]


def test_what_was_published_is_brought_back(admin: Callable[..., Page], consoles: Any) -> None:
    service = consoles["empty"].service
    before = service.published.snapshot.definitions
    first = service.library.newest()
    service.publish(replace(before, experiments={}), reason="bare", author="tests")
    page = admin(f"/console/history/{first}")

    page.get_by_label("Why").fill("The experiment was missed")
    page.get_by_role("button", name="Bring this version back").click()

    page.get_by_text("The experiment was missed").first.wait_for()
    assert service.published.snapshot.definitions == before


@pytest.mark.parametrize("has_scripts", [True, False])
def test_an_experiment_is_previewed_as_somebody_made_up_by_keyboard_alone(
    has_scripts: bool, admin: Callable[..., Page], consoles: Any
) -> None:
    service, name = consoles["empty"].service, f"ann-{int(has_scripts)}"
    page = admin("/console/why", java_script_enabled=has_scripts)
    described = {
        "A name, from which arms are drawn": name,
        "Who they are": "New here",
        "What is known of them": "is_customer: true",
    }
    for label, text in described.items():
        page.get_by_label(label, exact=True).focus()
        page.keyboard.type(text)
    page.get_by_label("Consent", exact=True).focus()
    page.keyboard.type("agreed to what")
    page.get_by_label("personalisation").press("Space")
    page.get_by_role("button", name="Save persona").press("Enter")
    page.get_by_role("heading", name="What they would see").wait_for()
    saved = service.personas.find(name)
    page.goto(f"{consoles['empty'].server}/console/drafts/welcome")
    page.get_by_label("Saved persona").focus()
    page.keyboard.type(name)
    page.get_by_role("button", name="Decide for them").press("Enter")
    page.get_by_role("heading", name="What they would see").wait_for()
    decided = page.locator("main").inner_text()
    page.get_by_role("link", name="All saved personas").press("Enter")
    page.get_by_role("button", name=f"Remove {name}").press("Enter")
    page.get_by_role("button", name="Remove").press("Enter")
    page.get_by_role("heading", name="Saved personas").wait_for()

    assert saved
    assert saved.said["consent"]["personalisation"] == "granted"
    assert saved.said["consent"]["analytics"] == "denied"
    assert "needs consent to personalisation and to analytics" in decided
    assert service.personas.find(name) is None
