"""Page views of visitors who said nothing, where the site judges that they may be measured."""

from typing import Any

import pytest

from byleave.segments import Choice, Consent, Purpose

GOALS = {"signup": {"event": "sign_up", "kind": "conversion", "within": "page"}}


@pytest.fixture
def measured(kit: Any, personalise: Any, server: Any) -> Any:
    """Return a site where silent views may be measured, but not in France."""
    server.definitions = kit.define(
        goals=GOALS,
        experiments=kit.greeting(unit="view"),
        regions={"default": "opt-in", "FR": "opt-in"},
        storage_free_measurement=["default"],
    )

    def wrap(**options: Any) -> Any:
        site = personalise(server=server, country_header="X-Country", **options)
        site.client.poll()
        return site

    return wrap


@pytest.fixture
def silent(kit: Any, measured: Any) -> Any:
    """A browser in Japan whose visitor has not said anything."""
    return kit.browser(measured(), headers={"x-country": "JP"})


def flushed(browser: Any, server: Any) -> list[dict[str, Any]]:
    browser.app.client.flush()
    return list(server.events)


def test_a_view_counts_with_its_goal_once_the_page_reports(silent: Any, server: Any) -> None:
    answer = silent.get()
    data = answer.data
    before = flushed(silent, server)

    silent.report({"pending": [data["pending"]], "goals": ["signup"], "receipt": data["receipt"]})
    exposure, reward = flushed(silent, server)

    assert b"Variant" in answer.body
    assert before == []
    assert (exposure["type"], exposure["experiment"], exposure["arm"]) == (
        "exposure",
        "greeting",
        "b",
    )
    assert (reward["type"], reward["receipt"], reward["goal"]) == (
        "reward",
        data["receipt"],
        "signup",
    )


def test_nothing_is_stored_and_two_views_have_nothing_in_common(silent: Any, server: Any) -> None:
    for _ in range(2):
        data = silent.get().data
        reported = silent.report({"pending": [data["pending"]]})
        assert reported.set_cookies == {}
    first, second = flushed(silent, server)

    assert silent.cookies == {}
    assert first["visitor"] != second["visitor"]
    assert {first["id"], first["visitor"]}.isdisjoint({second["id"], second["visitor"]})


@pytest.mark.parametrize(("origin", "is_shown"), [("same-origin", True), ("cross-site", False)])
def test_a_view_inside_another_sites_page_does_not_tell_who_refused(
    silent: Any, origin: str, is_shown: bool
) -> None:
    answer = silent.get(sec_fetch_dest="iframe", sec_fetch_site=origin)

    assert (b"Variant" in answer.body) is is_shown
    assert (b"byleave-data" in answer.body) is is_shown


def test_the_page_tells_of_nothing_but_the_view(silent: Any, server: Any) -> None:
    data = silent.get().data
    silent.report(
        {
            "pending": [data["pending"]],
            "seen": ["hero"],
            "events": [["page_view", {"path": "/"}]],
        }
    )

    assert {*data} == {"events", "pending", "receipt"}
    assert data["events"] == []
    assert [event["type"] for event in flushed(silent, server)] == ["exposure"]
    assert silent.app.site.source.counters["seen hero"] == 0


@pytest.mark.parametrize("country", ["FR", "XX", ""])
def test_where_the_site_does_not_allow_it_or_the_place_is_unknown_nothing_happens(
    kit: Any, measured: Any, server: Any, country: str
) -> None:
    browser = kit.browser(measured(), headers={"x-country": country})
    elsewhere = kit.browser(browser.app, headers={"x-country": "JP"})
    data = elsewhere.get().data

    answer = browser.get()
    browser.report({"pending": [data["pending"]], "goals": ["signup"], "receipt": data["receipt"]})

    assert answer.body == kit.page
    assert flushed(browser, server) == []


@pytest.mark.parametrize("refused", [Purpose.ANALYTICS, Purpose.PERSONALISATION])
def test_a_refusal_of_analytics_is_respected_everywhere(
    kit: Any, measured: Any, server: Any, refused: Purpose
) -> None:
    def said(_: Any) -> Consent:
        return Consent({refused: Choice.DENIED}, source="site")

    silent = kit.browser(measured(), headers={"x-country": "JP"})
    data = silent.get().data
    browser = kit.browser(measured(consent=said), headers={"x-country": "JP"})

    answer = browser.get()
    browser.report({"pending": [data["pending"]], "goals": ["signup"], "receipt": data["receipt"]})
    is_counted = refused is not Purpose.ANALYTICS

    assert (b"Variant" in answer.body) is is_counted
    assert bool(flushed(browser, server)) is is_counted


def test_who_refuses_on_the_page_is_not_counted_after_that(silent: Any, server: Any) -> None:
    data = silent.get().data
    silent.choose("refuse")

    silent.report({"pending": [data["pending"]], "goals": ["signup"], "receipt": data["receipt"]})

    assert flushed(silent, server) == []
    assert silent.get().text.count("byleave-data") == 0


def test_a_crawler_is_not_counted(silent: Any, server: Any) -> None:
    data = silent.get().data

    silent.report({"pending": [data["pending"]]}, user_agent="Googlebot/2.1")

    assert b"Variant" not in silent.get(user_agent="Googlebot/2.1").body
    assert flushed(silent, server) == []


def test_the_view_of_somebody_who_agreed_to_analytics_alone_counts(
    kit: Any, measured: Any, server: Any
) -> None:
    def said(_: Any) -> Consent:
        return Consent({Purpose.ANALYTICS: Choice.GRANTED}, source="site")

    browser = kit.browser(measured(consent=said), headers={"x-country": "FR"})
    data = browser.get().data
    browser.report({"goals": ["signup"], "receipt": data["receipt"], "seen": ["hero"]})

    assert data["seen"] is True
    assert [event["type"] for event in flushed(browser, server)] == ["exposure", "reward"]
