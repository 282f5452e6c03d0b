"""Sign-in by a provider of OpenID Connect, against one that runs on loopback."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient
from tests.server.identity import (
    ANN,
    BEGIN,
    CLIENT,
    KEYS,
    SECRET,
    SIGN_IN,
    Identity,
    begin,
    identity,
    is_signed_in,
    open_console,
    rsa_key,
)
from tests.server.process import running

from byleave.sdk.middleware import system_clock
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.oidc import LASTS_MS, Provider, ProviderError
from byleave.server.outbound import Outbound
from byleave.server.service import Service
from byleave.server.settings import Settings

NOT_ONE = "the provider's token is not one for this sign-in"


@pytest.fixture
def refused(browser: TestClient, caplog: pytest.LogCaptureFixture) -> Callable[[str], str]:
    """Comes back to a path, is refused, and returns why the log says it was."""

    def why(back: str) -> str:
        caplog.clear()
        came = browser.get(back)
        assert came.status_code == 403
        assert "did not say who you are" in came.text
        assert not is_signed_in(browser)
        [told] = [each for each in caplog.messages if each.startswith("nobody was signed in")]
        return told.partition(": ")[2]

    return why


@pytest.mark.parametrize("is_thin", [False, True], ids=["by its token", "by its userinfo"])
def test_somebody_whom_an_admin_added_is_signed_in_by_their_verified_address(
    browser: TestClient, known: Identity, is_thin: bool
) -> None:
    known.is_thin = is_thin
    form = browser.get(SIGN_IN, params={"next": KEYS})
    back = begin(browser)
    begun = {cookie.name for cookie in browser.cookies.jar}

    came = browser.get(back)

    assert "Sign in by 127.0.0.1" in form.text
    assert begun == {"__Host-byleave_provider"}
    assert (came.status_code, came.headers["location"]) == (303, KEYS)
    assert {cookie.name for cookie in browser.cookies.jar} == {"__Host-byleave"}
    assert "httponly" in came.headers["set-cookie"].lower()
    assert is_signed_in(browser)


def test_what_is_sent_to_the_provider_is_new_each_time_and_tells_no_secret(
    browser: TestClient,
) -> None:
    first, second = (browser.get(BEGIN).headers["location"] for _ in range(2))
    asked, again = (parse_qs(urlsplit(each).query) for each in (first, second))

    assert asked["tenant"] == ["1"]
    assert asked["redirect_uri"] == ["https://console.example/console/sign-in/provider/back"]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != again[name]
    assert SECRET not in first


def test_nobody_is_signed_in_whom_no_admin_added(
    browser: TestClient, known: Identity, service: Service
) -> None:
    known.person["email"] = "bob@example.com"

    came = browser.get(begin(browser))

    assert came.status_code == 403
    assert "An admin has to add you first" in came.text
    assert not is_signed_in(browser)
    assert [person.email for person in service.people.all()] == [ANN]


def test_who_was_removed_is_not_signed_in_any_more(browser: TestClient, service: Service) -> None:
    service.people.put("root@example.com", Role.ADMIN, "correct horse battery", author="tests")
    service.people.remove(ANN, author="tests")

    assert browser.get(begin(browser)).status_code == 403


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "7", "email": ANN, "email_verified": False},
        {"sub": "7", "email": ANN, "email_verified": "true"},
        {"sub": "7", "email": ANN},
        {"sub": "7", "email": [ANN], "email_verified": True},
        {"sub": "7", "email_verified": True},
    ],
)
def test_an_address_that_is_not_verified_is_none(
    browser: TestClient, known: Identity, refused: Callable[[str], str], person: dict[str, Any]
) -> None:
    known.person = person

    assert refused(begin(browser)) == "the provider tells of no address that it verified"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "another client"},
        {"aud": ["another client"]},
        {"aud": [CLIENT, "another client"], "azp": "another client"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 2**40},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_for_another_sign_in_is_refused(
    browser: TestClient, known: Identity, refused: Callable[[str], str], claims: dict[str, Any]
) -> None:
    known.claims = claims

    assert refused(begin(browser)).startswith("the provider's token is ")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anybody_could_have_made_is_refused(
    browser: TestClient, known: Identity, refused: Callable[[str], str], algorithm: str
) -> None:
    known.algorithm = algorithm

    assert refused(begin(browser)) == NOT_ONE


def test_a_token_that_is_signed_by_another_key_is_refused(
    browser: TestClient, known: Identity, refused: Callable[[str], str]
) -> None:
    known.signs = RSAKey.generate_key(2048, {"kid": "one"})

    assert refused(begin(browser)) == NOT_ONE


@pytest.mark.parametrize(
    "strange",
    [
        {"kty": "AKP", "kid": "two", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "EC", "kid": "two", "crv": "P-999", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "kid": "two", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "OKP", "kid": "two", "crv": "X449", "x": "AAAA"},
        {"kty": "RSA", "kid": "two"},
        {"kty": ["RSA"]},
        {},
        None,
        "RSA",
    ],
    ids=str,
)
def test_keys_that_nobody_understands_are_passed_over(
    browser: TestClient, known: Identity, refused: Callable[[str], str], strange: Any
) -> None:
    """RFC 7517 §5: a provider may add kinds of keys that its clients do not know yet."""
    known.strange = [strange]
    is_known = browser.get(begin(browser)).status_code == 303
    browser.cookies.clear()
    known.shown = rsa_key("three")

    assert is_known
    assert refused(begin(browser)) == NOT_ONE


def test_what_userinfo_says_of_somebody_else_counts_for_nobody(
    browser: TestClient, known: Identity, refused: Callable[[str], str]
) -> None:
    known.is_thin = True
    known.claims = {"sub": "8"}

    assert refused(begin(browser)) == "the provider tells of no address that it verified"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"state": "made-up"}, "this browser did not begin it"),
        ({"state": ""}, "this browser did not begin it"),
        ({"code": ""}, "the provider signed nobody in"),
        ({"code": "made-up"}, "the provider knows no such code"),
        ({"code": "", "error": "access_denied"}, "the provider signed nobody in"),
        ({"iss": "https://other.example"}, "another provider answered"),
    ],
    ids=str,
)
def test_an_answer_that_was_not_asked_for_is_refused(
    browser: TestClient,
    known: Identity,
    refused: Callable[[str], str],
    answers: dict[str, str],
    why: str,
) -> None:
    known.answers = answers

    assert refused(begin(browser)) == why


def test_an_answer_of_another_browser_is_refused(
    browser: TestClient, service: Service, known: Identity
) -> None:
    """Nobody can be made to sign in as somebody else by a link (login CSRF)."""
    back = begin(browser)
    with open_console(service, known) as victim:
        without = victim.get(back)
        begin(victim)
        with_their_own = victim.get(back)

        assert [without.status_code, with_their_own.status_code] == [403, 403]
        assert not is_signed_in(victim)
    assert "/token" not in known.asked


@pytest.mark.parametrize("query", ["", "?state=made-up&code=made-up", "?error=access_denied"])
def test_a_link_from_elsewhere_leaves_a_sign_in_that_is_under_way(
    browser: TestClient, refused: Callable[[str], str], query: str
) -> None:
    back = begin(browser)

    assert refused(f"{BEGIN}/back{query}") == "this browser did not begin it"
    assert browser.get(back).status_code == 303


def test_an_answer_counts_once_and_for_ten_minutes(
    browser: TestClient, clock: Any, refused: Callable[[str], str]
) -> None:
    back = begin(browser)
    cookie = browser.cookies["__Host-byleave_provider"]
    first = browser.get(back)
    browser.cookies.clear()
    without = refused(back)
    browser.cookies.set("__Host-byleave_provider", cookie, domain="console.example")
    again = refused(back)
    browser.cookies.clear()
    late = begin(browser)
    clock.advance(hours=LASTS_MS / 3_600_000)

    assert first.status_code == 303
    assert without == "this browser did not begin it"
    assert again == "the provider knows no such code"
    assert refused(late) == "it took too long"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_elsewhere(browser: TestClient, wanted: str) -> None:
    came = browser.get(begin(browser, wanted))

    assert came.headers["location"] == "/console"


def test_a_wanted_page_that_was_changed_on_the_way_is_refused(
    browser: TestClient, refused: Callable[[str], str]
) -> None:
    back = begin(browser, "/console/keys")
    cookie = browser.cookies["__Host-byleave_provider"]
    browser.cookies.clear()
    changed = f"{cookie.rpartition('.')[0]}.L2NvbnNvbGUvcGVvcGxl"
    browser.cookies.set("__Host-byleave_provider", changed, domain="console.example")

    assert refused(back) == "this browser did not begin it"


def test_a_provider_that_gives_itself_another_name_is_none(
    known: Identity, refused: Callable[[str], str]
) -> None:
    known.issuer = "https://other.example"

    why = "the provider gives itself another name than oidc_issuer"
    assert refused(BEGIN) == why


def test_a_provider_that_is_not_there_says_nothing_of_the_server(
    service: Service, clock: Any
) -> None:
    with identity(clock) as gone:
        pass
    with open_console(service, gone) as browser:
        answer = browser.get(BEGIN)

    assert answer.status_code == 403
    assert "did not say who you are" in answer.text


def test_a_provider_inside_has_to_be_allowed(service: Service, known: Identity) -> None:
    settings = Settings(oidc_issuer=known.url, oidc_client_id=CLIENT)
    provider = Provider.of(settings, Outbound(), service.site, clock=service.clock)
    with TestClient(create_app(service, provider=provider)) as browser:
        answer = browser.get(BEGIN, follow_redirects=False)

    assert answer.status_code == 403
    assert known.asked == []


def test_without_a_provider_there_is_no_other_way_in(service: Service) -> None:
    browser = TestClient(create_app(service), follow_redirects=False)

    assert "Sign in by" not in browser.get(SIGN_IN).text
    led = [browser.get(path).headers["location"] for path in (BEGIN, f"{BEGIN}/back")]
    assert led == [SIGN_IN, SIGN_IN]


def test_any_process_of_the_site_takes_the_answer(
    service: Service, known: Identity, browser: TestClient
) -> None:
    back = begin(browser)
    with open_console(service, known) as other:
        other.cookies = browser.cookies

        assert other.get(back).status_code == 303


def test_a_document_is_asked_for_once_an_hour(
    browser: TestClient, known: Identity, clock: Callable[[], int]
) -> None:
    for _ in range(3):
        begin(browser)

    assert known.asked.count("/.well-known/openid-configuration") == 1


def test_a_server_with_these_settings_signs_people_in(tmp_path: Path) -> None:
    service = Service(tmp_path / "byleave.db", site="shop", clock=system_clock)
    service.people.put(ANN, Role.ADMIN, "correct horse battery", author="tests")
    service.close()
    with (
        identity(system_clock) as known,
        running(
            tmp_path,
            oidc_issuer=known.url,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
            outbound_allow="127.0.0.0/8",
        ) as server,
        httpx2.Client(base_url=server.address, follow_redirects=True) as browser,
    ):
        page = browser.get(BEGIN, params={"next": "/console/keys"})

    assert page.status_code == 200
    assert str(page.url).endswith("/console/keys")
    assert ANN in page.text
    assert SECRET not in server.log.read_text()


def test_a_provider_without_its_package_says_what_to_install(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)
    settings = Settings(oidc_issuer="https://id.example", oidc_client_id=CLIENT)

    with pytest.raises(ProviderError, match=r"byleave\[oidc\]"):
        Provider.of(settings, Outbound(), service.site, clock=service.clock)
