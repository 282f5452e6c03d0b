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
