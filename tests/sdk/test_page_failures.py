"""What fails on the way to a page: its own bytes go out, and whoever can mend it is told."""

import re
from random import Random
from typing import Any

import pytest

HTML = ("content-type", "text/html; charset=utf-8")


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_slot_that_cannot_be_filled_is_told_once(
    kit: Any, personalise: Any, is_stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    body = b'<p data-byleave-slot="hero">never closed'
    app = kit.html_app([body, b""] if is_stream else body)
    browser = kit.browser(personalise(app, consent=kit.granted))

    pages = [browser.get().body for _ in range(2)]

    assert pages == [body, body]
    assert caplog.text.count("slot 'hero' was left alone: unclosed") == 1


def test_a_variant_that_cannot_be_shown_leaves_the_default_and_counts(
    kit: Any, personalise: Any, server: Any
) -> None:
    variants = {"control": "site", "b": {"template": "absent.html"}}
    server.definitions = kit.define(experiments=kit.greeting(variants=variants))
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()

    answer = kit.browser(site).get()
    site.client.flush()

    assert b"<h2>Default</h2>" in answer.body
    assert len(server.of_type("exposure")) == 1


class Failing:
    """Random bytes that run out after some calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, size: int) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("no more of it")
        return bytes(size)


@pytest.mark.parametrize("calls", range(5))
@pytest.mark.parametrize("is_stream", [False, True])
def test_whatever_fails_and_whenever_the_page_goes_out_whole(
    kit: Any, personalise: Any, server: Any, calls: int, is_stream: bool
) -> None:
    body = [kit.page[:90], kit.page[90:]] if is_stream else kit.page
    site = personalise(
        kit.html_app(body), server=server, consent=kit.granted, random_bytes=Failing(calls)
    )
    site.client.poll()

    answer = kit.browser(site).get()

    text = re.sub(rb"<script.*</script>", b"", answer.body)
    assert text in (kit.page, filled(kit.page))
    assert answer.status == 200


def test_a_clock_that_fails_leaves_the_site_alone(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(server=server)
    site.site.clock = lambda: 1 // 0

    answer = kit.browser(site).get()

    assert answer.body == kit.page
    assert answer.headers == [HTML]


def test_a_state_that_outgrows_its_cookie_keeps_the_arms(kit: Any, personalise: Any) -> None:
    names = [f"experiment-{i}" for i in range(12)]
    slots = {name: {"kind": "content"} for name in names}
    cap = {"exposures": 90, "within": "30d"}
    experiments = {
        name: {**kit.greeting(slot=name, cap=cap, title=name)["greeting"]} for name in names
    }
    definitions = kit.define(slots=slots, experiments=experiments)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = f"<p data-byleave-slot={scope['path'][1:]}>Default</p>".encode()
        await kit.html_app(body)(scope, receive, send)

    site = personalise(app, definitions=definitions, consent=kit.granted)
    browser = kit.browser(site)
    chance = Random(1)
    for number in range(300):
        site.site.clock.now_ms += chance.randrange(3_000_000)
        assert b"Variant" in browser.get(f"/{names[number % 12]}").body

    assert site.site.source.counters["profiles shortened"] > 0
    assert len(browser.cookies["__Host-byleave_profile"]) <= 1_536
