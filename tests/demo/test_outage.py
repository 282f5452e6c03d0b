"""What visitors see while the decision server is away."""

from collections.abc import Callable
from typing import Any

from byleave.sdk import Personalise, record
from byleave.sdk.client import AGE_LIMIT_MS
from byleave.server.demo.browser import Browser
from byleave.server.demo.serving import serving
from byleave.server.demo.stage import example
from byleave.server.demo.transports import AsgiTransport
from byleave.server.listening import listen, url_of

HOST = "harbour-books.example"
AGENT = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0"}


def test_pages_go_on_adapting_until_the_snapshot_is_too_old_and_then_are_the_site_s_own(
    set_stage: Callable[..., Any],
) -> None:
    listener = listen(0)
    stage = set_stage(7, server_url=url_of(listener))
    with serving(stage.server, listener):
        stage.catch_up()
    transport = AsgiTransport(stage.shop, HOST)

    adapted = [_compare_plans(transport, stage) for _ in range(20)]
    stage.shop.client.poll()
    stage.shop.client.flush()
    still = [_compare_plans(transport, stage) for _ in range(20)]
    stage.clock.move_to(stage.clock() + AGE_LIMIT_MS + 1)
    late = [_compare_plans(transport, stage) for _ in range(20)]
    transport.close()

    plain = _plain_page(stage)
    assert {page.status for page in adapted + still + late} == {200}
    assert any(b"Trusted by 300 schools" in page.body for page in adapted)
    assert any(b"Trusted by 300 schools" in page.body for page in still)
    assert all(page.body == plain.body for page in late)


def _compare_plans(transport: Any, stage: Any) -> Any:
    browser = Browser(transport, stage.clock, headers=AGENT)
    browser.post("/.byleave/consent", {"choice": "accept", "back": "/pricing"})
    browser.get("/pricing")
    return browser.get("/pricing")


def _plain_page(stage: Any) -> Any:
    """The same page from the same shop without the middleware, for somebody who accepted."""
    shop = example("app").create_app(
        clock=stage.clock, secret=b"x" * 32, consent_banner=True, record=record
    )
    transport = AsgiTransport(shop, HOST)
    browser = Browser(transport, stage.clock, headers=AGENT)
    browser.cookies["byleave_consent"] = ("v1", None)
    page = browser.get("/pricing")
    transport.close()
    return page


def test_a_site_whose_server_was_never_there_shows_its_own_pages(
    set_stage: Callable[..., Any],
) -> None:
    stage = set_stage(8)
    nobody = listen(0)
    url = url_of(nobody)
    nobody.close()
    shop = example("app").create_app(
        clock=stage.clock, secret=b"x" * 32, consent_banner=True, record=record
    )
    alone = Personalise(
        shop,
        server=url,
        key="none",
        secrets=["s" * 32],
        clock=stage.clock,
        templates=shop.state.templates.env,
        background=False,
    )
    assert not alone.client.poll()
    transport = AsgiTransport(alone, HOST)

    page = _compare_plans(transport, stage)
    transport.close()

    assert page.status == 200
    assert page.body == _plain_page(stage).body


def test_a_first_visit_sees_no_mark_and_gets_no_identifier(
    set_stage: Callable[..., Any],
) -> None:
    stage = set_stage(9)
    stage.catch_up()
    transport = AsgiTransport(stage.shop, HOST)
    browser = Browser(transport, stage.clock, headers=AGENT)

    page = browser.get("/")
    transport.close()

    assert b"byleave:" not in page.body
    assert not browser.set_cookies
