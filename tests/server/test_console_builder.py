"""A segment in the console: built of rows, counted, kept as a draft, published with a reason."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.sdk.starter import library, starter
from byleave.segments import Share, plain, read
from byleave.server.console.drafting import SEGMENTS, drafted
from byleave.server.console.segment_starts import starts
from byleave.server.managing import Claim, Manager
from byleave.server.service import Service

from .builder import BUYERS, NEW, Page, defined, sends

LIFECYCLE = library().journeys["lifecycle"].steps
WRITTEN = {
    "title": "Buyers",
    "because": "You bought something",
    "when": {"all": [{"event": "purchase", "count": {"at_least": 2}, "within": "30d"}]},
}


@pytest.fixture
def build(marketer: TestClient, service: Service) -> Callable[..., str]:
    """Sends the form of the builder."""
    return sends(marketer, service, "/console/segments", SEGMENTS)


def test_a_segment_is_built_kept_and_published(build: Callable[..., str], service: Service) -> None:
    saved = build(NEW, BUYERS | {"do": "save"})
    [draft] = service.library.drafts()
    published = build("buyers/edit", BUYERS | {"do": "publish"})

    assert "It is not published; nothing uses it." in saved
    assert draft.definitions == {"segments": {"buyers": WRITTEN}}
    assert "It is published." in published
    assert plain(service.published.snapshot.definitions.segments["buyers"]) == WRITTEN
    assert service.library.drafts() == []
    assert service.library.versions()[0].reason == "buyers: They come back"
    assert service.library.versions()[0].managed.by["segments.buyers"] is Manager.CONSOLE


def test_a_new_segment_may_be_published_at_once(
    build: Callable[..., str], service: Service
) -> None:
    build(NEW, BUYERS | {"do": "publish"})

    assert defined(service)["buyers"] == WRITTEN


def test_rows_are_counted_without_being_kept(
    build: Callable[..., str], service: Service, send: Any
) -> None:
    twice = [send.event(f"a{number:05}", "purchase") for number in range(12) for _ in range(2)]
    once = [send.event(f"v{number:05}", "purchase") for number in range(12, 30)]
    service.ingest([*twice, *once])

    page = build(NEW, BUYERS | {"do": "count"})
    more = build(NEW, BUYERS | {"do": "add-r", "title": "Typed <b>"})

    assert "12 of 30 who agreed to personalisation" in page
    assert re.search(r'id="size-r-0">\s*12\s*</span>', page)
    assert 'name="r.1-reads"' in more
    assert 'value="Typed &lt;b&gt;"' in more
    assert service.library.drafts() == []


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"key": "Not a name"}, "key", "lower-case letters"),
        ({"key": "customers"}, "key", "one of this name already"),
        ({"reason": ""}, "reason", "what it is for"),
        ({"r.0-at_least": "many"}, "r.0-at_least", "a whole number, got &#39;many&#39;"),
        ({"r.0-at_least": "900"}, "r.0-at_least", "from 0 to 100"),
        ({"r.0-within": "soon"}, "r.0-within", "a duration such as"),
        ({"r.0-reads": "event:sale"}, "r.0-reads", "unknown event &#39;sale&#39;"),
        ({"r.0-reads": "segment:buyers"}, "r", "refers to itself"),
        ({"r.0-reads": "hand", "r.0-text": "a: ["}, "r.0-text", "a mapping"),
        ({"use": "marketing"}, "use", "does not allow marketing"),
    ],
)
def test_what_cannot_be_published_is_told_at_its_field_and_nothing_is_lost(
    changed: dict[str, str],
    field: str,
    words: str,
    build: Callable[..., str],
    service: Service,
) -> None:
    page = build(NEW, BUYERS | changed | {"do": "publish"}, status=422)
    sent = BUYERS | changed

    assert f'href="#{field}' in page
    assert re.search(rf'id="{field}[^"]*-fault"[^>]*>.*{re.escape(words)}', page)
    assert f'value="{sent["because"]}"' in page
    assert "buyers" not in defined(service)


def test_a_faulty_segment_is_kept_as_a_draft_and_shown_again(
    build: Callable[..., str], marketer: TestClient, service: Service
) -> None:
    build(NEW, BUYERS | {"r.0-at_least": "many", "do": "save"})
    page = marketer.get("/console/segments/buyers/edit").text

    [draft] = service.library.drafts()
    assert draft.definitions["segments"]["buyers"]["when"]["all"][0]["count"] == {
        "at_least": "many"
    }
    assert 'value="many"' in page
    assert "a whole number, got" in page
    assert 'href="/console/segments/buyers/edit"' in marketer.get("/console/drafts").text


def test_whoever_was_overtaken_publishes_nothing(
    build: Callable[..., str], service: Service
) -> None:
    page = build(NEW, BUYERS | {"do": "publish", "expected": "0.9"}, status=409)

    assert "Somebody published meanwhile" in page
    assert "buyers" not in defined(service)


def test_whoever_was_overtaken_publishes_by_sending_once_more(
    marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, NEW)
    others = replace(service.published.snapshot.definitions, holdout=Share(0.03))
    service.publish(others, reason="elsewhere", author="bob")
    page.send("publish", **BUYERS)
    refused = page.status, "buyers" in defined(service)
    page.send("publish")

    assert refused == (409, False)
    assert page.status == 200
    assert defined(service)["buyers"] == WRITTEN
    assert service.published.snapshot.definitions.holdout == 0.03


def test_a_new_segment_with_a_fault_is_mended_and_published_from_its_page(
    marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, NEW)
    page.send("publish", **BUYERS | {"reason": ""})
    refused = page.status, page.path, "buyers" in defined(service)
    page.send("publish", reason="They come back")

    assert refused == (422, "/console/segments/buyers/edit", False)
    assert page.status == 200
    assert defined(service)["buyers"] == WRITTEN


def test_nobody_overwrites_what_another_saved_without_being_told(
    marketer: TestClient, service: Service
) -> None:
    Page(marketer, NEW).send("save", **BUYERS)
    one, other = Page(marketer, "buyers/edit"), Page(marketer, "buyers/edit")
    one.send("save", title="One's")
    other.send("save", because="You are the other's")
    refused = other.status, drafted(service, SEGMENTS, "buyers")["title"]
    told, typed = other.html, other.fields["because"]
    other.send("save")

    assert refused == (409, "One's")
    assert "this draft was saved meanwhile" in told
    assert service.library.drafts()[0].author in told
    assert typed == "You are the other's"
    assert other.status == 200
    assert drafted(service, SEGMENTS, "buyers")["because"] == "You are the other's"


def test_nobody_drops_what_another_saved(marketer: TestClient, service: Service) -> None:
    Page(marketer, NEW).send("publish", **BUYERS)
    one, other = Page(marketer, "buyers/edit"), Page(marketer, "buyers/edit")
    Page(marketer, "buyers/edit").send("save", title="Saved meanwhile")
    stale = Page(marketer, "buyers/edit")
    Page(marketer, "buyers/edit").send("save", title="Saved last")
    one.send("publish", reason="Small")
    stale.send("discard")
    refused = one.status, stale.status, defined(service)["buyers"] == WRITTEN
    other.send("archive", reason="Unused")

    assert refused == (409, 409, True)
    assert "buyers" not in defined(service)
    assert drafted(service, SEGMENTS, "buyers")["title"] == "Saved last"


def test_a_form_that_tells_no_state_overwrites_and_drops_nothing(
    build: Callable[..., str], marketer: TestClient, service: Service
) -> None:
    build(NEW, BUYERS | {"do": "save"})
    path = "/console/segments/buyers/edit"
    answers = [marketer.post(path, data=BUYERS | {"do": do}) for do in ("save", "discard")]

    assert [each.status_code for each in answers] == [409, 409]
    assert "this draft was saved meanwhile" in answers[0].text
    assert drafted(service, SEGMENTS, "buyers")["title"] == "Buyers"


def test_of_those_who_begin_a_segment_at_once_all_but_one_are_told(
    marketer: TestClient, service: Service
) -> None:
    def begin(author: int) -> tuple[int, str]:
        sent = BUYERS | {"title": f"By {author}", "do": "save"}
        answer = marketer.post(f"/console/segments/{NEW}", data=sent)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(4) as people:
        answers = [*people.map(begin, range(4))]

    told = [(author, page) for author, (status, page) in enumerate(answers) if status != 200]
    assert len(told) == 3
    for author, page in told:
        assert "one of this name already" in page
        assert f'value="By {author}"' in page
    [kept] = service.library.drafts()
    assert drafted(service, SEGMENTS, "buyers")["title"] not in [f"By {a}" for a, _page in told]
    assert kept.draft == "segments:buyers"


def test_whoever_builds_on_a_draft_that_was_published_meanwhile_is_told(
    marketer: TestClient, service: Service
) -> None:
    Page(marketer, NEW).send("save", **BUYERS)
    one, other = Page(marketer, "buyers/edit"), Page(marketer, "buyers/edit")
    one.send("publish", reason="They come back")
    other.send("save", title="Late")
    refused = other.status, service.library.drafts()
    told = other.html
    other.send("save")

    assert refused == (409, [])
    assert "published or thrown away" in told
    assert drafted(service, SEGMENTS, "buyers")["title"] == "Late"


def test_what_rows_do_not_show_stays(build: Callable[..., str], service: Service) -> None:
    by_hand = "sequence: [{event: sign_up}, {event: purchase, within: 1d}]"
    build(NEW, BUYERS | {"r.1-reads": "hand", "r.1-text": by_hand, "do": "publish"})
    page = build(
        "buyers/edit", BUYERS | {"do": "down-r.0"} | {"r.1-reads": "hand", "r.1-text": by_hand}
    )

    assert page.index(by_hand) < page.index('"event:purchase" selected')
    assert defined(service)["buyers"]["when"]["all"][1] == {
        "sequence": [{"event": "sign_up"}, {"event": "purchase", "within": "1d"}]
    }


def test_what_files_manage_is_shown_and_not_changed(
    build: Callable[..., str], marketer: TestClient, service: Service
) -> None:
    definitions = service.published.snapshot.definitions
    service.publish(definitions, reason="push", author="t", claim=Claim(by=Manager.FILES))
    page = marketer.get("/console/segments/customers/edit").text
    refused = build("customers/edit", BUYERS | {"do": "publish"}, status=409)
    counted = build("customers/edit", {"do": "count", "baseline": "7"})

    assert "managed from files" in page
    assert "disabled" in page
    assert 'value="publish"' not in page
    assert "change it there, then push them" in refused
    assert '"attribute:is_customer" selected' in counted
    assert 'value="7"' in counted
    assert defined(service)["customers"] == {"when": {"attribute": "is_customer", "equals": True}}


def test_a_draft_is_thrown_away(build: Callable[..., str], service: Service) -> None:
    build(NEW, BUYERS | {"do": "save"})
    build("buyers/edit", {"do": "discard"})
    build("customers/edit", {"do": "discard"})

    assert service.library.drafts() == []
    assert "customers" in defined(service)


def test_what_nothing_uses_any_more_is_archived(
    build: Callable[..., str], service: Service
) -> None:
    build(NEW, BUYERS | {"do": "publish"})
    build("buyers/edit", BUYERS | {"do": "save", "title": "Other"})
    without_reason = build("buyers/edit", BUYERS | {"do": "archive", "reason": ""}, status=422)
    used = build("customers/edit", BUYERS | {"do": "archive"}, status=422)
    build("buyers/edit", BUYERS | {"do": "archive"})

    assert "what it is for" in without_reason
    assert "unknown segment &#39;customers&#39;" in used
    assert [*defined(service)] == ["customers"]
    assert service.library.drafts() == []
    assert service.library.versions()[0].reason == "buyers is archived: They come back"


def test_one_begins_with_the_rows_of_another(marketer: TestClient) -> None:
    page = marketer.get("/console/segments/-/new?from=customers").text

    assert '"attribute:is_customer" selected' in page
    assert marketer.get("/console/segments/nobody/edit").status_code == 404


def test_the_same_words_lead_from_a_segment_to_an_experiment(
    build: Callable[..., str], marketer: TestClient
) -> None:
    page = build(NEW, BUYERS | {"do": "publish"})

    assert "/console/drafts/new?audience=buyers" in page
    assert '"buyers" selected' in marketer.get("/console/drafts/new?audience=buyers").text


def test_each_purpose_tells_what_it_costs_in_reach(marketer: TestClient, service: Service) -> None:
    counts = {"page: personalisation": 25, "page: ": 75}
    service.add_counts("01890000-0000-7000-8000-0000000000aa", counts, at_ms=service.clock())
    page = Page(marketer, NEW)
    page.send("count", **BUYERS)

    assert re.search(r"personalisation: 25(\.0)?\W?% of page views allow it", page.html)
    assert re.search(r"75(\.0)?\W?% of page views are withheld", page.html)


def test_what_nothing_reads_yet_is_collected_once_it_is_published(
    build: Callable[..., str], service: Service
) -> None:
    row = {"r.0-reads": "attribute:is_customer", "r.0-op": "equals", "r.0-value": "true"}
    wanted = BUYERS | row | {"do": "count"}
    read_already = build(NEW, wanted)
    bare = replace(service.published.snapshot.definitions, segments={}, experiments={})
    service.publish(bare, reason="bare", author="t")
    read_newly = build(NEW, wanted)

    assert "collection starts when published" not in read_already
    assert re.search("is_customer</span>: collection starts when published", read_newly)


@pytest.mark.parametrize(
    ("baseline", "lift", "words"),
    [
        ("10", "200", "With 300 of them in 30 days, half of all such experiments have seen it"),
        ("1", "1", "see nothing in 180 days"),
        ("ten", "50", "Write two numbers above 0."),
        ("10", "", "Write two numbers above 0."),
    ],
)
def test_an_experiment_on_those_who_are_counted_takes_its_time(
    baseline: str, lift: str, words: str, build: Callable[..., str], service: Service, send: Any
) -> None:
    service.ingest(
        [send.event(f"a{number:05}", "purchase") for number in range(300) for _ in range(2)]
    )

    page = build(NEW, BUYERS | {"do": "count", "baseline": baseline, "lift": lift})

    assert re.search(words, page)


def test_nobody_counted_means_no_time_is_told(build: Callable[..., str]) -> None:
    page = build(NEW, BUYERS | {"do": "count", "baseline": "10", "lift": "5"})

    assert "That can be told once so many are in it" in page


def test_the_phases_of_a_customer_are_starting_points(marketer: TestClient) -> None:
    page = Page(marketer, NEW)
    began = Page(marketer, f"{NEW}?start=phase-onboard")

    assert 'href="/console/segments/-/new?start=phase-onboard"' in page.html
    assert re.search(r"Discovering</span> <span[^>]*>needs <span[^>]*>page_view<", page.html)
    assert began.fields["title"] == "Setting up"
    assert "any:\n    - event: sign_up\n    - event: purchase" in began.fields["text"]
    assert marketer.get("/console/segments/-/new?start=nobody").status_code == 404


def test_a_phase_brings_its_signals_along_in_full() -> None:
    bare = read(Definitions, {"site": "shop"})
    known = starts(starter(bare))
    [use] = [each for each in starts(bare) if each.key == "phase-use"]
    [same] = [each for each in known if each.key == "phase-use"]

    assert [each.key for each in known] == [step.done for step in LIFECYCLE]
    assert {each.key for phase in known for each in (phase, *phase.signals)} == {
        *library().segments
    }
    assert all(not each.missing for phase in known for each in (phase, *phase.signals))
    assert use.missing == ("sign_up", "purchase", "first_value", "feature_use")
    assert use.segment["when"]["all"][0] == {"any": [{"event": "sign_up"}, {"event": "purchase"}]}
    assert same.segment["when"]["all"][0] == {"segment": "phase-onboard"}
