"""What leaves the site with a question to the server, where the server decides."""

from collections.abc import Mapping
from typing import Any

import pytest

from byleave.sdk.in_memory import InMemoryClient


class Listening(InMemoryClient):
    """A client in memory that remembers what it was asked."""

    asked: Mapping[str, Any]

    async def decide(self, body: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        self.asked = body
        return await super().decide(body, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("consent", "told"),
    [
        ("refused", {"device": "desktop"}),
        ("granted", {"device": "desktop", "is_customer": True}),
    ],
)
def test_no_attribute_leaves_the_site_that_nobody_may_read(
    kit: Any, personalise: Any, consent: str, told: dict[str, Any]
) -> None:
    client = Listening(kit.define(), now_ms=kit.now_ms)
    site = personalise(
        server=client,
        decide="server",
        consent=getattr(kit, consent),
        attributes=lambda _: {"is_customer": True},
    )

    kit.browser(site).get()

    assert client.asked["attributes"] == told
