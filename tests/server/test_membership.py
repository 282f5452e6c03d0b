"""The server judges segments as the rules do, and foresees every moment when time changes them."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.conftest import DEFINITIONS

from byleave.experiments import Definitions
from byleave.segments import Choice, Consent, Purpose, read
from byleave.server.events import Happening
from byleave.server.membership import Judge, Known, why_not

HOUR_MS = 3_600_000
EVERY = ["personalisation", "analytics", "marketing"]
SHOP = DEFINITIONS | {
    "events": {
        "look": {"properties": {"at": "string"}, "purposes": EVERY, "ttl": "40h"},
        "buy": {"properties": {"amount": "number"}, "purposes": EVERY, "ttl": "60h"},
        "private": {"purposes": ["personalisation", "analytics"], "ttl": "9d"},
        **DEFINITIONS["events"],
    },
    "attributes": {
        "seats": {"type": "number", "source": "server", "purposes": EVERY, "ttl": "30h"},
        "renews": {"type": "time", "source": "server", "purposes": EVERY, "ttl": "90d"},
        **DEFINITIONS["attributes"],
    },
    "segments": DEFINITIONS["segments"]
    | {
        "often": {"when": {"event": "look", "count": {"at_least": 2}, "within": "5h"}},
        "gone": {
            "when": {
                "all": [
                    {"event": "look", "last": {"at_least": "7h"}},
                    {"none": [{"event": "buy", "within": "20h"}]},
                ]
            }
        },
        "spender": {"when": {"event": "buy", "sum": {"amount": {"at_least": 10}}, "within": "12h"}},
        "left-basket": {
            "when": {
                "sequence": [{"event": "look"}, {"not": "buy", "within": "3h"}],
                "within": "30h",
            }
        },
        "big": {"when": {"attribute": "seats", "at_least": 5}},
        "renewing": {"when": {"attribute": "renews", "within_next": "10h"}},
        "either": {"when": {"any": [{"segment": "often"}, {"segment": "big"}]}},
        "secret": {"when": {"event": "private"}},
        "office-hours": {"when": {"now": {"during": {"from": "09:00", "to": "17:00"}}}},
    },
}
JUDGED = ("often", "gone", "spender", "left-basket", "big", "renewing", "either")


@pytest.fixture(scope="module")
def shop() -> Definitions:
    return read(Definitions, SHOP)


def happening(number: int, name: str, at_ms: int, uses: tuple[Purpose, ...]) -> Happening:
    properties: dict[str, Any] = {"amount": 6} if name == "buy" else {"at": "/plans"}
    return Happening(
        id=f"01890000-0000-7000-8000-{number:012x}",
        visitor="ann",
        at_ms=at_ms,
        name=name,
        uses=uses,
        properties=properties,
    )


JUDGE = Judge(read(Definitions, SHOP), JUDGED, use=Purpose.MARKETING)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_between_the_moments_it_names_time_alone_changes_nothing(seed: int) -> None:
    draw = Random(seed)
    start_ms = 20_000 * 24 * HOUR_MS
    uses = (Purpose.ANALYTICS, Purpose.MARKETING)
    happened = [
        happening(n, draw.choice(["look", "buy"]), start_ms + draw.randrange(10) * HOUR_MS, uses)
        for n in range(draw.randrange(1, 7))
    ]
    attributes: dict[str, Any] = {}
    if draw.random() < 0.7:
        attributes["seats"] = (draw.randrange(9), start_ms)
        attributes["renews"] = (start_ms + draw.randrange(60) * HOUR_MS, start_ms)
    known = Known(
        happened=sorted(happened, key=lambda event: (event.at_ms, event.id)),
        attributes=attributes,
        stated=None,
    )
    standing = JUDGE.standing(known, now_ms=start_ms + 10 * HOUR_MS)

    # Whatever changes does so at a full hour, or right after one.
    for hour in range(11, 100):
        for off in (-1, 0, 1):
            at_ms = start_ms + hour * HOUR_MS + off
            while standing.next_ms is not None and standing.next_ms <= at_ms:
                standing = JUDGE.standing(known, now_ms=standing.next_ms)
            assert standing.segments == JUDGE.inside(known, now_ms=at_ms)


def test_nothing_is_known_without_the_grant_of_the_use(shop: Definitions) -> None:
    judge = Judge(shop, JUDGED, use=Purpose.MARKETING)
    analytics = (Purpose.ANALYTICS,)
    both = (Purpose.ANALYTICS, Purpose.MARKETING)

    def segments(uses: tuple[Purpose, ...], stated: Consent | None = None) -> frozenset[str]:
        happened = [happening(n, "look", 1_000_000 + n, uses) for n in range(2)]
        known = Known(happened=happened, attributes={}, stated=stated)
        return judge.standing(known, now_ms=1_000_010).segments

    refused = Consent({Purpose.ANALYTICS: Choice.GRANTED, Purpose.MARKETING: Choice.DENIED})
    granted = Consent(dict.fromkeys(both, Choice.GRANTED))
    assert segments(both) == {"often", "either"}
    assert segments(both, granted) == {"often", "either"}
    assert segments(both, refused) == frozenset()
    assert segments(analytics) == frozenset()
    # What was collected without the grant is not brought in by a later one.
    assert segments(analytics, granted) == frozenset()


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("secret", "may not be used for marketing"),
        ("customers", "may not be used for marketing"),
        ("office-hours", "time of day"),
        ("often", None),
    ],
)
def test_it_says_why_a_segment_cannot_be_judged(
    shop: Definitions, segment: str, reason: str | None
) -> None:
    why = why_not(shop, segment, use=Purpose.MARKETING)

    assert why is None if reason is None else reason in (why or "")


def test_what_only_the_site_knows_cannot_be_judged(shop: Definitions) -> None:
    why: Callable[..., Any] = why_not

    assert "only the site knows" in why(shop, "customers", use=Purpose.ANALYTICS)
