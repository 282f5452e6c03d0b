"""Images in the console: uploaded, chosen for a variant, seen beside its words, removed again."""

import re
from base64 import b64encode
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.server.pictures import KINDS, SCRIPT, SECRET, avif, png

from byleave.experiments import Definitions
from byleave.sdk.images import IMAGES_PATH, name_of
from byleave.segments import read
from byleave.server import images as limits
from byleave.server.app import create_app
from byleave.server.console.drafting import EXPERIMENTS, drafted
from byleave.server.console.images_page import MOST_FORM_BYTES
from byleave.server.keys import Role
from byleave.server.service import Service

from .builder import fields_in
from .conftest import DEFINITIONS

IMAGES = "/console/images"
BOLD = "/console/drafts/welcome/variants/bold"
FIELDS = {"title": "text", "image": "image", "image_alt": "text"}
SITE: dict[str, Any] = DEFINITIONS | {
    "attributes": DEFINITIONS["attributes"] | {"language": {"type": "string", "source": "request"}},
    "slots": {"hero": {"kind": "content", "fields": FIELDS, "template": "hero.html"}},
}
ADDRESS = IMAGES_PATH + name_of(png(), "png")


@pytest.fixture
def site(service: Service) -> Service:
    """A site whose hero has an image and its alt text."""
    service.publish(read(Definitions, SITE), reason="fields", author="tests")
    return service


@pytest.fixture
def client(site: Service) -> TestClient:
    """The browser of a marketer."""
    key = site.create_key(Role.MARKETER)
    return TestClient(create_app(site), headers={"Authorization": f"Bearer {key}"})


def send(client: TestClient, path: str, data: bytes, name: str = "a.png", **values: str) -> Any:
    return client.post(path, data=values, files={"file": (name, data, "text/html")})


def save(client: TestClient, do: str = "save", locales: str = "", **fields: str) -> Any:
    given = {f"field-{name.replace('__', ':')}": text for name, text in fields.items()}
    held = dict(fields_in(client.get(BOLD).text))["draft"]
    values = {"kind": "fields", "do": do, "draft": held, "locales": locales, **given}
    return client.post(BOLD, data=values, follow_redirects=False)


def kept(service: Service) -> Any:
    return drafted(service, EXPERIMENTS, "welcome")["variants"]["bold"]["fields"]


def advised(page: str) -> str:
    return unescape(re.sub(r"(<[^>]*>|\s)+", " ", page.partition('id="advice"')[2]))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_of_each_kind_is_taken_whatever_it_calls_itself(
    site: Service, client: TestClient, kind: str
) -> None:
    page = send(client, IMAGES, KINDS[kind](), name="C:\\spring <b>.exe").text
    [image] = site.images.all()

    assert image.image == name_of(KINDS[kind](), kind)
    assert f'src="/v1/images/{image.image}" alt="spring &lt;b&gt;.exe"' in page
    assert "<b>" not in page
    assert client.get(f"/v1/images/{image.image}").content == KINDS[kind]()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose a file first."),
        (SCRIPT, "This is no PNG, JPEG, GIF, WebP or AVIF"),
        (png()[:-20], "damaged or was cut short"),
        (avif(notes=SECRET), "holds notes such as where it was taken"),
        (png(30_000, 30_000), "too many pixels"),
        (png() + bytes(limits.MOST_BYTES), "1 MiB at most"),
    ],
)
def test_what_is_not_taken_is_told_beside_its_field(
    site: Service, client: TestClient, data: bytes, said: str
) -> None:
    answer = send(client, IMAGES, data)

    assert answer.status_code == 422
    assert said in answer.text
    assert 'href="#file"' in answer.text
    assert site.images.all() == []


def test_a_body_that_is_too_long_is_refused_unread_and_told(
    site: Service, client: TestClient
) -> None:
    answer = send(client, IMAGES, bytes(MOST_FORM_BYTES))

    assert answer.status_code == 413
    assert "an image may have 1 MiB at most" in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--y\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 99 + b"--x--\r\n",
        ),
    ],
)
def test_what_is_no_form_is_refused(client: TestClient, kind: str, body: bytes) -> None:
    answer = client.post(IMAGES, content=body, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert "This form could not be read" in answer.text


def test_a_full_site_says_so(
    client: TestClient, site: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_IMAGES", 0)

    assert "as many images as it may" in send(client, IMAGES, png()).text


def test_an_image_is_chosen_for_a_field_and_seen_beside_the_words(
    site: Service, client: TestClient
) -> None:
    first = save(client, "image:image", title="Spring", image="/old.png", image_alt="A meadow")
    picker = client.get(first.headers["location"])
    assert "There is none yet" in picker.text
    done = client.post(
        f"{BOLD}/image",
        data={"field": "image"},
        files={"file": ("meadow.png", png(notes=SECRET), "image/png")},
        follow_redirects=False,
    )
    page = client.get(BOLD).text

    assert done.headers["location"] == f"{BOLD}#field-image"
    assert kept(site) == {"title": "Spring", "image": ADDRESS, "image_alt": "A meadow"}
    assert f'class="thumb" src="/v1/images/{name_of(png(), "png")}" alt="meadow.png"' in page
    inline = f"data:image/png;base64,{b64encode(png()).decode()}"
    assert inline in unescape(page)
    assert "nothing to mend was found" in page

    other = site.images.add(png(shade=7), file="b.png", author="tests")
    assert "Use b.png" in client.get(f"{BOLD}/image?field=image").text
    client.post(f"{BOLD}/image", data={"field": "image", "image": other.image})
    assert kept(site)["image"] == other.address


def test_each_locale_may_have_an_image_of_its_own(site: Service, client: TestClient) -> None:
    save(client, locales="de", title__de="Frühling", image__de="", image_alt__de="")
    image = site.images.add(png(), file="a.png", author="tests")

    page = client.post(f"{BOLD}/image", data={"field": "image:de", "image": image.image}).text

    assert kept(site)["image"] == {"de": ADDRESS}
    assert "Choose or upload: image in German" in page
    assert "This image has no alt text, as one that only decorates: image (de)" in advised(page)


@pytest.mark.parametrize("field", ["", "title", "image:de", "nothing", "image:"])
def test_there_is_nothing_to_choose_for_what_is_no_field_of_an_image(
    site: Service, client: TestClient, field: str
) -> None:
    save(client, title="Spring", image="/old.png", image_alt="")

    assert client.get(f"{BOLD}/image", params={"field": field}).status_code == 404
    assert send(client, f"{BOLD}/image", png(), field=field).status_code == 404
    assert site.images.all() == []
    assert kept(site)["image"] == "/old.png"


def test_a_variant_without_fields_takes_no_image(client: TestClient) -> None:
    assert client.get(f"{BOLD}/image?field=image").status_code == 404


def test_a_fault_keeps_whoever_chooses_where_they_are(site: Service, client: TestClient) -> None:
    save(client, title="Spring", image="", image_alt="")
    faulty = send(client, f"{BOLD}/image", SCRIPT, field="image")
    gone = client.post(f"{BOLD}/image", data={"field": "image", "image": name_of(b"", "png")})

    assert faulty.status_code == 422
    assert 'name="field" value="image"' in faulty.text
    assert f'action="{BOLD}/image"' in faulty.text
    assert (gone.status_code, "It was removed meanwhile" in gone.text) == (404, True)
    assert kept(site)["image"] == ""


def test_an_image_goes_once_nothing_shows_it_and_somebody_is_sure(
    site: Service, client: TestClient
) -> None:
    used = site.images.add(png(), file="used.png", author="tests")
    unused = site.images.add(png(shade=1), file="unused.png", author="tests")
    save(client, title="Spring", image=used.address, image_alt="")
    page = client.get(IMAGES).text
    asked = client.post(f"{IMAGES}/{unused.image}/removal").text

    assert ("Remove unused.png" in page, "Remove used.png" in page) == (True, False)
    assert 'name="sure" value="yes"' in asked
    assert "has a gap in its place, should it be brought back" in asked
    assert len(site.images.all()) == 2

    statuses = [
        client.post(f"{IMAGES}/{image}/removal", data=sure).status_code
        for image in (used.image, unused.image, unused.image)
        for sure in ({"sure": "yes"}, {})
    ]
    assert statuses == [409, 409, 200, 404, 404, 404]
    assert [each.image for each in site.images.all()] == [used.image]


def test_who_brings_a_version_back_is_told_of_images_that_are_gone(
    site: Service, client: TestClient
) -> None:
    fields = {"title": "Spring", "image": ADDRESS, "image_alt": ""}
    site.images.add(png(), file="a.png", author="tests")
    welcome = SITE["experiments"]["welcome"] | {
        "variants": {"control": "site", "bold": {"fields": fields}}
    }
    old = read(Definitions, SITE | {"experiments": {"welcome": welcome}})
    site.publish(old, reason="spring", author="tests")
    version = site.library.newest()
    site.publish(read(Definitions, SITE), reason="without it", author="tests")

    before = client.get(f"/console/history/{version}").text
    site.images.remove(name_of(png(), "png"), author="tests")
    after = client.get(f"/console/history/{version}").text

    told = "An image was removed that these variants show."
    assert (told in before, told in after) == (False, True)
    assert "welcome / bold" in after.partition(told)[2]


def test_the_check_knows_alt_texts_and_images_that_are_gone(
    site: Service, client: TestClient
) -> None:
    save(client, title="Spring", image=ADDRESS, image_alt="")
    page = advised(client.get(BOLD).text)
    assert "This image has no alt text, as one that only decorates: image" in page
    assert f"This image was removed: {ADDRESS}" in page

    slot = {"kind": "content", "fields": {"title": "text", "image": "image"}}
    slots = {"slots": {"hero": slot | {"template": "hero.html"}}}
    site.publish(read(Definitions, SITE | slots), reason="no alt", author="tests")
    page = advised(client.get(BOLD).text)
    assert "The slot has no field for the alt text of this image: image" in page


def test_frames_hold_so_much_of_images_and_no_more(
    site: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.images.add(png(), file="a.png", author="tests")
    monkeypatch.setattr("byleave.server.console.images_page._MOST_FRAMED", len(png()) - 1)
    save(client, title="Spring", image=ADDRESS, image_alt="")

    assert "data:image/png" not in client.get(BOLD).text


def test_what_others_did_meanwhile_is_not_undone(
    site: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, title="Spring", image="", image_alt="")
    put: Callable[..., str] = site.library.put_draft

    def late(name: str, definitions: Any, **options: Any) -> str:
        put(name, definitions, base=1, author="another", text="# meanwhile")
        return put(name, definitions, **options)

    monkeypatch.setattr(site.library, "put_draft", late)
    answer = send(client, f"{BOLD}/image", png(), field="image")

    assert answer.status_code == 409
    assert "This draft was changed meanwhile" in answer.text
