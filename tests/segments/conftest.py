"""A small site to ask conditions about."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from byleave.segments import (
    Choice,
    Condition,
    Consent,
    Journey,
    Purpose,
    Segment,
    Vocabulary,
    read,
)

SHOP: dict[str, Any] = {
    "attributes": {
        "country": {"type": "string", "source": "request"},
        "path": {"type": "string", "source": "request", "purposes": ["personalisation"]},
        "faith": {"type": "string", "source": "request", "sensitive": True}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "industry": {"type": "string", "source": "server"}
        | {"purposes": ["personalisation", "analytics"], "ttl": "180d"},
        "age": {"type": "number", "source": "site"}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "is_customer": {"type": "boolean", "source": "site", "default": False}
        | {"purposes": ["personalisation", "analytics"], "ttl": "session"},
        "plan": {"type": "string", "source": "site", "one_of": ["free", "team"]}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "interests": {"type": "list", "source": "site"}
        | {"purposes": ["personalisation"], "ttl": "session"},
        "renews": {"type": "time", "source": "server"}
        | {"purposes": ["personalisation"], "ttl": "400d"},
        "illness": {"type": "string", "source": "server", "sensitive": True}
        | {"purposes": ["personalisation"], "ttl": "30d"},
    },
    "events": {
        "page_view": {"properties": {"path": "string"}, "ttl": "30d"}
        | {"purposes": ["personalisation", "analytics"]},
        "purchase": {
            "properties": {"amount": "number", "gift": "boolean", "sku": "string"},
            "ttl": "400d",
        }
        | {"purposes": ["personalisation", "analytics"]},
        "sign_up": {"purposes": ["personalisation", "analytics"]},
        "support_contact": {"purposes": ["analytics"], "ttl": "90d"},
    },
}

WORDS = read(Vocabulary, SHOP)


@pytest.fixture(scope="session")
def words() -> Vocabulary:
    """The attributes and events of a small shop, without segments."""
    return WORDS


@pytest.fixture(scope="session")
def shop() -> Callable[..., Vocabulary]:
    """Builds the shop's vocabulary with segments, each given as its `when` or in full."""

    def build(*, journeys: Mapping[str, object] | None = None, **segments: object) -> Vocabulary:
        return Vocabulary(
            attributes=WORDS.attributes,
            events=WORDS.events,
            journeys={key: read(Journey, data) for key, data in (journeys or {}).items()},
            segments={
                key.replace("_", "-"): read(
                    Segment, data if isinstance(data, dict) and "when" in data else {"when": data}
                )
                for key, data in segments.items()
            },
        )

    return build


@pytest.fixture(scope="session")
def condition() -> Callable[[object], Condition]:
    """Reads a condition from what an author writes."""

    def build(data: object) -> Condition:
        return read(Segment, {"when": data}).when

    return build


@pytest.fixture(scope="session")
def agreed() -> Callable[..., Consent]:
    """A consent that grants the named purposes and refuses all others."""

    def build(*purposes: Purpose, **others: Any) -> Consent:
        choices: Mapping[Purpose, Choice] = {
            purpose: Choice.GRANTED if purpose in purposes else Choice.DENIED for purpose in Purpose
        }
        return Consent(choices, **others)

    return build
