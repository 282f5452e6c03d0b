"""A small shop, defined as authors define it, that tests bend to their needs."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.segments import Choice, Consent, Purpose, read

SHOP: dict[str, Any] = {
    "site": "shop",
    "regions": {"default": "opt-in", "US": "opt-out"},
    "attributes": {
        "country": {"type": "string", "source": "request"},
        "plan": {
            "type": "string",
            "source": "site",
            "purposes": ["personalisation", "analytics"],
            "ttl": "session",
        },
        "complains": {
            "type": "boolean",
            "source": "server",
            "purposes": ["personalisation", "analytics"],
            "ttl": "30d",
        },
        "tongue": {
            "type": "string",
            "source": "site",
            "purposes": ["personalisation", "analytics"],
            "ttl": "session",
        },
        "mood": {
            "type": "string",
            "source": "site",
            "purposes": ["personalisation"],
            "ttl": "session",
        },
    },
    "locale": "tongue",
    "events": {
        "visit": {"purposes": ["personalisation", "analytics"], "ttl": "30d"},
        "buy": {
            "properties": {"amount": "number", "sort": "string"},
            "purposes": ["personalisation", "analytics"],
            "ttl": "400d",
        },
        "ask": {"purposes": ["analytics"], "ttl": "90d"},
        "greet": {"purposes": ["personalisation"], "ttl": "90d"},
    },
    "goals": {
        "bought": {"event": "buy", "kind": "conversion", "within": "7d"},
        "spent": {"event": "buy", "kind": "value", "of": "amount", "within": "14d", "cap": 1000.0},
        "asked": {"event": "ask", "kind": "conversion", "within": "7d", "better": "lower"},
        "clicked": {"event": "visit", "kind": "conversion", "within": "page"},
    },
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"title": "text", "picture": "image", "link": "url"},
            "template": "hero.html",
        },
        "aside": {"kind": "content"},
        "menu": {"kind": "navigation", "promote_at_most": 2},
        "mail": {"kind": "data"},
    },
    "segments": {
        "gold": {"when": {"attribute": "plan", "equals": "gold"}},
        "swiss": {"when": {"attribute": "country", "equals": "CH"}},
        "complaining": {"when": {"attribute": "complains", "equals": True}},
        "moody": {"when": {"attribute": "mood", "equals": "bad"}},
        "frequent": {"when": {"event": "visit", "count": {"at_least": 2}, "within": "7d"}},
    },
    "experiments": {
        "offer": {
            "slot": "hero",
            "variants": {"control": "site", "proof": {"template": "proof.html"}},
            "allocate": {"policy": "fixed", "goal": "bought"},
            "goals": {"primary": "bought"},
        },
    },
}


def bent(base: Any, changes: Any) -> Any:
    """Return `base` with `changes` laid over it; None takes a key away."""
    if not isinstance(base, Mapping) or not isinstance(changes, Mapping):
        return changes
    merged = {**base, **{key: bent(base.get(key, {}), value) for key, value in changes.items()}}
    return {key: value for key, value in merged.items() if value is not None}


@pytest.fixture(scope="session")
def define() -> Callable[..., Definitions]:
    """A function that returns the shop's definitions with changes: `define(site="other")`."""
    return lambda **changes: read(Definitions, bent(SHOP, changes))


@pytest.fixture(scope="session")
def offer(define: Callable[..., Definitions]) -> Callable[..., Definitions]:
    """A function that returns the shop with changes to its one experiment, `offer`."""
    return lambda **changes: define(experiments={"offer": changes})


@pytest.fixture(scope="session")
def agreed() -> Consent:
    """Consent to personalisation and analytics."""
    return Consent({Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED})
