"""Django: whole and streamed pages, synchronous and asynchronous, with the cache framework on."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.cache import cache
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from tests.server.pictures import png

from byleave.sdk import record
from byleave.sdk.images import IMAGES_PATH, name_of
from byleave.sdk.in_memory import InMemoryClient
from byleave.sdk.template_functions import decisions

PAGE = (
    '<body>{% personalise "hero" %}<h1>{{ title }}</h1>{% endpersonalise %}'
    '<p>{% why_this "hero" %}</p></body>'
)
TEMPLATES = {
    "page.html": PAGE,
    "hero.html": "<h2>{{ title }}</h2>",
    "device.html": '{% known "device" as it %}<h2>{{ it }}</h2>',
}
MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "byleave.sdk.django.Personalise",
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
]
FILLED = "<body><h2>Variant</h2><p></p></body>"
OWN = "<body><h1>A &amp; B</h1><p></p></body>"

rendered: list[str] = []
seen: list[Any] = []
tasks: list[Any] = []


def whole(request: Any) -> Any:
    rendered.append(request.path)
    seen.append((dict(request.META), dict(request.headers)))
    return render(request, "page.html", {"title": "A & B"})


async def whole_async(request: Any) -> Any:
    return whole(request)


def pieces() -> Iterator[str]:
    text = render_to_string("page.html", {"title": "A & B"})
    yield text[:10]
    yield text[10:]


async def pieces_async() -> AsyncIterator[str]:
    for piece in pieces():
        yield piece


def streamed(request: Any) -> Any:
    return StreamingHttpResponse(pieces())


async def streamed_async(request: Any) -> Any:
    return StreamingHttpResponse(pieces_async())


def data(request: Any) -> Any:
    return JsonResponse({"data-byleave-slot": "hero"})


def file(request: Any) -> Any:
    return FileResponse(Path(__file__).open("rb"), content_type="text/html")


def sign_up(request: Any) -> Any:
    record(request, "sign_up")
    return HttpResponse(b"<p>Thanks</p>")


def welcome(request: Any) -> Any:
    answer = HttpResponse(b'<body><div data-byleave-slot="hero"></div></body>')
    answer.set_cookie("session", "of one", httponly=True)
    return answer


async def begins(request: Any) -> Any:
    over = asyncio.Event()

    async def told() -> dict[str, Any]:
        await over.wait()
        return dict(decisions())

    tasks.append((asyncio.create_task(told()), over))
    return HttpResponse(b"%d" % len(decisions()))


def broken(request: Any) -> Any:
    raise LookupError


VIEWS = (whole, whole_async, streamed, streamed_async, data, file, sign_up, welcome, begins, broken)
urls = ModuleType("urls")
vars(urls)["urlpatterns"] = [path(f"{view.__name__}/", view) for view in VIEWS]

settings.configure(
    SECRET_KEY="a secret key that only tests know",  # noqa: S106  # it guards nothing
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=urls,
    MIDDLEWARE=MIDDLEWARE,
    USE_TZ=True,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "builtins": ["byleave.sdk.django_tags"],
                "loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)],
            },
        }
    ],
)
django.setup()


class Site:
    """A Django site whose middleware is loaded with the first request."""

    def __init__(self, kit: Any) -> None:
        self.headers = {"user-agent": kit.chrome, "accept": "text/html"}
        self.client = Client(raise_request_exception=False)
        self.async_client = AsyncClient(raise_request_exception=False)

    def get(self, name: str, *, is_async: bool = False, **headers: str) -> Any:
        sent = {**self.headers, **headers}
        if not is_async:
            return self.client.get(f"/{name}/", headers=sent, secure=True)
        return asyncio.run(self._get(name, sent))

    async def _get(self, name: str, sent: dict[str, str]) -> Any:
        answer = await self.async_client.get(f"/{name}/", headers=sent, secure=True)
        if answer.streaming and answer.is_async:
            answer.text_of_pieces = b"".join([piece async for piece in answer]).decode()
        return answer


def text(answer: Any) -> str:
    if not answer.streaming:
        return str(answer.content.decode())
    return str(answer.text_of_pieces if answer.is_async else answer.getvalue().decode())


@pytest.fixture
def site(kit: Any, clock: Any) -> Iterator[Any]:
    """Returns a function that makes a Django site with given arguments of the middleware."""
    cache.clear()
    rendered.clear()
    seen.clear()
    overrides = []

    def make(**options: Any) -> Site:
        given = {
            "consent": kit.granted,
            "clock": clock,
            "random_bytes": Random(7).randbytes,
            "background": False,
            **({} if "server" in options else {"definitions": kit.define()}),
            **options,
        }
        override = override_settings(BYLEAVE=given)
        override.enable()
        overrides.append(override)
        return Site(kit)

    yield make
    for override in overrides:
        override.disable()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("view", ["whole", "whole_async"])
def test_a_page_is_filled(site: Any, view: str, is_async: bool) -> None:
    answer = site().get(view, is_async=is_async)

    assert text(answer) == FILLED
    assert answer["Content-Length"] == str(len(FILLED))
    assert answer["Cache-Control"] == "private, no-cache"
    assert set(answer.cookies) == {"__Host-byleave_id", "__Host-byleave_profile"}
    assert answer.cookies["__Host-byleave_id"]["samesite"] == "Lax"


@pytest.mark.parametrize(("view", "is_async"), [("streamed", False), ("streamed_async", True)])
def test_a_streamed_page_is_filled_as_it_comes(site: Any, view: str, is_async: bool) -> None:
    answer = site().get(view, is_async=is_async)

    assert text(answer) == FILLED
    assert not answer.has_header("Content-Length")


def test_a_visitor_who_refused_gets_the_sites_own_page(kit: Any, site: Any) -> None:
    answer = site(consent=kit.refused).get("whole")

    assert text(answer) == OWN
    assert not answer.cookies


@pytest.mark.parametrize("is_async", [False, True])
def test_an_uploaded_image_is_shown_as_what_it_is(kit: Any, site: Any, is_async: bool) -> None:
    server = InMemoryClient(kit.define())
    server.images[name_of(png(), "png")] = png()
    opened, address = site(server=server), IMAGES_PATH + name_of(png(), "png")
    get = opened.async_client.get if is_async else opened.client.get
    answer = asyncio.run(get(address, secure=True)) if is_async else get(address, secure=True)

    assert (answer.status_code, answer.content) == (200, png())
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies


def test_one_cached_page_is_another_one_for_each_visitor(kit: Any, site: Any) -> None:
    def consent(scope: Any) -> Any:
        return kit.granted(scope) if "agrees" in scope["request"].COOKIES else None

    shop = site(consent=consent)
    own = shop.get("whole")
    shown = shop.get("whole", cookie="agrees=1")

    assert (text(own), text(shown)) == (OWN, FILLED)
    assert rendered == ["/whole/"]


@pytest.mark.parametrize("view", ["data", "file", "broken"])
def test_what_is_no_page_goes_out_as_it_is(kit: Any, site: Any, view: str) -> None:
    with override_settings(MIDDLEWARE=[]):
        own = Site(kit).get(view)

    answer = site().get(view)

    assert answer.status_code == own.status_code
    assert text(answer) == text(own)


def test_the_sites_templates_render_variants_and_escape(kit: Any, site: Any) -> None:
    variants = {"control": "site", "b": {"fields": {"title": "C & D", "link": "/"}}}

    answer = site(definitions=kit.define(experiments=kit.greeting(variants=variants))).get("whole")

    assert "<h2>C &amp; D</h2>" in text(answer)


@pytest.mark.parametrize(("view", "is_async"), [("whole", False), ("streamed_async", True)])
def test_the_template_of_a_variant_may_ask_about_the_visitor(
    kit: Any, site: Any, view: str, is_async: bool
) -> None:
    variants = {"control": "site", "b": {"template": "device.html"}}
    shop = site(definitions=kit.define(experiments=kit.greeting(variants=variants)))

    assert "<h2>desktop</h2>" in text(shop.get(view, is_async=is_async))


def test_a_template_says_why_it_is_different(kit: Any, site: Any) -> None:
    shop = site(definitions=kit.define(experiments=kit.greeting(audience="returning")))
    shop.get("whole")
    cache.clear()

    assert "<p>You were here before</p>" in text(shop.get("whole"))


def test_the_middleware_touches_neither_session_nor_user(site: Any) -> None:
    answer = site().get("whole")

    assert "Cookie" not in answer.get("Vary", "")


def test_a_compressed_site_still_adapts(site: Any) -> None:
    answer = site().get("streamed", **{"accept-encoding": "gzip"})

    assert gzip.decompress(answer.getvalue()).decode() == FILLED


def test_a_view_does_not_see_validators_and_what_is_around_us_does(site: Any) -> None:
    answer = site().get("whole", range="bytes=0-1", **{"if-none-match": '"a"'})

    [(meta, headers)] = seen
    hidden = {"HTTP_RANGE", "HTTP_IF_NONE_MATCH"}
    assert hidden & meta.keys() == set()
    assert {"Range", "If-None-Match"} & headers.keys() == set()
    assert hidden <= answer.wsgi_request.META.keys()


def test_a_view_sees_headers_that_come_in_several_lines(site: Any) -> None:
    shop = site()
    shop.async_client.cookies["first"] = "1"  # HTTP/2 has a line for each cookie

    answer = shop.get("whole", is_async=True, cookie="second=2", range="bytes=0-1")

    [(meta, _)] = seen
    assert text(answer) == FILLED
    assert {*re.split("[,;] ?", meta["HTTP_COOKIE"])} == {"first=1", "second=2"}
    assert "HTTP_RANGE" not in meta


def test_a_page_with_which_the_site_sets_a_cookie_is_not_shared(kit: Any, site: Any) -> None:
    shop = site(cache="signature")
    shop.get("welcome")  # by which the page is known, and the visitor has an arm
    asked = {**shop.headers, "x-original-uri": "/welcome/"}
    named = shop.client.get("/.byleave/signature", headers=asked, secure=True)

    answer = shop.get("welcome", **{"x-byleave-sig": named["X-Byleave-Sig"]})

    assert "<h2>Variant</h2>" in text(answer)
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer.cookies["session"].value == "of one"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_proxy_that_django_believes_tells_of_https(site: Any, is_async: bool) -> None:
    shop = site()
    sent = {**shop.headers, "x-forwarded-proto": "https"}

    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        get = shop.async_client.get if is_async else shop.client.get
        given = get("/whole/", headers=sent)
        answer = asyncio.run(given) if is_async else given

    assert set(answer.cookies) == {"__Host-byleave_id", "__Host-byleave_profile"}
    assert all(cookie["secure"] for cookie in answer.cookies.values())


@pytest.mark.parametrize("is_async", [False, True])
def test_our_own_routes_answer_before_the_site(site: Any, is_async: bool) -> None:
    shop = site(consent=None)
    form = {
        "data": "choice=accept&back=/whole/",
        "content_type": "application/x-www-form-urlencoded",
        "secure": True,
    }
    if is_async:
        chosen = asyncio.run(shop.async_client.post("/.byleave/consent", **form))
        shop.client.cookies = shop.async_client.cookies
    else:
        chosen = shop.client.post("/.byleave/consent", **form)
    shown = shop.get("whole")

    assert (chosen.status_code, chosen["Location"]) == (303, "/whole/")
    assert text(shown) == FILLED


def test_an_event_of_the_site_is_recorded(kit: Any, site: Any) -> None:
    shop = site(definitions=kit.define(experiments=kit.greeting(until="goal")))
    before = shop.get("whole")
    shop.get("sign_up")
    after = shop.get("whole")

    assert (text(before), text(after)) == (FILLED, OWN)


def test_a_task_that_outlives_its_request_is_told_nothing(site: Any) -> None:
    shop = site()

    async def asked() -> Any:
        answer = await shop.async_client.get("/begins/", headers=shop.headers, secure=True)
        task, over = tasks.pop()
        over.set()
        return text(answer), await task

    assert asyncio.run(asked()) == ("1", {})


def test_a_site_that_fails_to_be_read_is_shown_as_it_is(site: Any, caplog: Any) -> None:
    times = iter([0])  # one for the set-up

    answer = site(clock=lambda: next(times)).get("whole")

    assert text(answer) == OWN
    assert "request not personalised" in caplog.text


def test_the_beacon_reports(site: Any) -> None:
    answer = site().client.post(
        "/.byleave/events", json.dumps({}), content_type="text/plain", secure=True
    )

    assert answer.status_code == 204
