"""Keys open what their role may, links open one page for a while, and neither can be guessed."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from byleave.server import schema
from byleave.server.keys import Role
from byleave.server.links import may_open
from byleave.server.service import Service

HOUR_MS = 3_600_000


@pytest.mark.parametrize("role", list(Role))
def test_a_key_tells_its_role(service: Service, role: Role) -> None:
    key = service.create_key(role)

    assert service.keys.role(key) is role


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.replace("public", "server"),
        lambda key: key.rpartition("_")[0] + "_",
        lambda key: "",
        lambda key: "byleave__",
        lambda key: "ключ",
    ],
)
def test_what_is_not_a_key_has_no_role(service: Service, spoil: Callable[[str], str]) -> None:
    key = service.create_key(Role.PUBLIC)

    assert service.keys.role(spoil(key)) is None


def test_the_store_never_holds_a_key(service: Service) -> None:
    secret = service.create_key(Role.SERVER).rpartition("_")[2]

    with service.storage.reading() as connection:
        rows = connection.execute(select(schema.api_keys)).all()

    assert len(rows) == 1
    assert secret not in str(rows)


def test_keys_open_the_service_after_a_restart(open_service: Callable[..., Service]) -> None:
    first = open_service()
    key = first.create_key(Role.ANALYST)
    first.close()

    assert open_service().keys.role(key) is Role.ANALYST


def test_without_a_seed_no_two_sites_share_a_secret(
    open_service: Callable[..., Service],
) -> None:
    one, other = (open_service(name, seed=None) for name in ("one.db", "other.db"))

    assert one.site.secret != other.site.secret
    assert one.create_key(Role.SERVER) != other.create_key(Role.SERVER)


def test_a_link_opens_its_own_page_until_it_expires(service: Service) -> None:
    now_ms = service.clock()
    leave = service.results_link("welcome", lasts_ms=HOUR_MS).partition("leave=")[2]

    def opens(key: str, leave: str, at_ms: int) -> bool:
        return may_open(service.site, key, leave, now_ms=at_ms)

    assert opens("welcome", leave, now_ms + HOUR_MS - 1)
    assert not opens("welcome", leave, now_ms + HOUR_MS)
    assert not opens("other", leave, now_ms)
    assert not opens("welcome", str(now_ms + 10 * HOUR_MS), now_ms)
    assert not opens("welcome", "", now_ms)
