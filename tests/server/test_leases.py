"""One of several processes does what all could; another goes on when it is gone."""

from typing import Any

import pytest

from byleave.server.service import Service


@pytest.mark.postgres
def test_a_lease_is_one_process_s_until_it_is_over(database: str, clock: Any) -> None:
    first, second = (Service(database, site="shop", clock=clock) for _ in range(2))
    held = []
    for hours, service in ((0, first), (0, second), (0.9, first), (1, second), (2, second)):
        clock.advance(hours=hours)
        held.append(service.leases.hold("weights", lasts_ms=2 * 3_600_000))
    other = first.leases.hold("retention", lasts_ms=1)
    for service in (first, second):
        service.close()

    assert held == [True, False, True, False, True]
    assert other


@pytest.mark.postgres
def test_a_lease_taken_by_a_clock_that_was_far_ahead_binds_nobody(
    database: str, clock: Any
) -> None:
    first, second = (Service(database, site="shop", clock=clock) for _ in range(2))
    clock.advance(days=400)
    first.leases.hold("weights", lasts_ms=45_000)
    clock.advance(days=-400)
    is_taken = second.leases.hold("weights", lasts_ms=45_000)
    for service in (first, second):
        service.close()

    assert is_taken


def test_who_owns_the_store_needs_no_lease(service: Service) -> None:
    assert service.leases.hold("weights", lasts_ms=1)
    assert service.leases.hold("weights", lasts_ms=1)
