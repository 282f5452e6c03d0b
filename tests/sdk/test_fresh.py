"""Fresh attributes: asked of a real server for the page of a visitor who may be known."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from byleave.sdk import wsgi
from byleave.sdk.cookies import Keys
from byleave.sdk.visitor import Identity
from byleave.server.app import create_app
from byleave.server.attributes import Observation
from byleave.server.keys import Role
from byleave.server.service import Service

BOTH = ["personalisation", "analytics"]


def definitions(kit: Any) -> Any:
    """Return a shop that greets those whose account manager the server knows."""
    attribute = {"type": "boolean", "source": "server", "purposes": BOTH, "ttl": "30d"}
    return kit.define(
        goals={"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
        attributes={"has_manager": {**attribute, "fresh": True, "default": False}},
        segments={"managed": {"when": {"attribute": "has_manager", "equals": True}}},
        experiments=kit.greeting(audience="managed"),
    )


class Shop:
    """A site and its server in one process, and how often the server was asked about visitors."""

    def __init__(self, kit: Any, personalise: Any, clock: Any, path: Path) -> None:
        self.service = Service(path, site="shop", clock=clock)
        self.service.publish(definitions(kit), reason="test", author="test")
        self.asked: list[str] = []
        self.is_down = False
        self.consent = kit.granted
        self.clock = clock
        app = create_app(self.service)

        async def server(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].endswith("/attributes"):
                self.asked.append(scope["path"])
                if self.is_down:
                    raise ConnectionResetError
            await app(scope, receive, send)

        self.options: dict[str, Any] = {
            "server": server,
            "key": self.service.create_key(Role.SERVER),
            "consent": lambda scope: self.consent(scope),
        }
        self.site = personalise(**self.options)
        self.site.client.poll()

    def knows(self, visitor: str, *, value: bool = True) -> None:
        self.service.observe(
            [Observation(visitor=visitor, observed_ms=self.clock(), values={"has_manager": value})]
        )


@pytest.fixture
def shop(kit: Any, personalise: Any, clock: Any, tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(kit, personalise, clock, tmp_path / "shop.db")
    yield opened
    opened.service.close()


@pytest.fixture
def known(kit: Any, shop: Shop) -> Any:
    """The browser of a visitor with an id, whose manager the server knows."""
    identity = Identity.new(Random(3).randbytes, number=0, now_ms=shop.clock())
    shop.knows(identity.id)
    signed = Keys([kit.secret]).signer("id").sign(str(identity)).decode()
    return kit.browser(shop.site, cookies={"__Host-byleave_id": signed})


def test_a_new_visitors_page_asks_nothing(kit: Any, shop: Shop) -> None:
    answer = kit.browser(shop.site).get()

    assert shop.asked == []
    assert answer.body == kit.page


def test_a_known_visitors_page_is_decided_by_what_the_server_knows_now(
    kit: Any, shop: Shop, known: Any
) -> None:
    assert b"Variant" in known.get().body
    assert len(shop.asked) == 1

    shop.clock.now_ms += 1
    identity = shop.asked[0].split("/")[3]
    shop.knows(identity, value=False)

    assert known.get().body == kit.page
    assert len(shop.asked) == 2


def test_nothing_is_asked_about_a_visitor_who_does_not_agree(
    kit: Any, shop: Shop, known: Any
) -> None:
    shop.consent = kit.refused

    assert known.get().body == kit.page
    assert shop.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_dest": "empty", "accept": "application/json"},
        {"sec_fetch_dest": "image"},
        {"user_agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
    ],
)
def test_what_is_no_page_of_a_person_asks_nothing(shop: Shop, known: Any, headers: Any) -> None:
    known.get(**headers)

    assert shop.asked == []


def test_a_page_without_slots_asks_once_and_never_again(
    kit: Any, personalise: Any, shop: Shop, known: Any
) -> None:
    known.app = personalise(kit.html_app(b"<p>none</p>"), **shop.options)
    known.app.client.poll()
    for _ in range(3):
        known.get()

    assert len(shop.asked) == 1


def test_a_server_that_fails_is_asked_five_times_and_then_left_alone(
    kit: Any, shop: Shop, known: Any
) -> None:
    shop.is_down = True

    pages = [known.get().body for _ in range(9)]

    assert set(pages) == {kit.page}
    assert len(shop.asked) == 5
    assert shop.site.client.counters["pages without fresh attributes"] == 9


def test_a_synchronous_site_asks_too(kit: Any, clock: Any, shop: Shop, known: Any) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [kit.page]

    site = wsgi.Personalise(
        app, secrets=[kit.secret], clock=clock, background=False, **shop.options
    )
    site.client.poll()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "https",
        "HTTP_ACCEPT": "text/html",
        "HTTP_USER_AGENT": kit.chrome,
        "HTTP_COOKIE": f"__Host-byleave_id={known.cookies['__Host-byleave_id']}",
    }

    body = b"".join(site(environ, lambda *_: lambda _: None))

    assert b"Variant" in body
    assert len(shop.asked) == 1
