"""Receipt keys are rotated without losing a receipt, and end 48 hours later, on every node."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from starlette.testclient import TestClient

from byleave.experiments import Definitions, load_snapshot
from byleave.sdk.receipts import Receipt, mint
from byleave.segments import plain
from byleave.server import migrations, schema
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.receipt_keys import receipt_keys
from byleave.server.service import Service

VIEW, ROW = "view1234", "welcome.1.1.0"
HOUR_MS = 3_600_000


def signed(service: Service, clock: Any, *, view: str = VIEW) -> str:
    """A receipt as a site mints it that has the snapshot of this service."""
    key = service.published.snapshot.signing_key(clock())
    return mint(Receipt(view, clock(), ((ROW, 1),)), key)


def takes(service: Service, send: Any, receipt: str, *, view: str = VIEW) -> bool:
    return service.ingest([send.reward(service, view, receipt=receipt)]).accepted == 1


def test_a_receipt_of_the_earlier_key_counts_until_48_hours_after_the_rotation(
    service: Service, send: Any, clock: Any
) -> None:
    stale = load_snapshot(plain(service.published.snapshot))

    def still_minted(view: str) -> str:
        """What a site that cannot reach the server goes on to mint."""
        return mint(Receipt(view, clock(), ((ROW, 1),)), stale.signing_key(clock()))

    before = signed(service, clock)
    service.rotate_receipts(author="tests")
    clock.advance(hours=23)
    assert takes(service, send, before)
    clock.advance(hours=25 - 0.001)
    assert takes(service, send, still_minted("view2345"), view="view2345")
    clock.advance(hours=0.001)
    assert not takes(service, send, still_minted("view3456"), view="view3456")
    assert takes(service, send, signed(service, clock, view="view4567"), view="view4567")


def test_what_a_revoked_key_signed_counts_no_more_and_the_new_one_signs_at_once(
    service: Service, send: Any, clock: Any
) -> None:
    before = signed(service, clock)
    service.rotate_receipts(author="tests")
    clock.advance(hours=1)
    after = signed(service, clock, view="view2345")

    made = service.rotate_receipts(author="tests", revoke=True)

    assert service.published.snapshot.receipt_keys == (made,)
    assert not takes(service, send, before)
    assert not takes(service, send, after, view="view2345")
    assert takes(service, send, signed(service, clock, view="view3456"), view="view3456")


def test_a_revoked_key_stays_revoked(
    open_service: Callable[..., Service], definitions: Definitions, clock: Any
) -> None:
    first = open_service()
    first.publish(definitions, reason="first", author="tests")
    stolen = {each.key for each in first.published.snapshot.receipt_keys}
    stolen.add(first.rotate_receipts(author="tests").key)
    made = [first.rotate_receipts(author="tests", revoke=revoke) for revoke in (True, True, False)]
    first.close()
    again = open_service()

    with again.storage.reading() as connection:
        kept = receipt_keys(connection, again.site)
    assert kept == again.published.snapshot.receipt_keys == tuple(made[1:])
    assert len({each.key for each in made} | stolen) == 5


def test_a_new_key_signs_once_everybody_can_know_it(service: Service, clock: Any) -> None:
    before = service.published.snapshot.signing_key(clock())

    made = service.rotate_receipts(author="tests")

    snapshot = service.published.snapshot
    assert made.key != before
    assert snapshot.signing_key(clock()) == before
    assert snapshot.accepted_keys(clock()) == [before, made.key]
    assert snapshot.signing_key(clock() + 60_000) == made.key


def test_keys_of_no_use_any_more_leave_the_snapshot(
    service: Service, definitions: Definitions, clock: Any
) -> None:
    made = [service.rotate_receipts(author="tests").key for _ in range(2)]
    clock.advance(hours=48)
    service.rotate_receipts(author="tests")

    keys = [each.key for each in service.published.snapshot.receipt_keys]

    assert keys[0] == made[1]
    assert len(keys) == 2
    assert len({*keys, *made}) == 3


def test_a_receipt_of_a_key_that_never_was_is_refused(
    service: Service, send: Any, clock: Any
) -> None:
    service.rotate_receipts(author="tests")
    forged = mint(Receipt(VIEW, clock(), ((ROW, 1),)), "a key that never was")

    assert not takes(service, send, forged)


def take_back(connection: Connection, *, to: str) -> None:
    """Take away what later steps than one of the store's history added."""
    folder = Path(migrations.__file__).parent
    scripts = ScriptDirectory(folder, version_locations=[folder])
    with create_engine("sqlite://").begin() as empty:
        with Operations.context(MigrationContext.configure(empty)):
            for step in reversed([*scripts.iterate_revisions(to, "base")]):
                step.module.upgrade()
        there = inspect(empty)
        older = {
            name: {c["name"] for c in there.get_columns(name)} for name in there.get_table_names()
        }
        indexes = {each["name"] for name in older for each in there.get_indexes(name)}
    for table in schema.metadata.sorted_tables:
        if table.name not in older:
            table.drop(connection)
            continue
        for index in table.indexes:
            if index.name not in indexes:
                index.drop(connection)
        for column in set(table.c.keys()) - older[table.name]:
            connection.execute(text(f"ALTER TABLE {table.name} DROP COLUMN {column}"))
    connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": to})


def test_a_store_of_an_earlier_version_goes_on_with_the_key_it_had(
    open_service: Callable[..., Service], definitions: Definitions, send: Any, clock: Any
) -> None:
    service = open_service()
    service.publish(definitions, reason="first", author="tests")
    # Before there were several keys, the one followed from the site's secret.
    minted = mint(Receipt(VIEW, clock(), ((ROW, 1),)), service.site.derived("receipt"))
    with service.storage.writing() as connection:
        take_back(connection, to="0008")
    service.close()

    upgraded = open_service()
    upgraded.rotate_receipts(author="tests")
    clock.advance(hours=23)

    assert takes(upgraded, send, minted)


def test_keys_are_the_same_after_a_restart_and_without_definitions(
    open_service: Callable[..., Service], definitions: Definitions, clock: Any
) -> None:
    first = open_service()
    made = first.rotate_receipts(author="tests")
    first.close()

    again = open_service()
    again.publish(definitions, reason="first", author="tests")

    assert again.published.snapshot.accepted_keys(clock())[-1] == made.key


def test_without_a_seed_no_two_keys_are_alike(open_service: Callable[..., Service]) -> None:
    one, other = (open_service(name, seed=None) for name in ("one.db", "other.db"))

    assert one.rotate_receipts(author="tests").key != other.rotate_receipts(author="tests").key


def test_who_rotated_is_kept_and_the_key_is_not_told(service: Service) -> None:
    made = service.rotate_receipts(author="ann@example.com")

    entry = service.library.audit()[0]

    assert (entry.author, entry.action, entry.subject) == (
        "ann@example.com",
        "receipt-key.created",
        "2",
    )
    assert made.key not in str(service.library.audit())


def test_an_admin_rotates_over_http_and_is_told_from_when_on(service: Service, clock: Any) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(Role.ADMIN)}"}
    with TestClient(create_app(service), headers=headers) as admin:
        answer = admin.post("/v1/receipt-keys")

    assert answer.status_code == 201
    assert answer.json() == {
        "signs_from_ms": clock() + 60_000,
        "earlier_until_ms": clock() + 48 * HOUR_MS,
    }
    assert len(service.published.snapshot.receipt_keys) == 2


def test_an_admin_revokes_over_http(service: Service, clock: Any) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(Role.ADMIN)}"}
    before = service.published.snapshot.receipt_keys
    with TestClient(create_app(service), headers=headers) as admin:
        answer = admin.delete("/v1/receipt-keys")

    assert (answer.status_code, answer.content) == (204, b"")
    [made] = service.published.snapshot.receipt_keys
    assert made not in before
    assert service.library.audit()[0].action == "receipt-keys.revoked"


def test_an_old_receipt_is_still_found_by_whoever_looks_it_up(
    service: Service, send: Any, clock: Any
) -> None:
    receipt = signed(service, clock)
    service.rotate_receipts(author="tests")
    clock.advance(hours=100)
    headers = {"Authorization": f"Bearer {service.create_key(Role.ANALYST)}"}
    with TestClient(create_app(service), headers=headers) as analyst:
        page = analyst.post("/console/why", data={"do": "look", "receipt": receipt})

    assert not takes(service, send, receipt)
    assert ROW in page.text


@pytest.mark.postgres
def test_every_node_takes_what_any_other_signs(
    database: str, definitions: Definitions, send: Any, clock: Any
) -> None:
    one, other = (Service(database, site="shop", clock=clock) for _ in range(2))
    one.publish(definitions, reason="first", author="tests")
    other.refresh()
    before = signed(other, clock)

    one.rotate_receipts(author="tests")
    late = signed(one, clock, view="view2345")
    is_taken_before_it_is_told = takes(other, send, late, view="view2345")
    other.refresh()
    clock.advance(hours=0.1)
    after = signed(one, clock, view="view3456")

    assert is_taken_before_it_is_told
    assert takes(one, send, before)
    assert takes(other, send, after, view="view3456")
    assert one.published.body == other.published.body
    one.close()
    other.close()


@pytest.mark.postgres
def test_of_rotations_at_once_none_is_lost(
    database: str, definitions: Definitions, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock) for _ in range(2)]
    nodes[0].publish(definitions, reason="first", author="tests")
    made: list[str] = []

    def rotate(node: Service) -> None:
        made.extend(node.rotate_receipts(author="tests").key for _ in range(10))

    threads = [Thread(target=rotate, args=[node]) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with nodes[0].storage.reading() as connection:
        kept = [each.key for each in receipt_keys(connection, nodes[0].site)]
    noted = [each for each in nodes[0].library.audit() if each.action == "receipt-key.created"]
    for node in nodes:
        node.close()

    assert len(made) == 20
    assert sorted(kept[1:]) == sorted(made)
    assert sorted(int(each.subject) for each in noted) == [*range(2, 22)]
