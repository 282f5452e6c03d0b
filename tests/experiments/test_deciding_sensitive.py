"""Which experiments ask about something sensitive, through whatever segments they name."""

from collections.abc import Callable

import pytest

from byleave.experiments import Decider, Definitions, local_snapshot

Define = Callable[..., Definitions]


@pytest.mark.parametrize(("name", "expected"), [("diet", {"offer"}), ("plan", set())])
def test_experiments_that_ask_about_something_sensitive_are_named(
    define: Define, name: str, expected: set[str]
) -> None:
    uses = {"source": "site", "ttl": "1d", "purposes": ["personalisation", "analytics"]}
    definitions = define(
        attributes={
            "diet": {"type": "string", "sensitive": True, **uses},
            "plan": {"type": "string", **uses},
        },
        segments={
            "inner": {"when": {"attribute": name, "equals": "x"}},
            "outer": {"when": {"segment": "inner"}},
        },
        experiments={"offer": {"audience": "outer"}},
    )

    decider = Decider(local_snapshot(definitions, now_ms=0))

    assert decider.sensitive == expected
