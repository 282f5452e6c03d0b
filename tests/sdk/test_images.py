"""Uploaded images on the site's own origin: from a real server, over real HTTP, and without it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.server.pictures import KINDS, png

from byleave.sdk import wsgi
from byleave.sdk.asking import Asking, LeftAloneError
from byleave.sdk.exchange import finished
from byleave.sdk.image_store import ImageStore
from byleave.sdk.images import IMAGES_PATH, MEDIA_TYPES, AtHand, name_of
from byleave.sdk.in_memory import InMemoryClient
from byleave.sdk.state_dir import StateDir
from byleave.sdk.wire import Answer, Question
from byleave.server.app import create_app
from byleave.server.demo.serving import serving
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

UNKNOWN = f"{'0' * 64}.png"


class Shop:
    """A server that listens on this machine, and what is done to the images that it sends."""

    def __init__(self, kit: Any, path: Path, clock: Any) -> None:
        other = Service(path, site="other", clock=clock)
        self.foreign = other.images.add(png(shade=3), file="a.png", author="test").image
        other.close()
        self.service = Service(path, site="shop", clock=clock)
        self.shown = self.add(png(shade=1))
        self.hidden = self.add(png(shade=2))
        content = f'<img src="{IMAGES_PATH}{self.shown}" alt="Spring">'
        definitions = kit.define(
            goals={"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
            experiments=kit.greeting(variants={"control": "site", "b": {"html": content}}),
        )
        self.service.publish(definitions, reason="test", author="test")
        self.key = self.service.create_key(Role.SERVER)
        self.asked: list[str] = []
        self.status = 200
        self.instead: bytes | None = None
        self._app = create_app(self.service)

    def add(self, data: bytes) -> str:
        return self.service.images.add(data, file="a.png", author="test").image

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/images/"):
            self.asked.append(scope["path"].rpartition("/")[2])
            if self.status != 200 or self.instead is not None:
                start = {"type": "http.response.start", "status": self.status, "headers": []}
                await send(start)
                await send({"type": "http.response.body", "body": self.instead or b""})
                return
        await self._app(scope, receive, send)


@pytest.fixture
def shop(kit: Any, tmp_path: Path, clock: Any) -> Iterator[Shop]:
    opened = Shop(kit, tmp_path / "shop.db", clock)
    yield opened
    opened.service.close()


@pytest.fixture
def start(shop: Shop, personalise: Any) -> Iterator[Callable[..., Any]]:
    """Starts a site that speaks HTTP with the server."""
    listener = listen(0)
    started = []

    def site(**options: Any) -> Any:
        started.append(personalise(server=url_of(listener), key=shop.key, **options))
        return started[-1]

    with serving(shop, listener):
        yield site
        for each in started:
            each.client.close()


def test_an_image_that_is_published_is_there_before_a_visitor_asks(
    kit: Any, shop: Shop, start: Any
) -> None:
    site = start(consent=kit.refused)
    site.client.poll()
    asked = [*shop.asked]
    shop.status = 503

    answer = kit.browser(site).get(IMAGES_PATH + shop.shown)

    assert asked == shop.asked == [shop.shown]
    assert (answer.status, answer.body) == (200, png(shade=1))
    assert dict(answer.headers) == {
        "content-type": "image/png",
        "cache-control": "public, max-age=31536000, immutable",
        "etag": f'"{shop.shown}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "content-length": str(len(png())),
    }


def test_an_image_that_did_not_come_ahead_comes_with_a_later_poll(
    kit: Any, shop: Shop, start: Any
) -> None:
    site = start()
    shop.status = 503
    site.client.poll()
    shop.status = 200
    for _ in range(3):
        site.client.poll()
    asked = [*shop.asked]
    shop.status = 503

    assert asked == [shop.shown] * 2
    assert kit.browser(site).get(IMAGES_PATH + shop.shown).body == png(shade=1)


def test_images_come_ahead_also_for_whoever_polls_in_an_event_loop(shop: Shop, start: Any) -> None:
    site = start()

    async def poll() -> bool:
        return bool(site.client.poll())

    assert asyncio.run(poll())
    assert shop.asked == [shop.shown]


@pytest.mark.parametrize("kind", KINDS)
def test_any_other_image_of_the_site_is_fetched_once(
    kit: Any, shop: Shop, start: Any, kind: str
) -> None:
    name = shop.add(KINDS[kind]())
    site = start()

    answers = [kit.browser(site).get(IMAGES_PATH + name) for _ in range(3)]

    assert {(a.status, a.header("content-type"), a.body) for a in answers} == {
        (200, MEDIA_TYPES[kind], KINDS[kind]())
    }
    assert shop.asked == [name]


def test_a_synchronous_site_shows_images_too(kit: Any, shop: Shop) -> None:
    answers: list[tuple[str, dict[str, str]]] = []
    site = wsgi.Personalise(
        lambda *_: [b""], server=shop, key=shop.key, secrets=[kit.secret], background=False
    )

    def get(method: str) -> bytes:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": IMAGES_PATH + shop.hidden}

        def start_response(status: str, headers: list[tuple[str, str]]) -> Callable[..., object]:
            answers.append((status, dict(headers)))
            return answers.append

        return b"".join(site(environ, start_response))

    assert (get("GET"), get("HEAD")) == (png(shade=2), b"")
    assert [status for status, _ in answers] == ["200 OK"] * 2
    assert answers[0] == answers[1]
    assert answers[0][1]["content-type"] == "image/png"


def test_a_browser_that_has_it_is_told_so_and_nothing_can_be_sent_there(
    kit: Any, shop: Shop, start: Any
) -> None:
    browser, address = kit.browser(start()), IMAGES_PATH + shop.shown
    known = browser.get(address, if_none_match=f'W/"x", "{shop.shown}"')

    assert (known.status, known.body, known.header("content-length")) == (304, b"", None)
    assert known.header("cache-control") == "public, max-age=31536000, immutable"
    assert browser.post(address, {}).status == 405


@pytest.mark.parametrize(
    "name", ["", "spring.png", UNKNOWN.upper(), f"../{UNKNOWN}", f"{'0' * 64}.svg", UNKNOWN + "/"]
)
def test_the_server_is_not_asked_for_what_is_no_name(
    kit: Any, shop: Shop, start: Any, name: str
) -> None:
    answer = kit.browser(start()).get(IMAGES_PATH + name)

    assert (answer.status, answer.header("cache-control")) == (404, "no-store")
    assert shop.asked == []


def test_what_the_site_does_not_have_is_not_there_nor_is_another_sites_image(
    kit: Any, shop: Shop, start: Any
) -> None:
    browser = kit.browser(start())

    for name in (UNKNOWN, shop.foreign):
        answer = browser.get(IMAGES_PATH + name)
        assert (answer.status, answer.header("cache-control")) == (404, "no-store")
    assert shop.asked == [UNKNOWN, shop.foreign]


def test_an_image_that_cannot_be_fetched_breaks_nothing_and_comes_later(
    kit: Any, shop: Shop, start: Any
) -> None:
    shop.status = 503
    site = start(consent=kit.granted)
    assert site.client.poll()
    browser = kit.browser(site)
    missing = browser.get(IMAGES_PATH + shop.shown)
    page = browser.get()
    shop.status = 200

    assert (missing.status, missing.header("cache-control")) == (503, "no-store")
    assert (page.status, shop.shown in page.text) == (200, True)
    assert site.client.counters["images not fetched"] == 1
    assert browser.get(IMAGES_PATH + shop.shown).body == png(shade=1)


def test_bytes_that_are_not_those_of_the_name_are_shown_to_nobody(
    kit: Any, shop: Shop, start: Any
) -> None:
    shop.instead = b"<script>alert(1)</script>"
    browser = kit.browser(start())
    forged = browser.get(IMAGES_PATH + shop.shown)
    shop.instead = None

    assert (forged.status, b"script" in forged.body) == (503, False)
    assert browser.get(IMAGES_PATH + shop.shown).body == png(shade=1)


def test_an_outage_takes_no_image_from_a_site_that_keeps_its_state(
    kit: Any, shop: Shop, start: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "state"
    start(state_dir=kept).client.poll()
    shop.status, shop.asked = 503, []
    [file] = kept.glob("*.image")

    assert kit.browser(start(state_dir=kept)).get(IMAGES_PATH + shop.shown).body == png(shade=1)
    assert shop.asked == []

    file.write_bytes(b"<script>alert(1)</script>")
    assert kit.browser(start(state_dir=kept)).get(IMAGES_PATH + shop.shown).status == 503
    shop.status = 200
    assert kit.browser(start(state_dir=kept)).get(IMAGES_PATH + shop.shown).body == png(shade=1)
    assert file.read_bytes() == png(shade=1)


def test_the_disk_keeps_as_many_images_as_a_site_may_have(tmp_path: Path) -> None:
    kept = StateDir(tmp_path, key="k")
    names = [name_of(bytes([n]), "png") for n in range(202)]
    for number, name in enumerate(names):
        kept.keep_image(name, bytes([number]))

    assert len([*tmp_path.iterdir()]) == 200
    assert kept.image(names[-1]) == bytes([201])


class Absent:
    """A server that has no image."""

    def __init__(self) -> None:
        self.asked = 0

    def attach(self) -> None: ...

    def close(self) -> None: ...

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        del question, timeout_s
        self.asked += 1
        return Answer(404, {}, b"")

    within = exchange

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        return self.exchange(question, timeout_s)


def test_made_up_names_reach_the_server_now_and_then() -> None:
    server, now_s = Absent(), 100.0
    images = ImageStore(Asking(server, {}), None, monotonic=lambda: now_s)

    def ask(times: int, shown: frozenset[str] = frozenset()) -> int:
        before = server.asked
        for number in range(times):
            with suppress(LeftAloneError):
                assert finished(images.image(name_of(b"%d" % number, "png"), shown=shown)) is None
        return server.asked - before

    assert ask(200) == 50
    assert ask(1, frozenset({name_of(b"0", "png")})) == 1
    now_s += 2
    assert ask(200) == 10


def test_memory_holds_so_many_bytes_and_forgets_what_nobody_wanted() -> None:
    images, one = AtHand(), bytes(4 * 1_048_576)
    for name in ("a", "b", "c", "d", "d"):
        images.keep(name, one)
    assert images.get("a") is not None
    images.keep("e", one)

    assert [name for name in "abcde" if images.get(name) is None] == ["b"]


def test_without_a_server_there_is_no_image_unless_a_test_gives_one(
    kit: Any, personalise: Any
) -> None:
    client = InMemoryClient(kit.define())
    client.images[name_of(png(), "png")] = png()

    assert kit.browser(personalise()).get(IMAGES_PATH + UNKNOWN).status == 404
    found = kit.browser(personalise(server=client)).get(IMAGES_PATH + name_of(png(), "png"))
    assert (found.status, found.body) == (200, png())
