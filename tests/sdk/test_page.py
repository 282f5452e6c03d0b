"""One response: headers, encodings, streaming, and what happens when something fails."""

import gzip
import re
import zlib
from random import Random
from typing import Any

import pytest

from byleave.segments import Choice, Consent, Purpose

FIRST_PARTY = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
HTML = ("content-type", "text/html; charset=utf-8")


def granted(_: Any) -> Consent:
    return Consent(dict.fromkeys(FIRST_PARTY, Choice.GRANTED), source="site")


def refused(_: Any) -> Consent:
    return Consent(dict.fromkeys(FIRST_PARTY, Choice.DENIED), source="site")


@pytest.fixture
def get(kit: Any, personalise: Any) -> Any:
    """Returns a page of an application that answers in a given way, as a visitor gets it."""

    def get(body: Any = kit.page, *, path: str = "/", consent: Any = granted, **given: Any) -> Any:
        sent = {k: given.pop(k) for k in ("status", "headers", "seen") if k in given}
        site = personalise(kit.html_app(body, **sent), consent=consent)
        return kit.browser(site).get(path, **given)

    return get


def filled(page: bytes) -> bytes:
    return page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")


@pytest.mark.parametrize("consent", [granted, refused])
def test_a_page_with_slots_is_private_whatever_it_shows(get: Any, consent: Any) -> None:
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
    site = personalise(kit.html_app([kit.page[:90], kit.page[90:]]), server=server, consent=granted)
    empty = personalise(kit.html_app([b"<p>", b"</p>"]), server=server, consent=granted)
    for each in (site, empty):
        each.client.poll()
        kit.browser(each).get()
        each.client.flush()

    assert len(server.of_type("exposure")) == 1


def test_trailers_rule_out_a_length(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-length", b"9")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send({**start, "trailers": True})
        await send({"type": "http.response.body", "body": kit.page})
        await send({"type": "http.response.trailers", "headers": [(b"x", b"y")]})

    answer = kit.browser(personalise(app, consent=granted)).get()

    assert answer.header("content-length") is None
    assert answer.body == filled(kit.page)
    assert answer.messages[-1] == {"type": "http.response.trailers", "headers": [(b"x", b"y")]}


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend", "new"])
def test_messages_that_we_do_not_know_go_through_after_the_start(
    kit: Any, personalise: Any, kind: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.debug", "info": 1})
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/html")],
            }
        )
        await send({"type": kind, "path": "/srv/page.html"})

    answer = kit.browser(personalise(app, consent=granted)).get()

    kinds = [message["type"] for message in answer.messages]
    assert kinds == ["http.response.debug", "http.response.start", kind]
    assert answer.headers == [("content-type", "text/html")]


def test_a_start_without_a_body_is_sent_at_the_end(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    assert kit.browser(personalise(app)).get().status == 204


def test_head_promises_nothing_about_the_body(kit: Any, personalise: Any) -> None:
    app = kit.html_app(b"", headers=(HTML, ("content-length", "200"), ("etag", '"1"')))

    answer = kit.call(personalise(app, consent=granted), method="HEAD")

    assert dict(answer.headers) == {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "private, no-cache",
        "accept-ranges": "none",
    }


def test_a_gzipped_page_is_filled_and_packed_again(kit: Any, get: Any) -> None:
    packed = gzip.compress(kit.page)

    answer = get(packed, headers=(HTML, ("content-encoding", "gzip")))

    assert gzip.decompress(answer.body) == filled(kit.page)
    assert answer.header("content-length") == str(len(answer.body))


def test_a_gzipped_stream_can_be_read_as_it_comes(kit: Any, get: Any) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(kit.page[:60]) + packer.flush(zlib.Z_SYNC_FLUSH)
    second = packer.compress(kit.page[60:]) + packer.flush()

    answer = get([first, second], headers=(HTML, ("content-encoding", "gzip")))

    unpacker = zlib.decompressobj(wbits=31)
    assert unpacker.decompress(answer.pieces[0]).startswith(b"<!doctype html>")
    assert gzip.decompress(answer.body) == filled(kit.page)


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_only_claims_to_be_gzip_goes_out_as_it_is(kit: Any, get: Any, is_stream: bool) -> None:
    body = [kit.page, b"more"] if is_stream else kit.page

    answer = get(body, headers=(HTML, ("content-encoding", "gzip")))

    assert answer.body == kit.page + (b"more" if is_stream else b"")


def test_gzip_that_breaks_on_the_way_ends_where_it_broke(kit: Any, get: Any) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(kit.page[:60]) + packer.flush(zlib.Z_SYNC_FLUSH)

    answer = get([first, b"not gzip", b""], headers=(HTML, ("content-encoding", "gzip")))

    shown = zlib.decompressobj(wbits=31).decompress(answer.body)
    assert shown.endswith(b"<body>")
    assert kit.page.startswith(shown)


@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ((("content-type", "text/html; charset=windows-1251"),), b""),
        ((("content-type", "text/html"),), b'<meta charset="windows-1251">'),
    ],
)
def test_variants_are_written_in_the_pages_charset(
    kit: Any, personalise: Any, headers: Any, start: bytes
) -> None:
    variants = {"control": "site", "b": {"html": "<h2>Привет, 世界</h2>"}}
    definitions = kit.define(experiments=kit.greeting(variants=variants))
    app = kit.html_app(start + kit.page, headers=headers)

    answer = kit.browser(personalise(app, definitions=definitions, consent=granted)).get()

    expected = "<h2>Привет, &#19990;&#30028;</h2>".encode("windows-1251")
    assert expected in answer.body


def test_an_entity_tag_names_what_the_visitor_is_shown(get: Any) -> None:
    mine = get(headers=(HTML, ("etag", '"v1"'))).header("etag")
    others = get(headers=(HTML, ("etag", 'W/"v1"')), consent=refused).header("etag")

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

    site = personalise(app, consent=refused)
    tag = kit.browser(site).get().header("etag")

    again = kit.browser(site).get(if_none_match=tag)
    owned = kit.browser(personalise(app, consent=granted)).get(if_none_match=tag)

    assert again.status == 304
    assert again.header("etag") == tag
    assert again.header("cache-control") == "private, no-cache"
    assert owned.status == 200


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


def test_a_film_may_be_asked_for_in_parts(kit: Any, get: Any) -> None:
    seen: list[Any] = []

    get(seen=seen, path="/film.mp4", sec_fetch_dest="video", accept="*/*", range="bytes=0-9")

    assert (b"range", b"bytes=0-9") in seen[0]["headers"]


def test_a_slot_may_be_named_by_a_selector(kit: Any, personalise: Any) -> None:
    page = b'<p id="greeting">Default</p>'
    site = personalise(kit.html_app(page), consent=granted, selectors={"hero": "#greeting"})

    answer = kit.browser(site).get()

    assert answer.body == b'<p id="greeting"><h2>Variant</h2></p>'


def test_setting_a_cookie_makes_any_response_private(kit: Any, personalise: Any) -> None:
    app = kit.html_app(b"<p>none</p>", headers=(HTML, ("cache-control", "public, max-age=60")))

    answer = kit.browser(personalise(app, consent=granted)).get()

    assert "__Host-byleave_profile" in answer.set_cookies
    assert answer.header("cache-control") == "private, no-cache"


def test_a_variant_that_cannot_be_shown_leaves_the_default_and_counts(
    kit: Any, personalise: Any, server: Any
) -> None:
    variants = {"control": "site", "b": {"template": "absent.html"}}
    server.definitions = kit.define(experiments=kit.greeting(variants=variants))
    site = personalise(server=server, consent=granted)
    site.client.poll()

    answer = kit.browser(site).get()
    site.client.flush()

    assert b"<h2>Default</h2>" in answer.body
    assert len(server.of_type("exposure")) == 1


class Failing:
    """Random bytes that run out after some calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, size: int) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("no more of it")
        return bytes(size)


@pytest.mark.parametrize("calls", range(5))
@pytest.mark.parametrize("is_stream", [False, True])
def test_whatever_fails_and_whenever_the_page_goes_out_whole(
    kit: Any, personalise: Any, server: Any, calls: int, is_stream: bool
) -> None:
    body = [kit.page[:90], kit.page[90:]] if is_stream else kit.page
    site = personalise(
        kit.html_app(body), server=server, consent=granted, random_bytes=Failing(calls)
    )
    site.client.poll()

    answer = kit.browser(site).get()

    text = re.sub(rb"<script.*</script>", b"", answer.body)
    assert text in (kit.page, filled(kit.page))
    assert answer.status == 200


def test_a_clock_that_fails_leaves_the_site_alone(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(server=server)
    site.site.clock = lambda: 1 // 0

    answer = kit.browser(site).get()

    assert answer.body == kit.page
    assert answer.headers == [HTML]


def test_a_state_that_outgrows_its_cookie_keeps_the_arms(kit: Any, personalise: Any) -> None:
    names = [f"experiment-{i}" for i in range(12)]
    slots = {name: {"kind": "content"} for name in names}
    cap = {"exposures": 90, "within": "30d"}
    experiments = {
        name: {**kit.greeting(slot=name, cap=cap, title=name)["greeting"]} for name in names
    }
    definitions = kit.define(slots=slots, experiments=experiments)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = f"<p data-byleave-slot={scope['path'][1:]}>Default</p>".encode()
        await kit.html_app(body)(scope, receive, send)

    site = personalise(app, definitions=definitions, consent=granted)
    browser = kit.browser(site)
    chance = Random(1)
    for number in range(300):
        site.site.clock.now_ms += chance.randrange(3_000_000)
        assert b"Variant" in browser.get(f"/{names[number % 12]}").body

    assert site.site.counts["profiles shortened"] > 0
    assert len(browser.cookies["__Host-byleave_profile"]) <= 1_536
