"""What a site counts of nobody in particular, and how it reaches the server."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from byleave.sdk.counters import Counters, page_counter
from byleave.segments import Choice, Consent, Purpose, Regime

AGREED = Consent(choices=dict.fromkeys(Purpose, Choice.GRANTED))


def counted(server: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in server.counts.values():
        total.update(counts)
    return total


@pytest.mark.parametrize(
    ("consent", "name"),
    [
        (Consent(choices={}), "page: "),
        (AGREED, "page: analytics marketing personalisation preferences sharing"),
        (Consent(choices={Purpose.ANALYTICS: Choice.GRANTED}), "page: analytics"),
        (Consent(choices={}, regime=Regime.OPT_OUT), "page: analytics personalisation preferences"),
    ],
)
def test_a_page_is_counted_by_what_data_may_be_used_for(consent: Consent, name: str) -> None:
    assert page_counter(consent) == name


def test_nothing_counted_in_several_threads_is_lost() -> None:
    counters = Counters()

    def see_often(_: int) -> None:
        for _ in range(5_000):
            counters.add("seen hero")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see_often, range(8)))

    assert counters["seen hero"] == 40_000


def test_a_report_has_what_is_new_since_the_one_before() -> None:
    counters = Counters()
    ids = iter((b"0123456789", b"abcdefghij"))

    def report() -> Any:
        body = counters.report(at_ms=1_000, random_bytes=lambda _: next(ids))
        return body and json.loads(body)

    counters.add("decisions", 3)
    first = report()
    counters.add("decisions")
    counters.add("seen hero")
    second = report()

    assert first["counts"] == {"decisions": 3}
    assert second["counts"] == {"decisions": 1, "seen hero": 1}
    assert first["id"] != second["id"]
    assert report() is None


@pytest.mark.parametrize("agreed", [True, False])
def test_a_page_counts_with_or_without_consent_and_names_nobody(
    kit: Any, personalise: Any, server: Any, agreed: bool
) -> None:
    site = personalise(server=server, consent=kit.granted if agreed else kit.refused)
    site.client.poll()
    for _ in range(3):
        kit.browser(site).get()
    site.client.flush()

    pages = {name: times for name, times in counted(server).items() if name.startswith("page: ")}
    [(name, times)] = pages.items()
    assert times == 3
    assert ("personalisation" in name) == agreed


def test_crawlers_prefetches_and_parts_of_pages_are_not_counted(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    kit.browser(site).get(**{"user-agent": "Googlebot/2.1"})
    kit.browser(site).get(**{"sec-purpose": "prefetch"})
    kit.browser(site).get(**{"sec-fetch-dest": "empty"})
    site.client.flush()

    assert not any(name.startswith("page: ") for name in counted(server))


def test_counts_travel_once_a_minute_and_the_same_report_until_it_is_taken(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    site.client.flush()
    kit.browser(site).get()
    site.client.flush()
    early = counted(server)
    site.site.clock.now_ms += 60_000
    server.status = 503
    site.client.flush()
    server.status = 200
    kit.browser(site).get()
    site.client.flush()
    site.site.clock.now_ms += 60_000
    site.client.flush()
    site.site.clock.now_ms += 60_000
    site.client.flush()

    assert early["decisions"] == 0
    assert counted(server)["decisions"] == site.client.counters["decisions"]
    assert len(server.counts) == 2


def test_counts_travel_on_when_the_clock_was_set_back(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.refused)
    site.client.poll()
    site.client.flush()
    site.site.clock.now_ms -= 2 * 86_400_000
    kit.browser(site).get()
    site.client.flush()

    assert counted(server)["page: "] == 1


def test_what_was_counted_last_is_sent_before_the_process_ends(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.refused)
    site.client.poll()
    site.client.flush()
    kit.browser(site).get()
    site.client.close()

    assert counted(server)["page: "] == 1
