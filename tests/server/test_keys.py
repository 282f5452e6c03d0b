"""Keys open what their role may, links open one page for a while, and neither can be guessed."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from byleave.server import schema
from byleave.server.errors import UnknownNameError
from byleave.server.keys import Role
from byleave.server.links import may_open
from byleave.server.service import Service

HOUR_MS = 3_600_000


@pytest.mark.parametrize("role", list(Role))
def test_a_key_tells_its_role(service: Service, role: Role) -> None:
    key = service.create_key(role)

    found = service.keys.find(key, "shop")
    assert found is not None
    assert found.role is role


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

    assert service.keys.find(spoil(key), "shop") is None


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

    assert open_service().keys.find(key, "shop") is not None


def test_a_key_of_the_process_itself_opens_what_any_does_and_is_stored_nowhere(
    open_service: Callable[..., Service],
) -> None:
    first = open_service()
    key = first.create_own_key()
    first.refresh()

    found = first.keys.find(key, "shop")
    assert found is not None
    assert (found.site, found.role) == ("shop", Role.SERVER)
    assert first.keys.find(key[:-1], "shop") is None
    assert first.keys.of("shop") == []
    with first.storage.reading() as connection:
        assert connection.execute(select(schema.api_keys)).all() == []
    first.close()
    assert open_service().keys.find(key, "shop") is None


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


def test_a_key_is_rotated_without_a_gap(service: Service, clock: Callable[[], int]) -> None:
    old, new = service.create_key(Role.SERVER), service.create_key(Role.SERVER)
    name = old.removeprefix("byleave_").rpartition("_")[0]

    service.keys.end(name, at_ms=clock() + HOUR_MS, author="tests")

    found = service.keys.find(old, "shop")
    assert found is not None
    assert not found.is_over(clock())
    assert found.is_over(clock() + HOUR_MS)
    service.keys.end(name, at_ms=clock() + 2 * HOUR_MS, author="tests")
    assert [key.expires_ms for key in service.keys.of("shop") if key.name == name] == [
        clock() + HOUR_MS
    ]
    assert service.keys.find(new, "shop") is not None


def test_a_key_that_was_taken_away_is_none(service: Service) -> None:
    key = service.create_key(Role.SERVER)

    service.keys.drop(key.removeprefix("byleave_").rpartition("_")[0], author="tests")

    assert service.keys.find(key, "shop") is None
    with pytest.raises(UnknownNameError):
        service.keys.drop("server_0", author="tests")
    with pytest.raises(UnknownNameError):
        service.keys.end("server_0", at_ms=0, author="tests")


def test_who_made_and_ended_keys_is_kept(service: Service) -> None:
    service.create_key(Role.SERVER, author="ann@example.com")
    [key] = service.keys.of("shop")
    service.keys.drop(key.name, author="bob@example.com")

    told = [(entry.number, entry.author, entry.action) for entry in service.library.audit()]

    assert told[:2] == [
        (told[1][0] + 1, "bob@example.com", "key.removed"),
        (told[1][0], "ann@example.com", "key.created"),
    ]
