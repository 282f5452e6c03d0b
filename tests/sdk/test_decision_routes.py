"""Decisions for front ends in JavaScript: the same as on a page, and no more than they show."""

import json
from typing import Any

import pytest

ASKED = {"slots": ["hero"], "path": "/"}
FIELDS = {"fields": {"title": "Hello", "link": "/plans"}}


def ask(browser: Any, asked: object = ASKED, **headers: str) -> Any:
    """Ask as a page's script does."""
    given = {"sec_fetch_dest": "empty", "sec_fetch_site": "same-origin", **headers}
    return browser._send("POST", "/.byleave/decisions", json.dumps(asked).encode(), given)


def shop(kit: Any, **variant: Any) -> Any:
    """Return definitions whose only experiment always shows one variant."""
    return kit.define(experiments=kit.greeting(variants={"control": "site", "b": variant}))


@pytest.mark.parametrize(
    ("variant", "kind", "content"),
    [
        (FIELDS, "fields", {"title": "Hello", "link": "/plans"}),
        ({"html": "<h2>Variant</h2>"}, "html", "<h2>Variant</h2>"),
        ({"data": {"plans": [1, 2]}}, "data", {"plans": [1, 2]}),
    ],
)
def test_what_a_slot_shows_is_told_and_nothing_of_why(
    kit: Any, personalise: Any, variant: dict[str, Any], kind: str, content: object
) -> None:
    site = personalise(definitions=shop(kit, **variant), consent=kit.granted)

    answer = ask(kit.browser(site))

    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    assert answer.header("content-type") == "application/json"
    assert json.loads(answer.body)["slots"] == {"hero": {"kind": kind, "content": content}}
    assert "greeting" not in answer.text  # neither the experiment nor a segment is named


def test_a_browsers_spelling_of_a_path_is_that_of_a_page(kit: Any, personalise: Any) -> None:
    definitions = kit.define(
        attributes={"path": {"type": "string", "source": "request"}},
        segments={"about": {"when": {"attribute": "path", "equals": "/über uns"}}},
        experiments=kit.greeting(audience="about"),
    )
    browser = kit.browser(personalise(definitions=definitions, consent=kit.granted))

    asked = ask(browser, {"slots": ["hero"], "path": "/%C3%BCber%20uns?a=%20"})

    assert json.loads(asked.body)["slots"]["hero"] is not None


def test_without_consent_it_is_the_sites_own_content_and_nothing_is_stored(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.refused)
    site.client.poll()

    answer = ask(kit.browser(site))
    site.client.flush()

    assert json.loads(answer.body) == {"slots": {"hero": None}}
    assert answer.set_cookies == {}
    assert server.events == []


def test_a_visitor_is_enrolled_as_by_a_page_and_keeps_the_arm(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    by_script, by_page = kit.browser(site), kit.browser(site)

    answer = ask(by_script)
    by_page.get()
    site.client.flush()

    first, second = (e for e in server.events if e["type"] == "exposure")
    own = ("id", "visitor", "at", "decision")
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }
    assert {*by_script.cookies} == {*by_page.cookies}
    assert "receipt" in json.loads(answer.body)
    assert [e["type"] for e in server.events if e.get("visitor") == first["visitor"]] == [
        "exposure"
    ]


def test_the_page_that_asks_is_the_one_that_conditions_look_at(kit: Any, personalise: Any) -> None:
    definitions = kit.define(
        attributes={"path": {"type": "string", "source": "request"}},
        segments={"plans": {"when": {"attribute": "path", "equals": "/plans"}}},
        experiments=kit.greeting(audience="plans"),
    )
    browser = kit.browser(personalise(definitions=definitions, consent=kit.granted))

    elsewhere = json.loads(ask(browser).body)["slots"]["hero"]
    there = json.loads(ask(browser, {"slots": ["hero"], "path": "/plans?x=1"}).body)

    assert elsewhere is None
    assert there["slots"]["hero"]["content"] == "<h2>Variant</h2>"


def test_an_address_that_could_run_code_is_not_handed_over(kit: Any, personalise: Any) -> None:
    fields = {"fields": {"title": "Hello", "link": "javascript:alert(1)"}}

    answer = ask(kit.browser(personalise(definitions=shop(kit, **fields), consent=kit.granted)))

    assert json.loads(answer.body)["slots"] == {"hero": None}


@pytest.mark.parametrize("slot", ["nav", "no-such-slot"])
def test_a_slot_that_nothing_fills_is_the_sites_own(kit: Any, personalise: Any, slot: str) -> None:
    answer = ask(kit.browser(personalise(consent=kit.granted)), {"slots": [slot], "path": "/"})

    assert json.loads(answer.body)["slots"] == {slot: None}


@pytest.mark.parametrize(
    "asked",
    [
        "hero",
        {"slots": "hero", "path": "/"},
        {"slots": [1], "path": "/"},
        {"slots": ["hero"]},
        {"slots": ["hero"], "path": "https://elsewhere.example/"},
        {"slots": ["hero"] * 51, "path": "/"},
    ],
)
def test_what_is_no_question_is_refused(kit: Any, personalise: Any, asked: object) -> None:
    assert ask(kit.browser(personalise()), asked).status == 400


def test_other_sites_other_methods_and_floods_are_refused(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(consent=kit.granted))

    assert browser.get("/.byleave/decisions").status == 405
    assert ask(browser, sec_fetch_site="cross-site").status == 403
    assert ask(browser, {"slots": ["x" * 9_000], "path": "/"}).status == 413


def test_a_crawler_sees_what_everybody_sees_and_counts_for_nothing(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()

    answer = ask(kit.browser(site), user_agent="Googlebot/2.1")
    site.client.flush()

    assert json.loads(answer.body) == {"slots": {"hero": None}}
    assert server.events == []
