"""Uploaded images: kept once, within limits, of one site, gone when nothing shows them."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.server.pictures import KINDS, SECRET, png

from byleave.experiments import Definitions
from byleave.sdk.images import MEDIA_TYPES
from byleave.segments import read
from byleave.server import images as limits
from byleave.server.app import create_app
from byleave.server.backup import back_up, restore
from byleave.server.errors import ConflictError, UnknownNameError
from byleave.server.image_bytes import Flaw, ImageError
from byleave.server.images import Image
from byleave.server.keys import Role
from byleave.server.service import Service

from .conftest import DEFINITIONS


def add(service: Service, data: bytes, file: str = "spring.png") -> Image:
    return service.images.add(data, file=file, author="ann@example.com")


def showing(address: str) -> dict[str, Any]:
    """Definitions with a variant that shows an image."""
    welcome = DEFINITIONS["experiments"]["welcome"]
    variants = welcome["variants"] | {"bold": {"fields": {"image": address}}}
    slots = {"hero": {"kind": "content", "fields": {"image": "image"}, "template": "hero.html"}}
    experiments = {"welcome": welcome | {"variants": variants}}
    return DEFINITIONS | {"slots": slots, "experiments": experiments}


def test_an_image_is_named_by_its_bytes_and_read_by_its_name(service: Service, clock: Any) -> None:
    image = add(service, png(notes=SECRET))

    assert image == Image(
        image=f"{sha256(png()).hexdigest()}.png",
        file="spring.png",
        width=24,
        height=16,
        size=len(png()),
        author="ann@example.com",
        at_ms=clock(),
    )
    assert service.images.all() == [image]
    assert service.images.data(image.image) == png()
    assert service.images.data(f"{'0' * 64}.png") is None
    entry = service.library.audit()[0]
    assert (entry.action, entry.subject) == ("image.added", image.image)


def test_the_same_image_is_kept_once_however_often_and_at_once_it_comes(service: Service) -> None:
    threads = [
        Thread(target=add, args=(service, png(notes=notes)))
        for notes in (b"", b"one", b"two", b"three")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(service.images.all()) == 1
    assert [e.action for e in service.library.audit()].count("image.added") == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\fakepath\\spring.png", "spring.png"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: b\0\u202egnp.exe", "aSet-Cookie: bgnp.exe"),
        ("/", "image"),
        ("", "image"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
    ],
)
def test_a_file_name_is_words_to_show_and_nothing_else(
    service: Service, given: str, kept: str
) -> None:
    assert add(service, png(), given).file == kept


def test_a_site_has_so_many_images_and_bytes_and_no_more(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError) as told:
        add(service, bytes(limits.MOST_BYTES + 1))
    assert told.value.flaw is Flaw.BYTES

    monkeypatch.setattr(limits, "MOST_IMAGES", 1)
    first = add(service, png())
    assert add(service, png()) == first
    with pytest.raises(ImageError) as told:
        add(service, png(shade=1))
    assert told.value.flaw is Flaw.FULL

    monkeypatch.setattr(limits, "MOST_IMAGES", 9)
    monkeypatch.setattr(limits, "MOST_BYTES_IN_ALL", 2 * len(png()) - 1)
    with pytest.raises(ImageError) as told:
        add(service, png(shade=2))
    assert told.value.flaw is Flaw.FULL


def test_an_image_goes_once_neither_the_newest_version_nor_a_draft_shows_it(
    service: Service,
) -> None:
    drafted, published, unused = [add(service, png(shade=shade)) for shade in (1, 2, 3)]
    service.publish(read(Definitions, showing(published.address)), reason="image", author="tests")
    service.library.put_draft(
        "experiments/welcome", showing(drafted.address), base=2, author="tests"
    )

    assert service.images.used() == {drafted.image, published.image}
    service.images.remove(unused.image, author="tests")
    for image in (drafted, published):
        with pytest.raises(ConflictError):
            service.images.remove(image.image, author="tests")
    service.library.drop_draft("experiments/welcome", author="tests")
    service.publish(read(Definitions, DEFINITIONS), reason="without", author="tests")
    service.images.remove(published.image, author="tests")
    with pytest.raises(UnknownNameError):
        service.images.remove(published.image, author="tests")

    assert service.images.all() == [drafted]
    assert service.library.audit()[0].action == "image.removed"


@pytest.mark.parametrize("kind", KINDS)
def test_those_who_may_read_the_site_get_an_image_as_what_it_is(
    service: Service, kind: str
) -> None:
    image = add(service, KINDS[kind]())
    client = TestClient(create_app(service))
    key = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}

    answer = client.get(f"/v1/images/{image.image}", headers=key)

    assert (answer.status_code, answer.content) == (200, KINDS[kind]())
    assert answer.headers["content-type"] == MEDIA_TYPES[kind]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert client.get(f"/v1/images/{image.image}").status_code == 401


@pytest.mark.parametrize("name", ["spring.png", f"{'0' * 64}.png", f"{'0' * 64}.svg", "..%2f"])
def test_what_is_no_image_of_the_site_is_not_there(service: Service, name: str) -> None:
    client = TestClient(create_app(service))
    key = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}

    answer = client.get(f"/v1/images/{name}", headers=key)

    assert answer.status_code == 404
    assert "max-age" not in answer.headers.get("cache-control", "")


def test_another_sites_image_is_not_there(tmp_path: Path, clock: Any) -> None:
    other = Service(tmp_path / "byleave.db", site="other", clock=clock)
    image = add(other, png())
    other.close()
    service = Service(tmp_path / "byleave.db", site="shop", clock=clock)

    assert service.images.all() == []
    assert service.images.data(image.image) is None
    with pytest.raises(UnknownNameError):
        service.images.remove(image.image, author="tests")
    assert add(service, png()).image == image.image
    service.close()


@pytest.mark.postgres
def test_images_travel_between_both_kinds_of_store_in_backups(
    database: str, tmp_path: Path, open_service: Callable[..., Service], clock: Any
) -> None:
    first = open_service()
    kept = [add(first, png(shade=shade)) for shade in range(50)]
    back_up(tmp_path / "byleave.db", tmp_path / "one.backup")
    restore(tmp_path / "one.backup", database, now_ms=clock())
    second = Service(database, site="shop", clock=clock)
    known = second.images.all()
    kept.append(add(second, png(shade=99)))
    back_up(database, tmp_path / "two.backup")
    second.close()
    restore(tmp_path / "two.backup", tmp_path / "third.db", now_ms=clock())
    third = open_service("third.db")

    assert sorted(each.image for each in known) == sorted(each.image for each in kept[:50])
    assert {each.image for each in third.images.all()} == {each.image for each in kept}
    assert third.images.data(kept[50].image) == png(shade=99)
