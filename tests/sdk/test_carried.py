"""What the server knows of a visitor is carried in their cookie, under the grants of the time."""

from typing import Any

import pytest

from byleave.sdk.in_memory import InMemoryClient
from byleave.segments import Choice, Consent, Purpose

HOUR_MS = 3_600_000
BOTH = ["personalisation", "analytics"]
KNOWN = {"type": "string", "source": "server", "purposes": BOTH, "ttl": "30d"}


class Shop:
    """A site for those in shipping, and what its server knows of its one visitor."""

    def __init__(self, kit: Any, personalise: Any, clock: Any, **options: Any) -> None:
        self.clock = clock
        self.consent: dict[Purpose, Choice] = dict.fromkeys(
            (Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED
        )
        attributes = {"industry": KNOWN, "salary": {**KNOWN, "fresh": True}}
        self.client = InMemoryClient(kit.define(attributes=attributes), now_ms=clock())
        site = personalise(
            kit.html_app(),
            server=self.client,
            consent=lambda _: Consent(self.consent, source="site"),
            **options,
        )
        self.browser = kit.browser(site)
        self.browser.get()
        self.visitor = str(self.client.events[0]["visitor"])
        self.knows(industry="shipping", salary="much")
        aimed = kit.define(
            attributes=attributes,
            segments={"ships": {"when": {"attribute": "industry", "equals": "shipping"}}},
            experiments=kit.greeting(
                audience="ships",
                variants={"control": "site", "b": {"html": "<h2>For {{ industry | you }}</h2>"}},
            ),
        )
        self.client.use(aimed, now_ms=clock())

    def knows(self, **values: Any) -> None:
        self.client.known[self.visitor] = values

    def shown(self) -> str:
        return str(self.browser.get().text)

    def kept(self) -> Any:
        return self.browser.get("/.byleave/profile", accept="application/json").text


@pytest.fixture
def shop(kit: Any, personalise: Any, clock: Any) -> Shop:
    return Shop(kit, personalise, clock)


def test_a_report_brings_what_the_server_knows_and_pages_use_it(shop: Shop) -> None:
    before = shop.shown()
    shop.browser.report({})

    assert '"refresh":true' in before
    assert "<h2>Default</h2>" in before
    assert "<h2>For shipping</h2>" in shop.shown()
    assert '"refresh":true' not in shop.shown()
    assert '"value": "shipping"' in shop.kept()
    assert "much" not in shop.kept()


def test_it_is_asked_for_once_an_hour(shop: Shop) -> None:
    shop.browser.report({})
    shop.knows(industry="farming")
    shop.browser.report({})
    still = shop.shown()
    shop.clock.now_ms += HOUR_MS
    shop.browser.report({})

    assert "<h2>For shipping</h2>" in still
    assert "<h2>Default</h2>" in shop.shown()


def test_it_is_forgotten_a_day_after_it_was_confirmed(shop: Shop) -> None:
    shop.browser.report({})
    shop.clock.now_ms += 24 * HOUR_MS

    assert "<h2>Default</h2>" in shop.shown()


def test_it_is_gone_with_the_consent_it_was_collected_under(shop: Shop) -> None:
    shop.browser.report({})
    shop.consent[Purpose.PERSONALISATION] = Choice.DENIED
    refused = shop.browser.get()

    assert "<h2>Default</h2>" in refused.text
    assert not [name for name in shop.browser.cookies if "profile" in name]


def test_a_server_that_fails_costs_nothing_and_what_is_carried_stays(shop: Shop) -> None:
    shop.browser.report({})
    shop.clock.now_ms += HOUR_MS
    del shop.client.known  # so that asking fails
    answer = shop.browser.report({})

    assert answer.status == 204
    assert "<h2>For shipping</h2>" in shop.shown()


@pytest.mark.parametrize("value", ["x" * 201, ["a", "b"], None])
def test_what_a_cookie_has_no_room_for_is_not_carried(shop: Shop, value: Any) -> None:
    shop.knows(industry=value)
    shop.browser.report({})

    assert "<h2>Default</h2>" in shop.shown()
    assert '"known": []' in shop.kept()


def test_nothing_is_asked_of_a_server_for_those_it_cannot_know(
    kit: Any, personalise: Any, clock: Any
) -> None:
    shop = Shop(kit, personalise, clock)
    stranger = kit.browser(shop.browser.app)

    stranger.report({})

    assert "refresh" not in stranger.get().text


def test_a_site_without_such_attributes_asks_nothing(kit: Any, personalise: Any) -> None:
    client = InMemoryClient(kit.define(), now_ms=kit.now_ms)
    browser = kit.browser(personalise(server=client, consent=kit.granted))
    browser.get()

    assert "refresh" not in browser.get().text
