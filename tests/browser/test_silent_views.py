"""A page view of somebody who said nothing: from a page in a browser to the server's books."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from typer.testing import CliRunner

from byleave.sdk import Personalise
from byleave.sdk.folder import load_folder
from byleave.sdk.middleware import system_clock
from byleave.server.app import create_app
from byleave.server.commands.program import program
from byleave.server.demo.serving import serving
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.schema import enrolments, outcomes
from byleave.server.service import Service

pytestmark = pytest.mark.browser

PAGE = b"""<!doctype html><html lang="en"><head><title>Shop</title></head><body>
<h1 data-byleave-slot="hero">Own</h1>
<button data-byleave-goal="signup">Sign up</button>
<form method="post" action="/.byleave/consent">
<button name="choice" value="refuse">Refuse</button></form>
</body></html>"""
HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'self'"),
]


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": PAGE})


@dataclass(frozen=True, slots=True)
class Shop:
    """A site with the first definitions that `byleave init` writes, and its server."""

    service: Service
    site: Personalise
    address: str

    def books(self) -> tuple[list[str], list[float]]:
        """Return the arms that were enrolled and the outcomes, once the site has told all."""
        with ThreadPoolExecutor() as pool:  # Playwright's event loop has this thread
            pool.submit(self.site.client.flush).result()
        self.service.flush()
        with self.service.storage.reading() as connection:
            return (
                [*connection.scalars(select(enrolments.c.arm))],
                [*connection.scalars(select(outcomes.c.value))],
            )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("byleave")
    assert CliRunner().invoke(program, ["init", str(folder), "--site", "shop"]).exit_code == 0
    service = Service(folder / "shop.db", site="shop", clock=system_clock)
    service.publish(load_folder(folder), reason="first", author="tests")
    server_port, site_port = listen(0), listen(0)
    with serving(create_app(service), server_port):
        site = Personalise(
            page,
            server=url_of(server_port),
            key=service.create_key(Role.SERVER),
            secrets=["a secret that only tests know"],
            background=False,
        )
        site.client.poll()
        with serving(site, site_port):
            yield Shop(service, site, url_of(site_port))
        site.client.close()
    service.close()


def test_a_silent_view_and_its_goal_are_counted_and_nothing_is_stored(
    served: Shop, visit: Callable[..., Page]
) -> None:
    opened = visit()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    with opened.expect_response("**/.byleave/events"):
        opened.goto(served.address)
    assert opened.get_by_role("heading").inner_text() == "Hello from Byleave"
    assert served.books() == (["hello"], [])

    opened.get_by_role("button", name="Sign up").click()
    with opened.expect_response("**/.byleave/events"):
        opened.evaluate("dispatchEvent(new Event('byleave:send'))")
    assert served.books() == (["hello"], [1.0])
    assert opened.context.cookies() == []
    assert opened.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]

    opened.get_by_role("button", name="Refuse").click()
    opened.wait_for_url(served.address)
    before = served.books()
    opened.goto(f"{served.address}/refused")

    assert opened.get_by_role("heading").inner_text() == "Own"
    assert opened.locator("script").count() == 0
    assert served.books() == before
    assert complaints == []
