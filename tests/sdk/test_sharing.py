"""Pages that a shared cache keeps in several forms, behind a small cache of our own."""

import re
from itertools import pairwise
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from byleave.sdk.jinja import PersonaliseExtension

HTML = ("content-type", "text/html; charset=utf-8")
SITE = (HTML, ("cache-control", "max-age=60"), ("etag", '"v1"'), ("vary", "Accept-Language"))


class Edge:
    """A shared cache that asks which form of a page a visitor is to be shown, and keeps each."""

    def __init__(self, kit: Any, site: Any) -> None:
        self.kit = kit
        self.site = site
        self.kept: dict[tuple[str, str], Any] = {}
        self.hits = 0

    def visitor(self, **headers: str) -> Any:
        return self.kit.browser(self.site, headers=headers)

    def get(self, browser: Any, path: str = "/") -> Any:
        named = browser.get("/.byleave/signature", x_original_uri=path)
        assert named.status == 204
        form = named.header("x-byleave-sig") or ""
        if (path, form) in self.kept:
            self.hits += 1
            return self.kept[path, form]
        answer = browser.get(path, **({"x_byleave_sig": form} if form else {}))
        if "public" in (answer.header("cache-control") or ""):
            assert "x-byleave-sig" in answer.header("vary")
            assert not answer.set_cookies
            self.kept[path, form] = answer
        return answer


@pytest.fixture
def edge(kit: Any, personalise: Any, server: Any) -> Any:
    def make(*, headers: Any = SITE, body: Any = kit.page, **options: Any) -> Edge:
        options.setdefault("server", server)
        options.setdefault("cache", "signature")
        site = personalise(kit.html_app(body, headers=headers), **options)
        if options["server"] is not None:
            site.client.poll()
        return Edge(kit, site)

    return make


def accepted(edge: Edge) -> Any:
    """Return a visitor who accepted and has an arm."""
    browser = edge.visitor()
    browser.choose("accept")
    browser.get()
    return browser


def test_all_who_are_shown_the_same_share_a_page(kit: Any, edge: Any, server: Any) -> None:
    cache = edge()
    first, second, refused = accepted(cache), accepted(cache), cache.visitor()
    refused.choose("refuse")

    answers = [cache.get(visitor) for visitor in (first, second, refused, first, refused)]

    variant, default = b"<h2>Variant</h2>", b"<h2>Default</h2>"
    assert [variant in answer.body for answer in answers] == [True, True, False, True, False]
    assert default in answers[2].body
    assert cache.hits == 3
    assert len(cache.kept) == 2


def test_a_cache_may_spell_a_path_as_browsers_do(edge: Any) -> None:
    cache = edge()
    visitor = accepted(cache)
    visitor.get("/über uns")

    named = visitor.get("/.byleave/signature", x_original_uri="/%C3%BCber%20uns")

    assert named.header("x-byleave-sig")


def test_a_shared_page_holds_nothing_of_a_visitor(kit: Any, edge: Any) -> None:
    cache = edge(headers=(*SITE, ("surrogate-key", "home")))
    answer = cache.get(accepted(cache))

    headers = dict(answer.headers)
    assert re.fullmatch(r'W/"v1\.byleave-[0-9a-f]{16}"', headers.pop("etag"))
    assert headers == {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(answer.body)),
        "accept-ranges": "none",
        "cache-control": "public, max-age=0, s-maxage=60",
        "vary": "Accept-Language, x-byleave-sig",
        "surrogate-key": "home byleave-hero",
    }
    assert b"receipt" not in answer.body
    assert b"pending" not in answer.body


def test_what_a_cache_serves_counts_as_often_as_it_is_served(
    kit: Any, edge: Any, server: Any
) -> None:
    cache = edge()
    visitor = accepted(cache)
    cache.site.client.flush()
    before = len(server.of_type("exposure"))

    for _ in range(3):
        cache.get(visitor)
    cache.site.client.flush()

    assert cache.hits == 2
    assert len(server.of_type("exposure")) == before + 3


def test_a_page_is_counted_once_whether_a_cache_has_it_or_not(edge: Any) -> None:
    cache = edge()
    known = accepted(cache)
    new = cache.visitor()
    new.choose("accept")
    seen = [counted(cache)]

    for visitor in (known, known, new):
        cache.get(visitor)
        seen.append(counted(cache))

    assert cache.hits == 1
    assert [after - before for before, after in pairwise(seen)] == [1, 1, 1]


def counted(cache: Edge) -> int:
    """Return how many pages were seen by those who agreed."""
    pages: int = cache.site.client.counters["page: analytics personalisation preferences"]
    return pages


def test_a_new_visitor_gets_a_page_and_an_arm_of_their_own(edge: Any, server: Any) -> None:
    cache = edge()
    accepted(cache)  # by whom the page is known
    visitor = cache.visitor()
    visitor.choose("accept")

    answer = cache.get(visitor)

    assert answer.header("cache-control") == "private, no-cache"
    assert "__Host-byleave_id" in answer.set_cookies
    assert cache.kept == {}


def test_a_page_asked_for_without_a_name_or_by_a_wrong_one_is_private(edge: Any) -> None:
    cache = edge()
    visitor = accepted(cache)

    for named in ({}, {"x_byleave_sig": "0123456789abcdef"}):
        assert visitor.get("/", **named).header("cache-control") == "private, no-cache"


@pytest.mark.parametrize(
    "headers",
    [
        (HTML, ("cache-control", "private, max-age=60")),
        (HTML, ("cache-control", "no-store")),
        (HTML, ("cache-control", "max-age=60"), ("set-cookie", "session=1")),
        (HTML, ("cache-control", "max-age=60"), ("vary", "Accept"), ("vary", "Origin, Cookie")),
        (HTML, ("cache-control", "max-age=60"), ("vary", "authorization")),
        (HTML, ("cache-control", "max-age=60"), ("vary", "*")),
    ],
)
def test_what_the_site_keeps_to_itself_is_not_shared(edge: Any, headers: Any) -> None:
    cache = edge(headers=headers)

    assert "private" in cache.get(accepted(cache)).header("cache-control")


def test_browsers_ask_again_and_a_cache_keeps_as_long_as_the_site_says(edge: Any) -> None:
    given = "public, max-age=60, s-maxage=600, stale-while-revalidate=9, must-revalidate"
    cache = edge(headers=(HTML, ("cache-control", given)))

    answer = cache.get(accepted(cache))

    said = answer.header("cache-control")
    assert said == "public, max-age=0, s-maxage=600, must-revalidate"


def test_a_page_of_which_nobody_said_how_long_is_kept_by_no_cache(edge: Any) -> None:
    cache = edge(headers=(HTML,))

    assert cache.get(accepted(cache)).header("cache-control") == "public, max-age=0"


SENSITIVE = {
    "diet": {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
        "sensitive": True,
    }
}
VIEW = {
    "unit": "view",
    "allocate": {"policy": "fixed", "goal": "joined", "shares": {"control": "0%", "b": "100%"}},
    "goals": {"primary": "joined"},
}


def test_what_is_sensitive_or_drawn_for_each_view_is_not_shared(
    kit: Any, edge: Any, clock: Any
) -> None:
    vegans = {"vegans": {"when": {"attribute": "diet", "equals": "vegan"}}}
    joined = {"joined": {"event": "sign_up", "kind": "conversion", "within": "page"}}
    for definitions in (
        kit.define(
            attributes=SENSITIVE, segments=vegans, experiments=kit.greeting(audience="vegans")
        ),
        kit.define(goals=joined, experiments=kit.greeting(**VIEW)),
    ):
        cache = edge(server=kit.server(definitions, clock), attributes=lambda _: {"diet": "vegan"})
        answer = cache.get(accepted(cache))

        assert b"<h2>Variant</h2>" in answer.body
        assert "private" in answer.header("cache-control")


def test_a_page_that_told_of_its_visitor_is_never_shared(kit: Any, personalise: Any) -> None:
    from byleave.sdk.template_functions import known

    async def app(scope: Any, receive: Any, send: Any) -> None:
        known("device")
        await kit.html_app(headers=SITE)(scope, receive, send)

    cache = Edge(kit, personalise(app, cache="signature"))

    assert "private" in cache.get(accepted(cache)).header("cache-control")


def test_a_page_whose_variant_tells_of_its_visitor_is_never_shared(
    kit: Any, personalise: Any
) -> None:
    templates = Environment(
        autoescape=True,
        extensions=[PersonaliseExtension],
        loader=DictLoader({"device.html": "<p>{{ known('device') }}</p>"}),
    )
    variants = {"control": "site", "b": {"template": "device.html"}}
    definitions = kit.define(experiments=kit.greeting(variants=variants))
    site = personalise(
        kit.html_app(headers=SITE), definitions=definitions, templates=templates, cache="signature"
    )
    cache = Edge(kit, site)
    cache.visitor().get()  # by whom the page is known, and who is shown the control
    visitor = cache.visitor()
    visitor.choose("accept")
    visitor.get("/elsewhere")

    answers = [cache.get(visitor) for _ in range(2)]

    assert all(b"<p>desktop</p>" in answer.body for answer in answers)
    assert [answer.header("cache-control") for answer in answers] == ["private, no-cache"] * 2


def test_a_page_in_pieces_is_not_shared(kit: Any, edge: Any) -> None:
    cache = edge(body=[kit.page[:90], kit.page[90:]])

    assert "private" in cache.get(accepted(cache)).header("cache-control")


def test_a_page_has_no_more_forms_than_thirty_two(kit: Any, personalise: Any) -> None:
    arms = {f"v{number}": {"html": f"<p>{number}</p>"} for number in range(40)}
    shares = {"control": "0%", **dict.fromkeys(arms, "2.5%")}
    experiment = kit.greeting(
        variants={"control": "site", **arms},
        allocate={"policy": "fixed", "goal": "signup", "shares": shares},
    )
    site = personalise(
        kit.html_app(headers=SITE),
        definitions=kit.define(experiments=experiment),
        cache="signature",
    )
    cache = Edge(kit, site)

    for visitor in [accepted(cache) for _ in range(200)]:
        shown = cache.get(visitor).body
        assert shown == visitor.get().body  # what is not shared is theirs all the same

    assert len(cache.kept) == 32
    assert site.site.source.counters["pages with too many shared forms"] > 0


def test_a_newer_version_names_pages_anew(kit: Any, edge: Any, server: Any) -> None:
    cache = edge()
    visitor = accepted(cache)
    cache.get(visitor)
    server.number += 1
    cache.site.client.poll()

    visitor.get()  # by which the new definitions know the page
    cache.get(visitor)

    assert cache.hits == 0
    assert len(cache.kept) == 2


@pytest.mark.parametrize("address", ["", "https://elsewhere.example/", "//elsewhere.example"])
def test_a_cache_asks_with_an_address_of_this_site(edge: Any, address: str) -> None:
    answer = edge().visitor().get("/.byleave/signature", x_original_uri=address)

    assert answer.status == 400


def test_without_the_setting_nothing_is_named(kit: Any, edge: Any) -> None:
    cache = edge(cache="private")

    assert cache.visitor().get("/.byleave/signature", x_original_uri="/").status == 404


def test_a_server_that_decides_cannot_share_pages(personalise: Any, server: Any) -> None:
    with pytest.raises(ValueError, match="cache='private'"):
        personalise(server=server, decide="server", cache="signature")
