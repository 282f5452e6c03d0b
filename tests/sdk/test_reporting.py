"""What the middleware reports: exposures, and the events that the site tells of."""

from typing import Any

import pytest

from byleave.sdk import record


def test_the_site_reports_events_from_its_handlers(kit: Any, personalise: Any, server: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            record(scope, "sign_up")
            await send({"type": "http.response.start", "status": 303, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await kit.html_app()(scope, receive, send)

    server.definitions = kit.define(experiments=kit.greeting(until="goal"))
    site = personalise(app, server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    before = browser.get()
    browser.post("/sign-up", {})
    after = browser.get()
    site.client.flush()

    assert b"Variant" in before.body
    assert after.body == kit.page
    assert [event["event"] for event in server.of_type("event")] == ["sign_up"]
    assert server.of_type("event")[0]["uses"] == ["analytics", "personalisation"]


def test_an_unknown_event_is_refused_with_a_suggestion(
    kit: Any, personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        record(scope, "sign_upp", {"amount": 3})
        await kit.html_app()(scope, receive, send)

    answer = kit.browser(personalise(app, consent=kit.granted)).get()

    assert answer.status == 200
    assert "Did you mean 'sign_up'?" in caplog.text


def test_events_outside_the_middleware_go_nowhere() -> None:
    record({"type": "http"}, "sign_up")


def test_exposures_name_the_row_and_the_time(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    browser.get()
    site.client.flush()

    [exposure] = server.of_type("exposure")

    assert exposure["visitor"] == browser.cookies["__Host-byleave_id"].partition(".")[0]
    assert exposure["experiment"] == "greeting"
    assert exposure["arm"] == "b"
    assert exposure["allocation"].startswith("greeting.local.")
    assert exposure["assigned_at"] == exposure["at"] == kit.now_ms


def test_a_slot_that_is_not_on_the_page_is_not_exposed(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(kit.html_app(b"<p>byleave is only a word here</p>"), server=server)
    site.client.poll()
    kit.browser(site).get()
    site.client.flush()

    assert server.events == []


@pytest.mark.parametrize("is_stream", [False, True])
def test_who_is_held_out_keeps_the_id_that_is_counted(
    kit: Any, personalise: Any, server: Any, is_stream: bool
) -> None:
    server.definitions = kit.define(holdout="100%", segments={})
    body = [kit.page[:60], kit.page[60:]] if is_stream else kit.page
    site = personalise(kit.html_app(body), server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)

    answer = browser.get()
    site.client.flush()

    [exposure] = server.of_type("exposure")
    assert answer.body == kit.page
    assert (exposure["arm"], exposure["allocation"]) == ("holdout", None)
    assert browser.cookies["__Host-byleave_id"].startswith(exposure["visitor"])
