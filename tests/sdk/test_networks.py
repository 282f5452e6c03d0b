"""How many goals a network may reach: by day, by traffic, and whose addresses count as one."""

from random import Random

import pytest

from byleave.sdk.networks import NetworkLimit

KEY = bytes(32)
HOUR_MS = 3_600_000
NOW_MS = 20_000 * 24 * HOUR_MS


def taken(limit: NetworkLimit, address: str, times: int, *, now_ms: int = NOW_MS) -> int:
    return sum(limit.take(address, now_ms=now_ms) for _ in range(times))


def test_a_days_goals_may_come_at_once_and_more_come_evenly() -> None:
    limit = NetworkLimit(KEY, most=24)

    at_once = taken(limit, "50.1.2.3", 100)
    by_hour = [taken(limit, "50.1.2.3", 9, now_ms=NOW_MS + h * HOUR_MS) for h in range(1, 6)]
    later = taken(limit, "50.1.2.3", 100, now_ms=NOW_MS + 72 * HOUR_MS)

    assert (at_once, by_hour, later) == (24, [1] * 5, 24)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("50.1.2.200", True),
        ("::ffff:50.1.2.9", True),
        ("50.1.3.3", False),
        ("2a00:1450:4001:82a::200e", False),
    ],
)
def test_addresses_of_one_network_share_what_it_may_reach(other: str, is_same: bool) -> None:
    limit = NetworkLimit(KEY, most=5)
    taken(limit, "50.1.2.3", 5)

    assert taken(limit, other, 9) == (0 if is_same else 5)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [("2a00:1450:4001:8ff::1", True), ("2a00:1450:4001:82a::9%eth0", True), ("2a00::1", False)],
)
def test_a_customers_addresses_are_one_network(other: str, is_same: bool) -> None:
    limit = NetworkLimit(KEY, most=5)
    taken(limit, "2a00:1450:4001:82a::200e", 5)

    assert taken(limit, other, 9) == (0 if is_same else 5)


@pytest.mark.parametrize("address", ["", "127.0.0.1", "10.0.0.1", "fd00::1", "::1", "unix:/socket"])
def test_an_address_that_is_no_visitors_has_no_limit(address: str) -> None:
    assert taken(NetworkLimit(KEY, most=1), address, 50) == 50


def test_no_limit_can_be_set() -> None:
    assert taken(NetworkLimit(KEY, most=0), "50.1.2.3", 50) == 50


def test_a_network_may_have_its_part_of_a_large_site() -> None:
    """On the fifth day of 4 goals a minute; one network has tried to have each since the fourth."""
    limit, draw = NetworkLimit(KEY, most=5), Random(1)
    reached = 0
    for minute in range(5 * 24 * 60):
        now_ms = NOW_MS + minute * 60_000
        for _ in range(4):
            limit.take(f"60.{draw.randrange(256)}.{draw.randrange(256)}.1", now_ms=now_ms)
        if minute >= 3 * 24 * 60:
            reached += limit.take("50.1.2.3", now_ms=now_ms) and minute >= 4 * 24 * 60

    assert reached == pytest.approx(4 * 24 * 60 / 200, rel=0.1)
