"""What is served over HTTP is what the rows of weights say, and so is what is counted."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from math import sqrt
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments.lift import sample_ratio
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.runs import newest_run
from byleave.server.service import Service
from byleave.server.sums import RunSums

CONSENT = {"choices": {"personalisation": "granted", "analytics": "granted"}}
VISITORS = 300


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """A client that brings the server key; nothing happens in the background."""
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}
    client = TestClient(create_app(service), headers=headers)
    yield client
    client.close()


def test_served_arms_match_the_published_weights(
    service: Service, client: TestClient, clock: Any, send: Any
) -> None:
    numbers = count()
    served: Counter[str] = Counter()
    expected, variance = defaultdict[str, float](float), defaultdict[str, float](float)
    for _ in range(4):
        [row] = service.published.snapshot.runs["welcome"].allocations
        events = []
        for _ in range(VISITORS):
            visitor = f"visitor-{next(numbers)}"
            question = {"visitor": visitor, "consent": CONSENT, "slots": ["hero"]}
            decided = client.post("/v1/decide", json=question).json()["decisions"]["hero"]
            if decided["reason"] == "holdout":
                continue
            arm = decided["arm"]
            assert decided["propensity"] == row.weights[arm]
            served[arm] += 1
            for each, weight in row.weights.items():
                expected[each] += weight
                variance[each] += weight * (1 - weight)
            events.append(send.exposure(visitor, arm, allocation=row.id))
            if arm == "bold" and next(numbers) % 2:
                events.append(send.event(visitor))
        for part in range(0, len(events), 500):
            accepted = client.post(
                "/v1/events", json={"events": events[part : part + 500], "sent_at": clock()}
            )
            assert accepted.status_code == 202
        service.tick(clock.advance(days=1))

    last = service.published.snapshot.runs["welcome"].allocations[0].weights
    assert last["bold"] > 0.8  # the weights did move
    for arm, units in served.items():
        assert abs(units - expected[arm]) < 4 * sqrt(variance[arm])
    clock.advance(days=10)
    service.tick(clock())
    with service.storage.reading() as connection:
        run = newest_run(connection, service.site, "welcome")
        assert run is not None
        strata = RunSums(connection, service.site, run, now_ms=clock()).strata("signup")
    assert strata.counts.sum() == sum(served.values())
    assert sample_ratio(strata).p > 0.001
