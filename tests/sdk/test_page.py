"""One response: which ones are filled, what their headers say, and how they stream."""

import asyncio
from typing import Any

import pytest

HTML = ("content-type", "text/html; charset=utf-8")


@pytest.fixture
def get(kit: Any, personalise: Any) -> Any:
    """Returns a page of an application that answers in a given way, as a visitor gets it."""

    def get(
        body: Any = kit.page, *, path: str = "/", consent: str = "granted", **given: Any
    ) -> Any:
        sent = {k: given.pop(k) for k in ("status", "headers", "seen") if k in given}
        site = personalise(kit.html_app(body, **sent), consent=getattr(kit, consent))
        return kit.browser(site).get(path, **given)

    return get


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


@pytest.mark.parametrize("consent", ["granted", "refused"])
def test_a_page_with_slots_is_private_whatever_it_shows(get: Any, consent: str) -> None:
    headers = (
        HTML,
        ("content-length", "999"),
        ("cache-control", "public, max-age=3600, s-maxage=9"),
        ("cache-control", "must-revalidate, stale-if-error=4, no-store"),
        ("expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("surrogate-control", "max-age=9"),
        ("cdn-cache-control", "max-age=9"),
        ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("accept-ranges", "bytes"),
        ("x-own", "stays"),
    )

    answer = get(consent=consent, headers=headers)

    named = {k: v for k, v in answer.headers if k != "set-cookie"}
    assert named == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(answer.body)),
        "cache-control": "private, no-cache, must-revalidate, no-store",
        "accept-ranges": "none",
        "x-own": "stays",
    }


@pytest.mark.parametrize(
    ("status", "is_filled"),
    [(200, True), (404, True), (422, True), (201, False), (206, False), (302, False), (500, False)],
)
def test_only_pages_of_some_statuses_are_filled(
    kit: Any, get: Any, status: int, is_filled: bool
) -> None:
    answer = get(status=status)

    assert answer.body == (filled(kit.page) if is_filled else kit.page)


@pytest.mark.parametrize(
    "headers",
    [
        (("content-type", "application/json"),),
        (("content-type", "text/plain"),),
        (("content-type", "text/event-stream"),),
        (HTML, ("content-disposition", 'attachment; filename="page.html"')),
        (HTML, ("content-encoding", "br")),
        (("content-type", "text/html; charset=utf-16"),),
        (("content-type", "text/html; charset=iso-2022-jp"),),
        (),
    ],
)
def test_what_is_no_page_or_cannot_be_read_goes_out_as_it_is(
    kit: Any, get: Any, headers: Any
) -> None:
    answer = get(headers=headers)

    assert answer.body == kit.page
    assert [h for h in answer.headers if h[0] in ("content-type", "content-encoding")] == [
        h for h in headers if h[0] != "content-disposition"
    ]


def test_a_page_in_pieces_stays_in_pieces(kit: Any, get: Any) -> None:
    pieces = [kit.page[:90], kit.page[90:100], b"", kit.page[100:], b""]

    answer = get(pieces, headers=(HTML, ("content-length", str(len(kit.page)))))

    assert answer.body == filled(kit.page)
    assert len(answer.pieces) == len(pieces)
    assert answer.pieces[0].startswith(b"<!doctype html>")
    assert answer.header("content-length") is None
    assert answer.header("cache-control") == "private, no-cache"
    assert "__Host-byleave_profile" in answer.set_cookies


def test_a_page_in_pieces_exposes_what_it_served(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(
        kit.html_app([kit.page[:90], kit.page[90:]]), server=server, consent=kit.granted
    )
    empty = personalise(kit.html_app([b"<p>", b"</p>"]), server=server, consent=kit.granted)
    for each in (site, empty):
        each.client.poll()
        kit.browser(each).get()
        each.client.flush()

    assert len(server.of_type("exposure")) == 1


def test_head_promises_nothing_about_the_body(kit: Any, personalise: Any) -> None:
    app = kit.html_app(b"", headers=(HTML, ("content-length", "200"), ("etag", '"1"')))

    answer = kit.call(personalise(app, consent=kit.granted), method="HEAD")

    assert dict(answer.headers) == {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "private, no-cache",
        "accept-ranges": "none",
    }


def test_an_entity_tag_names_what_the_visitor_is_shown(kit: Any, get: Any) -> None:
    mine = get(headers=(HTML, ("etag", '"v1"'))).header("etag")
    others = get(headers=(HTML, ("etag", 'W/"v1"')), consent="refused").header("etag")

    assert mine.startswith('W/"v1.byleave-')
    assert others.startswith('W/"v1.byleave-')
    assert mine != others


def test_the_site_may_say_not_modified_of_a_page_that_nobody_owns(
    kit: Any, personalise: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked = dict(scope["headers"]).get(b"if-none-match", b"")
        status = 304 if b'"v1"' in asked else 200
        headers = [(b"content-type", b"text/html"), (b"etag", b'"v1"')]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": kit.page if status == 200 else b""})

    site = personalise(app, consent=kit.refused)
    tag = kit.browser(site).get().header("etag")

    again = kit.browser(site).get(if_none_match=tag)
    owned = kit.browser(personalise(app, consent=kit.granted)).get(if_none_match=tag)

    assert again.status == 304
    assert again.header("etag") == tag
    assert again.header("cache-control") == "private, no-cache"
    assert owned.status == 200


def test_a_view_of_a_page_that_was_not_modified_is_remembered(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        is_known = b'"v1"' in dict(scope["headers"]).get(b"if-none-match", b"")
        headers = [(b"content-type", b"text/html"), (b"etag", b'"v1"')]
        status, body = (304, b"") if is_known else (200, kit.page)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    often = {"often": {"when": {"event": "page_view", "count": {"at_least": 4}, "within": "30d"}}}
    definitions = kit.define(segments=often, experiments=kit.greeting(audience="often"))
    browser = kit.browser(personalise(app, definitions=definitions, consent=kit.granted))
    tag = browser.get().header("etag")

    again = [browser.get(if_none_match=tag).status for _ in range(3)]

    assert again == [304, 304, 200]


def test_a_view_of_a_page_without_slots_that_was_not_modified_is_remembered(
    kit: Any, personalise: Any, server: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        is_known = b'"v1"' in dict(scope["headers"]).get(b"if-none-match", b"")
        start = {"type": "http.response.start", "status": 304, "headers": [(b"etag", b'"v1"')]}
        page = {**start, "status": 200, "headers": [(b"content-type", b"text/html")]}
        await send(start if is_known else page)
        await send({"type": "http.response.body", "body": b"" if is_known else b"<p>None</p>"})

    goals = {"signup": {"event": "page_view", "kind": "count", "within": "7d"}}
    server.definitions = kit.define(goals=goals)
    site = personalise(app, server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    browser.get()

    again = browser.get(if_none_match='"v1"')
    picture = browser.get("/a.png", if_none_match='"v1"', sec_fetch_dest="image")
    site.client.flush()

    assert (again.status, picture.status) == (304, 304)
    assert [event["event"] for event in server.of_type("event")] == ["page_view"] * 2
    assert "__Host-byleave_profile" in again.set_cookies


def test_a_page_that_may_have_slots_is_asked_for_whole(kit: Any, get: Any) -> None:
    seen: list[Any] = []

    get(
        seen=seen,
        range="bytes=0-9",
        if_range='"v1"',
        if_none_match='"v1", W/"v2.byleave-00"',
        if_modified_since="Thu, 01 Jan 2026 00:00:00 GMT",
    )

    names = {name for name, _ in seen[0]["headers"]}
    assert names & {b"range", b"if-range", b"if-none-match", b"if-modified-since"} == set()


def test_a_page_known_to_have_no_slots_may_be_asked_for_in_any_way(
    kit: Any, personalise: Any
) -> None:
    seen: list[Any] = []
    browser = kit.browser(personalise(kit.html_app(b"<p>none</p>", seen=seen)))
    browser.get()

    browser.get(if_none_match='"v1"')

    assert (b"if-none-match", b'"v1"') in seen[1]["headers"]


def test_an_error_page_without_slots_says_nothing_of_the_page_at_its_address(
    kit: Any, personalise: Any
) -> None:
    seen: list[Any] = []
    browser = kit.browser(personalise(kit.html_app(b"<p>gone</p>", status=404, seen=seen)))
    browser.get()

    browser.get(if_none_match='"v1"')

    assert "if-none-match" not in {name.decode() for name, _ in seen[1]["headers"]}


def test_a_film_may_be_asked_for_in_parts(kit: Any, get: Any) -> None:
    seen: list[Any] = []

    get(seen=seen, path="/film.mp4", sec_fetch_dest="video", accept="*/*", range="bytes=0-9")

    assert (b"range", b"bytes=0-9") in seen[0]["headers"]


def test_a_page_that_answers_for_an_image_is_left_alone(kit: Any, get: Any) -> None:
    answer = get(path="/favicon.ico", sec_fetch_dest="image", accept="image/*")

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_setting_a_cookie_makes_any_response_private(kit: Any, personalise: Any) -> None:
    app = kit.html_app(b"<p>none</p>", headers=(HTML, ("cache-control", "public, max-age=60")))

    answer = kit.browser(personalise(app, consent=kit.granted)).get()

    assert "__Host-byleave_profile" in answer.set_cookies
    assert answer.header("cache-control") == "private, no-cache"


def test_no_other_header_lets_a_shared_cache_keep_a_page_or_speaks_of_other_bytes(get: Any) -> None:
    given = (
        ("Vercel-CDN-Cache-Control", "max-age=9"),
        ("x-accel-expires", "9"),
        ("edge-control", "cache-maxage=9"),
        ("content-md5", "x"),
        ("content-digest", "sha-256=:x:"),
        ("repr-digest", "sha-256=:x:"),
        ("vary", "HX-Request, Accept-Encoding"),
    )

    answer = get(headers=(HTML, *given))

    assert {name for name, _ in given}.intersection(n for n, _ in answer.headers) == {"vary"}
    assert answer.header("vary") == "HX-Request, Accept-Encoding"


def test_a_part_of_a_body_is_left_alone(kit: Any, get: Any) -> None:
    headers = (HTML, ("content-range", "bytes 0-9/200"), ("etag", '"v1"'))

    answer = get(kit.page[:10], status=206, headers=headers)

    assert answer.body == kit.page[:10]
    assert answer.header("content-range") == "bytes 0-9/200"
    assert answer.header("etag") == '"v1"'


def test_a_form_that_comes_back_with_its_mistakes_is_filled_like_the_page(
    kit: Any, personalise: Any
) -> None:
    site = personalise(kit.html_app(status=422), consent=kit.granted)

    answer = kit.browser(site).post("/order", {"name": ""})

    assert answer.body == filled(kit.page)


def test_an_encoding_that_nobody_can_read_is_counted(kit: Any, personalise: Any) -> None:
    app = kit.html_app(headers=(HTML, ("content-encoding", "compress")))
    site = personalise(app, consent=kit.granted)

    kit.browser(site).get()

    assert site.site.source.counters["pages in an unknown encoding"] == 1


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "new"])
def test_connections_that_ask_for_no_page_are_the_sites_own(personalise: Any, kind: str) -> None:
    got: list[Any] = []

    async def app(*given: Any) -> None:
        got.extend(given)

    given = ({"type": kind}, object(), object())
    asyncio.run(personalise(app)(*given))

    assert all(one is other for one, other in zip(got, given, strict=True))


def test_what_is_swapped_into_a_page_brings_no_second_script(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    whole = browser.get()

    part = browser.get(hx_request="true", sec_fetch_dest="empty")

    assert b"byleave-data" in whole.body
    assert part.body == filled(kit.page)


def test_a_page_that_is_only_fetched_again_counts_for_nothing(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    browser.get()
    site.client.flush()
    told = len(server.events)

    restored = {"hx_request": "true", "hx_history_restore_request": "true"}
    again = browser.get(**restored, sec_fetch_dest="empty")
    site.client.flush()

    assert again.body == filled(kit.page)
    assert len(server.events) == told
    assert not again.set_cookies


SENSITIVE = {
    "health": {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
        "sensitive": True,
    }
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("value", "caching"),
    [("yes", "private, no-cache, no-store"), ("no", "private, no-cache")],
)
def test_what_a_sensitive_attribute_decided_is_kept_nowhere(
    kit: Any, personalise: Any, value: str, caching: str, stream: bool
) -> None:
    told = {"use": "personalisation", "when": {"attribute": "health", "equals": "yes"}}
    definitions = kit.define(
        attributes=SENSITIVE,
        segments={"told": told},
        experiments=kit.greeting(audience="told"),
    )
    site = personalise(
        kit.html_app([kit.page[:90], kit.page[90:]] if stream else kit.page),
        definitions=definitions,
        consent=kit.granted,
        attributes=lambda _: {"health": value},
    )

    assert kit.browser(site).get().header("cache-control") == caching
