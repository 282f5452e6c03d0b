"""A client without a network answers as a server would."""

from typing import Any

import pytest

from byleave.sdk.in_memory import InMemoryClient


@pytest.mark.parametrize(("consent", "shown"), [("granted", b"Variant"), ("refused", b"Default")])
def test_it_decides_for_a_site_that_lets_the_server_decide(
    kit: Any, personalise: Any, clock: Any, consent: str, shown: bytes
) -> None:
    client = InMemoryClient(kit.define(), now_ms=kit.now_ms, clock=clock)
    site = personalise(server=client, decide="server", consent=getattr(kit, consent))

    assert b"<h2>" + shown + b"</h2>" in kit.browser(site).get().body


def test_an_arm_that_it_gave_is_kept(kit: Any, personalise: Any) -> None:
    client = InMemoryClient(kit.define(), now_ms=kit.now_ms)
    site = personalise(server=client, decide="server", consent=kit.granted)
    browser = kit.browser(site)
    browser.get()
    browser.get()

    exposures = [event for event in client.events if event["type"] == "exposure"]
    assert len(exposures) == 2
    assert len({event["assigned_at"] for event in exposures}) == 1


def test_it_knows_what_it_was_told_of_a_visitor(kit: Any, personalise: Any) -> None:
    both = ["personalisation", "analytics"]
    manager = {"type": "boolean", "source": "server", "purposes": both, "ttl": "30d", "fresh": True}
    attributes = {"has_manager": manager}
    client = InMemoryClient(kit.define(attributes=attributes), now_ms=kit.now_ms)
    browser = kit.browser(personalise(server=client, consent=kit.granted))
    browser.get()
    managed = kit.define(
        attributes=attributes,
        segments={"managed": {"when": {"attribute": "has_manager", "equals": True}}},
        experiments=kit.greeting(audience="managed"),
    )
    client.use(managed, now_ms=kit.now_ms)
    own = browser.get().body
    client.known[client.events[0]["visitor"]] = {"has_manager": True}

    assert b"<h2>Default</h2>" in own
    assert b"<h2>Variant</h2>" in browser.get().body


def test_without_definitions_it_decides_nothing(kit: Any, personalise: Any) -> None:
    site = personalise(server=InMemoryClient(), decide="server", consent=kit.granted)

    assert kit.browser(site).get().body == kit.page
