"""The cookies of OneTrust, Cookiebot, Klaro and vanilla-cookieconsent."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.adapters import Adapter, mapped
from byleave.segments.consent.cookiebot import Cookiebot
from byleave.segments.consent.cookieconsent import VanillaCookieConsent
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.klaro import Klaro
from byleave.segments.consent.onetrust import OneTrust
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose

PREFERENCES, ANALYTICS, MARKETING = Purpose.PREFERENCES, Purpose.ANALYTICS, Purpose.MARKETING
PERSONALISATION = Purpose.PERSONALISATION
GRANTED, DENIED = Choice.GRANTED, Choice.DENIED

NOW_MS = from_iso("2026-11-22T12:00:00Z")
CLOSED = "2026-03-05T10:20:30.123Z"
CLOSED_MS = from_iso(CLOSED)

ONETRUST = (
    "isGpcEnabled=0&datestamp=Thu+Mar+05+2026+11%3A20%3A30+GMT%2B0100&version=202602.1.0"
    "&hosts=&landingPath=NotLandingPage&groups=C0001%3A1%2CC0002%3A1%2CC0003%3A0%2CC0004%3A0"
)
COOKIEBOT = (
    "{stamp:'Ov4gD1JVnDnBaJv8K2wYQlyWlnNlT/AKO768==',necessary:true,preferences:false,"
    "statistics:true,marketing:false,method:'explicit',ver:1,utc:1772706030123,region:'gb'}"
)
VANILLA: dict[str, Any] = {
    "categories": ["necessary", "analytics"],
    "revision": 2,
    "data": None,
    "consentTimestamp": "2026-01-01T00:00:00.000Z",
    "consentId": "9a1f",
    "services": {"necessary": [], "analytics": ["byleave"]},
    "languageCode": "en",
    "lastConsentTimestamp": CLOSED,
    "expirationTime": 1_800_000_000_000,
}


def read(adapter: Adapter, cookies: Mapping[str, str]) -> Consent:
    consent = adapter.read(cookies, NOW_MS)
    assert consent is not None
    return consent


def refuses_everything(adapter: Adapter, cookies: Mapping[str, str]) -> bool:
    consent = read(adapter, cookies)
    unreadable = all(reason.startswith("unreadable: ") for reason in consent.why.values())
    return unreadable and not any(consent.allows(purpose) for purpose in CHOOSABLE)


def onetrust(groups: str, closed: str = CLOSED) -> dict[str, str]:
    return {"OptanonConsent": f"version=6&groups={groups}", "OptanonAlertBoxClosed": closed}


def vanilla(**changes: object) -> dict[str, str]:
    return {"cc_cookie": quote(json.dumps(VANILLA | changes))}


ADAPTERS: list[tuple[Adapter, str]] = [
    (OneTrust(), "OptanonConsent"),
    (Cookiebot(), "CookieConsent"),
    (Klaro(purposes={ANALYTICS: ("byleave",)}), "klaro"),
    (VanillaCookieConsent(), "cc_cookie"),
]


@pytest.mark.parametrize("adapter", [adapter for adapter, _ in ADAPTERS])
def test_without_its_cookie_a_tool_says_nothing(adapter: Adapter) -> None:
    assert adapter.read({"other": "1"}, NOW_MS) is None


@given(st.sampled_from(ADAPTERS), st.text(max_size=60) | st.from_regex(r"[{}\[\]\":,a-z%0-9']+"))
def test_an_arbitrary_cookie_refuses_or_says_nothing(tool: tuple[Adapter, str], text: str) -> None:
    adapter, name = tool

    consent = adapter.read({name: text, "OptanonAlertBoxClosed": CLOSED}, NOW_MS)

    assert consent is None or not any(consent.allows(purpose) for purpose in CHOOSABLE)


@pytest.mark.parametrize(("adapter", "name"), ADAPTERS)
@pytest.mark.parametrize("text", ["", "%", "%zz", "%ff", "\ud800", "{", "[" * 4000, "{" * 4097])
def test_what_no_tool_writes_refuses_everything(adapter: Adapter, name: str, text: str) -> None:
    assert refuses_everything(adapter, {name: text, "OptanonAlertBoxClosed": CLOSED})


def test_a_purpose_is_granted_by_all_of_its_keys_and_never_by_none() -> None:
    keys = {ANALYTICS: ("a", "b"), MARKETING: ("a", "c"), PERSONALISATION: ()}

    assert mapped(["a", "b"], keys) == {
        ANALYTICS: GRANTED,
        MARKETING: DENIED,
        PERSONALISATION: DENIED,
    }


def test_onetrust_grants_the_categories_that_are_on() -> None:
    consent = read(OneTrust(), {"OptanonConsent": ONETRUST, "OptanonAlertBoxClosed": CLOSED})

    assert consent.choices == {PREFERENCES: DENIED, ANALYTICS: GRANTED, MARKETING: DENIED}
    assert (consent.source, consent.at_ms) == ("onetrust", CLOSED_MS)


def test_onetrust_before_the_banner_is_closed_says_nothing() -> None:
    assert OneTrust().read({"OptanonConsent": ONETRUST}, NOW_MS) is None
    assert OneTrust().read({"OptanonAlertBoxClosed": CLOSED}, NOW_MS) is None


def test_onetrust_cookies_may_be_encoded_once_more() -> None:
    cookies = {"OptanonConsent": quote(ONETRUST), "OptanonAlertBoxClosed": quote(CLOSED)}

    assert read(OneTrust(), cookies).allows(ANALYTICS)


def test_a_category_of_the_sites_own_can_stand_for_personalisation() -> None:
    adapter = OneTrust(purposes={PERSONALISATION: ("C0003", "C0006")})

    assert read(adapter, onetrust("C0003:1,C0006:1")).allows(PERSONALISATION)
    assert not read(adapter, onetrust("C0003:1")).allows(PERSONALISATION)


@pytest.mark.parametrize(
    "groups",
    ["", "C0002", "C0002:2", "C0002:1,", "C0002:1,C0002:0", "C0002:1&groups=C0002:1", "C 2:1"],
)
def test_damaged_onetrust_categories_refuse_everything(groups: str) -> None:
    assert refuses_everything(OneTrust(), onetrust(groups))


@pytest.mark.parametrize("closed", ["", "yesterday", "2026-02-30T00:00:00.000Z", "1772706030123"])
def test_a_damaged_time_refuses_everything(closed: str) -> None:
    assert refuses_everything(OneTrust(), onetrust("C0002:1", closed))


def test_a_grant_of_fourteen_months_ago_has_lapsed_and_the_refusal_beside_it_stays() -> None:
    consent = read(OneTrust(), onetrust("C0002:1,C0004:0", "2025-09-22T00:00:00Z"))

    assert consent.choices == {PREFERENCES: DENIED, MARKETING: DENIED}


def test_cookiebot_grants_the_categories_that_are_true() -> None:
    consent = read(Cookiebot(), {"CookieConsent": quote(COOKIEBOT)})

    assert consent.choices == {PREFERENCES: DENIED, ANALYTICS: GRANTED, MARKETING: DENIED}
    assert (consent.source, consent.at_ms) == ("cookiebot", CLOSED_MS)


def test_cookiebot_can_be_read_without_percent_encoding() -> None:
    assert read(Cookiebot(), {"CookieConsent": COOKIEBOT}).allows(ANALYTICS)


@pytest.mark.parametrize("text", ["-1", COOKIEBOT.replace("explicit", "implied")])
def test_cookiebot_without_a_choice_of_the_visitor_says_nothing(text: str) -> None:
    assert Cookiebot().read({"CookieConsent": text}, NOW_MS) is None


def test_cookiebot_without_acceptance_refuses() -> None:
    consent = read(Cookiebot(), {"CookieConsent": "0"})

    assert not any(consent.allows(purpose) for purpose in CHOOSABLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{stamp", "stamp"),
        ("'gb'}", "'gb'"),
        ("'gb'}", "'gb',}"),
        ("'gb'}", "'gb'}}"),
        ("'gb'}", "'gb'};alert(1)"),
        ("'gb'", "alert(1)"),
        ("'gb'", "'g\\'b'"),
        ("'gb'", '"gb"'),
        ("'gb'", "null"),
        ("marketing:false", "marketing:!1"),
        ("marketing:false", "statistics:true"),
        ("marketing:false", "marketing:TRUE"),
        ("method:'explicit',", ""),
        ("'explicit'", "'other'"),
        ("utc:1772706030123,", ""),
        ("utc:1772706030123", "utc:true"),
        ("utc:1772706030123", "utc:1772706030123000"),
        ("necessary:true,", "necessary:true,,"),
        ("necessary:true", "'necessary':true"),
    ],
)
def test_a_cookiebot_literal_outside_the_grammar_refuses_everything(old: str, new: str) -> None:
    text = COOKIEBOT.replace(old, new, 1)

    assert text != COOKIEBOT
    assert refuses_everything(Cookiebot(), {"CookieConsent": quote(text)})


def test_klaro_asks_by_service() -> None:
    adapter = Klaro(purposes={ANALYTICS: ("matomo", "byleave"), PERSONALISATION: ("byleave",)})
    text = quote('{"matomo":false,"byleave":true}')

    consent = read(adapter, {"klaro": text})

    assert consent.choices == {ANALYTICS: DENIED, PERSONALISATION: GRANTED}
    assert (consent.source, consent.at_ms) == ("klaro", None)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "true",
        '{"byleave":1}',
        '{"byleave":"true"}',
        '{"byleave":NaN}',
        '{"byleave":true,"byleave":false}',
        '{"byleave":true}}',
    ],
)
def test_a_damaged_klaro_cookie_refuses_everything(text: str) -> None:
    adapter = Klaro(purposes={ANALYTICS: ("byleave",)})

    assert refuses_everything(adapter, {"klaro": quote(text)})


def test_vanilla_cookieconsent_grants_the_accepted_categories() -> None:
    consent = read(VanillaCookieConsent(), vanilla())

    assert consent.choices == {
        PREFERENCES: DENIED,
        ANALYTICS: GRANTED,
        PERSONALISATION: DENIED,
        MARKETING: DENIED,
    }
    assert (consent.source, consent.at_ms) == ("cookieconsent", CLOSED_MS)


def test_vanilla_cookieconsent_can_be_asked_for_a_service() -> None:
    adapter = VanillaCookieConsent(purposes={ANALYTICS: ("analytics/byleave",)})

    assert read(adapter, vanilla()).allows(ANALYTICS)
    assert not read(adapter, vanilla(services={"analytics": ["matomo"]})).allows(ANALYTICS)
    assert not read(adapter, vanilla(services={})).allows(ANALYTICS)


def test_a_choice_under_other_terms_is_void() -> None:
    assert VanillaCookieConsent(revision=3).read(vanilla(), NOW_MS) is None
    assert read(VanillaCookieConsent(revision=2), vanilla()).allows(ANALYTICS)


@pytest.mark.parametrize(
    "changes",
    [
        {"categories": None},
        {"categories": "analytics"},
        {"categories": ["analytics", 1]},
        {"services": ["analytics"]},
        {"services": {"analytics": {"byleave": True}}},
        {"lastConsentTimestamp": None},
        {"lastConsentTimestamp": "today"},
    ],
)
def test_a_damaged_vanilla_cookieconsent_cookie_refuses_everything(
    changes: dict[str, object],
) -> None:
    assert refuses_everything(VanillaCookieConsent(), vanilla(**changes))
