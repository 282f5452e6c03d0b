"""What a CRM knows of visitors is kept as of the latest observation, whatever comes when."""

import json
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import pytest
from tests.server.conftest import DAY_MS, DEFINITIONS, START_MS

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.attributes import Observation
from byleave.server.bulk import Bad, read_json_lines, read_table
from byleave.server.http import Problem
from byleave.server.service import Service

USES = {"purposes": ["personalisation", "analytics"], "ttl": "30d", "source": "server"}
SHOP = DEFINITIONS | {
    "attributes": DEFINITIONS["attributes"]
    | {
        "industry": {"type": "string", **USES, "one_of": ["trade", "school"]},
        "seats": {"type": "number", **USES},
        "is_partner": {"type": "boolean", **USES},
        "tags": {"type": "list", **USES},
    }
}


@pytest.fixture
def shop(open_service: Callable[..., Service]) -> Service:
    service = open_service()
    service.publish(read(Definitions, SHOP), reason="first", author="tests")
    return service


def seen(at: int, visitor: str = "ann", **values: Any) -> Observation:
    return Observation(visitor=visitor, observed_ms=START_MS + at, values=values)


def known(service: Service, visitor: str = "ann") -> dict[str, Any]:
    attributes = service.export(visitor)["attributes"]
    return {name: each["value"] for name, each in attributes.items()}


def test_the_latest_observation_is_kept_in_whatever_order_they_come(shop: Service) -> None:
    told = [seen(1, seats=1), seen(3, seats=3), seen(2, seats=2), seen(3, seats=4)]

    for number, order in enumerate(permutations(told)):
        visitor = f"v{number}"
        for each in order:
            shop.observe(
                [Observation(visitor=visitor, observed_ms=each.observed_ms, values=each.values)]
            )
        assert known(shop, visitor) == {"seats": 4}


def test_one_batch_may_tell_of_a_visitor_twice(shop: Service) -> None:
    shop.observe([seen(2, seats=2), seen(1, seats=1, is_partner=True)])

    assert known(shop) == {"seats": 2, "is_partner": True}


def test_null_takes_a_value_back_and_nothing_older_brings_it_again(shop: Service) -> None:
    shop.observe([seen(2, industry=None)])
    shop.observe([seen(1, industry="trade")])

    assert known(shop) == {"industry": None}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"unheard_of": 1}, "no definition declares"),
        ({"is_customer": True}, "source server"),
        ({"seats": "12"}, "expected attribute 'seats' to be a number"),
        ({"seats": True}, "expected attribute 'seats' to be a number"),
        ({"industry": "canary"}, "one of those declared"),
    ],
)
def test_what_is_not_declared_so_is_refused_without_being_quoted(
    shop: Service, values: dict[str, Any], reason: str
) -> None:
    observed = shop.observe([seen(1, **values), seen(1, seats=2)])

    assert observed.taken == 1
    assert reason in observed.refused[0]
    assert "canary" not in observed.refused[0]


def test_what_is_too_old_or_of_the_erased_is_refused(shop: Service) -> None:
    shop.erase("bob")

    observed = shop.observe(
        [seen(-30 * DAY_MS, seats=1), seen(2 * DAY_MS, seats=1), seen(1, "bob", seats=1)]
    )

    assert observed.taken == 0
    assert [*observed.refused] == [0, 1, 2]
    assert known(shop, "bob") == {}


def observations(lines: Iterator[tuple[int, Observation | Bad]]) -> list[Any]:
    return [
        (number, each.values if isinstance(each, Observation) else each) for number, each in lines
    ]


def test_lines_of_json_are_judged_one_by_one() -> None:
    good = {"visitor": "ann", "observed_at": 1, "attributes": {"seats": 2, "tags": ["a"]}}
    body = "\n".join([json.dumps(good), "", "{", '{"visitor": "", "observed_at": 1}', "[" * 99])

    [first, *others] = observations(read_json_lines(body.encode()))

    assert first == (1, {"seats": 2, "tags": ["a"]})
    assert [(number, type(each)) for number, each in others] == [(3, Bad), (4, Bad), (5, Bad)]


def test_a_table_is_typed_by_the_definitions() -> None:
    body = (
        "visitor,seats,observed_at,is_partner,tags,industry\r\n"
        'ann,12,1795420000000,TRUE,a|b,"trade"\r\n'
        "bob,,2026-11-23T09:06:40+00:00,false,,\r\n"
        "cid,many,1,,,\r\n"
        "dan,1,2026-11-23T09:06:40,,,\r\n"
        "eve,1\r\n"
    )
    declared = read(Definitions, SHOP).attributes

    lines = observations(read_table(body.encode(), declared))

    assert lines[0] == (
        2,
        {"seats": 12.0, "is_partner": True, "tags": ["a", "b"], "industry": "trade"},
    )
    assert lines[1] == (3, {"is_partner": False})
    assert [(number, type(each)) for number, each in lines[2:]] == [(4, Bad), (5, Bad), (6, Bad)]
    assert not any("many" in str(each) for _, each in lines)


@pytest.mark.parametrize(
    "body",
    [b"", b"visitor,seats\n", b"visitor,observed_at,colour\n", b"\xff", b'visitor,observed_at\n"a'],
)
def test_what_is_no_table_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Problem):
        list(read_table(body, read(Definitions, SHOP).attributes))
