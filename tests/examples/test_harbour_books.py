"""The example shop stands on its own: every page, link, image and form works."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag
from xml.etree import ElementTree

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from harbour_books import create_app
from harbour_books.accounts import COOKIE, Accounts
from harbour_books.app import HERE
from harbour_books.catalogue import BOOKS, SUBJECTS
from harbour_books.plans import plan_for
from harbour_books.true_rates import TRUE_RATES, WORDS

PAGES = [
    "/",
    "/books",
    *(f"/books?subject={subject}" for subject in SUBJECTS),
    *(f"/books/{book.slug}" for book in BOOKS),
    "/schools",
    "/pricing",
    "/pricing?readers=30",
    "/sign-up",
    "/sign-up?plan=school",
    "/support",
    "/support?sent=yes",
    "/privacy",
]
GOOD = {"name": "Ann Reader", "email": "ann@school.example", "plan": "school"}
VOID = {"meta", "link", "img", "input", "br", "hr"}


@dataclass
class Page(HTMLParser):
    """What a test asks of a page: tags with their attributes, ids, and unclosed elements."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    misnested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get("id"))]


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_one_heading_its_landmarks_and_well_nested_tags(
    asking: TestClient, address: str
) -> None:
    response = asking.get(address)
    page = read(response.text)

    assert response.status_code == 200
    assert [len(page.all(tag)) for tag in ("h1", "main", "title")] == [1, 1, 1]
    assert page.all("header")
    assert page.all("nav")
    assert page.all("footer")
    assert page.all("html")[0]["lang"] == "en-GB"
    assert (page.misnested, page.open) == ([], [])
    assert [name for name, count in Counter(page.ids()).items() if count > 1] == []


@pytest.mark.parametrize("address", PAGES)
def test_a_page_keeps_to_its_content_security_policy(asking: TestClient, address: str) -> None:
    response = asking.get(address)
    page = read(response.text)

    assert response.headers["content-security-policy"].startswith("default-src 'self';")
    assert page.all("style") == []
    assert all("src" in script for script in page.all("script"))
    assert not [
        name for _, attributes in page.tags for name in attributes if name[:2] in ("on", "st")
    ]


@pytest.mark.parametrize("address", PAGES)
def test_every_link_and_image_of_a_page_resolves(client: TestClient, address: str) -> None:
    page = read(client.get(address).text)
    links = [str(link["href"]) for tag in ("a", "link") for link in page.all(tag)]
    images = [str(image["src"]) for image in page.all("img")]

    for link in links:
        if link.startswith(("mailto:", "tel:")):
            continue
        target, fragment = urldefrag(link)
        answer = client.get(target or address)
        assert answer.status_code == 200, link
        assert not fragment or fragment in read(answer.text).ids(), link
    for image in images:
        ElementTree.fromstring(client.get(image).content)  # noqa: S314 -- the shop drew it


@pytest.mark.parametrize("address", PAGES)
def test_images_say_what_they_show_and_how_large_they_are(client: TestClient, address: str) -> None:
    for image in read(client.get(address).text).all("img"):
        assert image["width"]
        assert image["height"]
        assert image["alt"] is not None
        assert image["alt"].startswith("Cover of ") == str(image["src"]).startswith("/covers/")


@pytest.mark.parametrize("address", ["/sign-up", "/support"])
def test_every_field_has_a_label(client: TestClient, address: str) -> None:
    page = read(client.get(address).text)
    labelled = {label.get("for") for label in page.all("label")}

    for tag in ("input", "select", "textarea"):
        for control in page.all(tag):
            assert control["name"]
            assert control.get("type") == "radio" or control["id"] in labelled


@pytest.mark.parametrize("address", ["/nowhere", "/books/unknown", "/books?subject=unknown"])
def test_an_unknown_address_gets_a_page_that_leads_on(client: TestClient, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 404
    assert 'href="/books"' in response.text


def test_a_subject_shows_only_its_own_books(client: TestClient) -> None:
    links = {str(link["href"]) for link in read(client.get("/books?subject=young").text).all("a")}

    assert {link for link in links if link.startswith("/books/")} == {
        f"/books/{book.slug}" for book in BOOKS if book.subject == "young"
    }


def test_signing_up_opens_an_account_and_leads_to_the_welcome_page(
    client: TestClient, shop: Starlette
) -> None:
    response = client.post("/sign-up", data=GOOD)
    welcome = client.get(response.headers["location"])
    cookie = response.headers["set-cookie"].partition(";")[0].encode()
    scope = {"type": "http", "headers": [(b"cookie", cookie)]}

    assert (response.status_code, response.headers["location"]) == (303, "/welcome")
    assert "HttpOnly" in response.headers["set-cookie"]
    assert "Ann" not in response.headers["set-cookie"]
    assert shop.state.accounts.attributes(scope) == {"is_customer": True}
    assert welcome.status_code == 200
    assert "Welcome to the School plan" in welcome.text


def test_the_shop_takes_note_of_sign_ups_purchases_and_messages() -> None:
    noted: list[tuple[str, Mapping[str, float]]] = []
    app = create_app(record=lambda _, event, properties: noted.append((event, properties)))
    client = TestClient(app, follow_redirects=False)
    client.post("/sign-up", data=GOOD | {"plan": ""})
    client.post("/sign-up", data=GOOD)
    client.post("/support", data=GOOD | {"topic": "other", "message": "Hello"})

    assert noted == [("sign_up", {}), ("purchase", {"amount": 468}), ("support_contact", {})]


def test_signing_out_closes_the_account(client: TestClient) -> None:
    client.post("/sign-up", data=GOOD)
    client.post("/sign-out")

    assert client.get("/welcome").headers["location"] == "/sign-up"


def test_an_account_cookie_that_the_shop_did_not_sign_is_no_account() -> None:
    accounts = Accounts(b"secret")

    assert accounts.attributes({"type": "http", "headers": []}) == {"is_customer": False}
    assert accounts.plan({}) is None
    assert accounts.plan({COOKIE: "school.c2lnbmF0dXJl"}) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": " "}, "Tell us your name."),
        ({"email": "ann"}, "Write an e-mail address"),
        ({"plan": "gold"}, "Choose one of the three plans."),
    ],
)
def test_a_faulty_sign_up_says_what_is_wrong_and_loses_nothing(
    client: TestClient, change: dict[str, str], fault: str
) -> None:
    response = client.post("/sign-up", data=GOOD | change)
    page = read(response.text)

    assert response.status_code == 422
    assert "set-cookie" not in response.headers
    assert response.text.count(fault) == 2
    assert any(link["href"] == f"#{name}" for link in page.all("a") for name in change)
    assert (GOOD | change)["email"] in response.text


def test_what_a_visitor_types_is_escaped(client: TestClient) -> None:
    response = client.post("/sign-up", data={"name": '"><script>'})

    assert "<script" not in response.text


def test_a_form_larger_than_any_of_ours_is_refused(client: TestClient) -> None:
    many = {f"f{number}": "x" for number in range(30)}

    assert client.post("/support", data={"message": "x" * 20_000}).status_code == 413
    assert client.post("/support", data=many).status_code == 413


def test_a_message_to_the_shop_is_confirmed(client: TestClient) -> None:
    data = {"name": "Ann", "email": "ann@school.example", "topic": "other", "message": "Hello"}
    sent = client.post("/support", data=data)
    faulty = client.post("/support", data={})

    assert sent.headers["location"] == "/support?sent=yes"
    assert faulty.status_code == 422
    assert faulty.text.count('aria-invalid="true"') == 4


def test_keeping_a_copy_fills_in_the_message(client: TestClient) -> None:
    assert "Please keep a copy of “Arithmetic for Otters”" in (
        client.get("/support?book=arithmetic-for-otters").text
    )
    assert "Please keep" not in client.get("/support?book=unknown").text


@pytest.mark.parametrize(
    ("readers", "name"), [("1", "Reader"), ("2", "School"), ("400", "School"), ("401", "Library")]
)
def test_the_plan_finder_points_to_the_smallest_plan_that_fits(
    client: TestClient, readers: str, name: str
) -> None:
    text = client.get(f"/pricing?readers={readers}").text
    after_badge = text.partition("Fits your readers")[2]

    assert plan_for(int(readers)).name == name
    assert after_badge.partition("</h3>")[0].endswith(f"<h3>{name}")


@pytest.mark.parametrize("readers", ["", "many", "-1", "²", "9" * 7])
def test_the_plan_finder_ignores_what_is_no_number(client: TestClient, readers: str) -> None:
    response = client.get("/pricing", params={"readers": readers})

    assert response.status_code == 200
    assert "Fits your readers" not in response.text


def test_the_shop_closes_on_sundays(client: TestClient) -> None:
    text = client.get("/").text

    assert "Closed on Sundays" in text
    assert "© 2026" in text


def test_without_byleave_the_shop_asks_for_nothing_and_sets_no_cookie(client: TestClient) -> None:
    response = client.get("/")

    assert "/.byleave/" not in response.text
    assert "set-cookie" not in response.headers


def test_the_consent_banner_offers_refusal_and_acceptance_alike(asking: TestClient) -> None:
    response = asking.get("/books?subject=young")
    buttons = [button for button in read(response.text).all("button") if "value" in button]
    choices = {button["value"]: button["class"] for button in buttons if button["name"] == "choice"}

    assert choices == {"refuse": "button quiet", "accept": "button quiet"}
    assert 'name="back" value="/books?subject=young"' in response.text
    assert "set-cookie" not in response.headers


def test_the_banner_goes_after_a_choice_and_the_footer_brings_it_back(asking: TestClient) -> None:
    asking.cookies.set("byleave_consent", "any")
    chosen = asking.get("/books?subject=young")
    reopened = asking.get("/books?subject=young&consent=reopen")

    assert 'id="consent"' not in chosen.text
    assert 'name="consent" value="reopen"' in chosen.text
    assert '<input type="hidden" name="subject" value="young">' in chosen.text
    assert 'id="consent"' in reopened.text
    assert 'value="withdraw"' in reopened.text
    assert 'value="refuse"' not in reopened.text
    assert 'name="back" value="/books?subject=young"' in reopened.text


def test_the_slots_are_where_the_definitions_expect_them() -> None:
    def slots(template: str) -> list[str]:
        source = (HERE / "templates" / template).read_text()
        return re.findall(r'{% personalise "([^"]+)" %}', source)

    assert slots("base.html") == ["main-nav"]
    assert slots("home.html") == slots("pricing.html") == ["hero"]


def test_the_words_of_an_arm_stand_nowhere_on_the_shop_s_own_pages(client: TestClient) -> None:
    own = b"".join(client.get(address).content for address in PAGES)

    assert not [words for arms in WORDS.values() for words in arms.values() if words in own]
    assert all(set(WORDS[key]) == set(TRUE_RATES[key]) - {"control"} for key in TRUE_RATES)
