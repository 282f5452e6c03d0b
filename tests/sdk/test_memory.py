"""The visitor's cookies: what they must be to count, and when they are written."""

from random import Random
from typing import Any

import pytest

from byleave.experiments import Assignments, Sticky
from byleave.sdk.cookies import Keys, parse_cookies, unsigned
from byleave.sdk.visitor import IDENTITY_LASTS_MS, Identity, State

ID, PROFILE = "__Host-byleave_id", "__Host-byleave_profile"


@pytest.fixture
def known(kit: Any, personalise: Any) -> Any:
    """A browser whose visitor is remembered."""
    browser = kit.browser(personalise(consent=kit.granted))
    browser.get()
    return browser


def test_cookies_are_bound_to_the_host_and_out_of_reach_of_scripts(
    kit: Any, personalise: Any
) -> None:
    answer = kit.browser(personalise(consent=kit.granted)).get()

    for name in (ID, PROFILE):
        flags = answer.set_cookies[name].split("; ")[1:]
        assert flags == [
            "Path=/",
            f"Max-Age={IDENTITY_LASTS_MS // 1000}",
            "SameSite=Lax",
            "Secure",
            "HttpOnly",
        ]


def test_on_plain_http_cookies_have_development_names_and_one_warning(
    kit: Any, personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = personalise(consent=kit.granted)
    kit.browser(site, scheme="http").get()
    answer = kit.browser(site, scheme="http").get()

    assert set(answer.set_cookies) == {"byleave_dev_id", "byleave_dev_profile"}
    assert "Secure" not in answer.set_cookies["byleave_dev_id"]
    assert caplog.text.count("plain HTTP") == 1


def test_a_development_cookie_means_nothing_on_https(kit: Any, known: Any) -> None:
    known.cookies = {f"byleave_dev_{name[15:]}": v for name, v in known.cookies.items()}
    old = known.cookies["byleave_dev_id"]

    known.get()

    assert known.cookies[ID].partition(".")[0] != old.partition(".")[0]


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_cookie_is_ignored_and_replaced(kit: Any, known: Any, seed: int) -> None:
    chance = Random(seed)
    name = chance.choice([ID, PROFILE])
    value = known.cookies[name]
    place = chance.randrange(len(value))
    letter = chance.choice("abcXYZ019.-_é\\")
    damaged = chance.choice([value[:place], value[:place] + letter + value[place + 1 :]])
    if damaged == value:
        damaged = value + "x"
    visitor = known.cookies[ID].partition(".")[0]
    known.cookies[name] = damaged

    answer = known.get()

    assert answer.status == 200
    assert b"Variant" in answer.body
    assert name in answer.set_cookies
    assert (known.cookies[ID].partition(".")[0] == visitor) is (name == PROFILE)


@pytest.mark.parametrize("value", ["", ".", "a.b", "é.é", "0" * 5_000, "x.0.1.sig"])
def test_a_forged_id_is_expired_where_none_may_be_given(
    kit: Any, personalise: Any, value: str
) -> None:
    browser = kit.browser(personalise(consent=kit.granted), cookies={ID: value})

    answer = browser.get(sec_fetch_dest="empty")

    assert answer.body == kit.page
    assert answer.set_cookies[ID].startswith("; Path=/; Max-Age=0")


def test_a_profile_of_somebody_else_is_expired(kit: Any, personalise: Any) -> None:
    site = personalise(consent=kit.granted)
    mine, other = kit.browser(site), kit.browser(site)
    mine.get()
    other.get()
    mine.cookies[PROFILE] = other.cookies[PROFILE]

    answer = mine.get(sec_fetch_dest="empty")

    assert "Max-Age=0" in answer.set_cookies[PROFILE]
    assert ID not in answer.set_cookies


def test_an_id_is_not_renewed_and_ends(kit: Any, known: Any, clock: Any) -> None:
    visitor = known.cookies[ID]
    clock.now_ms += IDENTITY_LASTS_MS - 1
    known.get()
    assert known.cookies[ID] == visitor
    clock.now_ms += 1

    known.get()

    assert known.cookies[ID].partition(".")[0] != visitor.partition(".")[0]


def test_cookies_signed_by_an_older_secret_are_signed_again(kit: Any, personalise: Any) -> None:
    old, new = "the old secret of the site", "the new secret of the site"
    browser = kit.browser(personalise(consent=kit.granted, secrets=[old]))
    browser.get()
    visitor = browser.cookies[ID].partition(".")[0]

    browser.app = personalise(consent=kit.granted, secrets=[old, new])
    browser.get()
    browser.app = personalise(consent=kit.granted, secrets=[new])
    answer = browser.get()

    assert browser.cookies[ID].partition(".")[0] == visitor
    assert ID not in answer.set_cookies


def test_where_only_the_country_is_unknown_cookies_are_left_alone(
    kit: Any, personalise: Any
) -> None:
    browser = kit.browser(personalise(country_header="X-Country"))
    browser.get(x_country="US")
    kept = dict(browser.cookies)

    unknown = browser.get()
    known = browser.get(x_country="DE")

    assert ID in kept
    assert unknown.body == kit.page
    assert unknown.set_cookies == {}
    assert "Max-Age=0" in known.set_cookies[ID]


def test_silence_is_not_reported_as_a_withdrawal(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(server=server, country_header="X-Country")
    site.client.poll()
    browser = kit.browser(site)
    browser.get(x_country="US")
    browser.get(x_country="DE")
    site.client.flush()

    assert server.withdrawn == {}


@pytest.mark.parametrize("cookie", ["=x", ";;;", "a", "a=1; a=2", "a=b=c"])
def test_cookie_headers_of_any_form_are_read(cookie: str) -> None:
    cookies = parse_cookies({"headers": [(b"cookie", cookie.encode()), (b"cookie", b"z=9")]})

    assert cookies["z"] == "9"
    assert cookies.get("a") in (None, "1", "b=c")


def test_keys_of_different_uses_do_not_verify_each_other() -> None:
    keys = Keys(["a secret that only tests know"])

    value = keys.signer("id").sign("text").decode()

    assert unsigned(keys.signer("id"), value) is not None
    assert unsigned(keys.signer("profile"), value) is None


def full_state(arms: int, times: int) -> State:
    sticky = {
        f"experiment-{i}.1": Sticky(
            arm="variant", allocation=f"{Random(i).randbytes(8).hex()}", assigned_at_ms=i * 7_919
        )
        for i in range(arms)
    }
    exposures = {
        f"experiment-{i}": tuple(Random(i).randrange(2**40) for _ in range(times))
        for i in range(arms)
    }
    return State(assignments=Assignments(sticky=sticky, exposures=exposures))


def test_a_state_comes_back_as_it_went() -> None:
    identity = Identity.new(Random(1).randbytes, number=3, now_ms=5)
    state = full_state(20, 3)

    assert State.unpack(state.pack(identity), identity) == state
    assert Identity.parse(str(identity)) == identity


@pytest.mark.parametrize("text", ["", "00000000.0.", "00000000.0.AAAA", "00000000.0.eJw", "x"])
def test_a_text_that_is_no_state_is_refused(text: str) -> None:
    assert State.unpack(text, Identity("0" * 32, 0, 0)) is None


@pytest.mark.parametrize("data", [None, [], {}, {"p": 1, "s": [], "x": {}}, {"s": {"a": 1}}])
def test_plain_data_that_is_no_state_is_an_empty_state(data: object) -> None:
    assert State.from_plain(data) == State()


def test_a_state_gives_up_exposures_before_arms() -> None:
    state = full_state(5, 50)

    smaller = state.smaller()

    assert smaller is not None
    assert smaller.assignments.sticky == state.assignments.sticky
    assert smaller.assignments.exposures == {}
    assert smaller.smaller() is None
