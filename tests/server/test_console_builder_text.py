"""The YAML beside the rows of a segment: each edits the other, and comments stay."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.console import segment_builder
from byleave.server.service import Service

from .builder import BUYERS, NEW, Page, defined
from .conftest import DEFINITIONS

COMMENTED = """\
# Whom we thank.
segment: buyers
title: Buyers
when:
  all:
    # Twice is no accident.
    - {event: purchase, count: {at_least: 2}}  # ever
"""


@pytest.mark.parametrize("escape", ["\\UFFFFFFFF", "\\U00110000", "\\ud800"])
@pytest.mark.parametrize("line", ['title: "{}"', '"{}": Buyers'])
def test_an_escape_of_no_character_is_told_and_nothing_is_lost(
    escape: str, line: str, marketer: TestClient
) -> None:
    page, text = Page(marketer, NEW), f"segment: buyers\n{line.format(escape)}\nwhen: {{all: []}}\n"

    assert page.send("save", text=text) == text
    assert page.status == 422
    assert "This is not YAML" in page.html


def test_rows_and_yaml_change_each_other_and_comments_stay(
    marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, NEW)
    page.send("count", text=COMMENTED)
    shown = page.fields["r.0-at_least"], page.fields["key"], page.fields["title"]
    added = page.send("add-r")
    counted = page.send("count", r_0_at_least="3")
    page.send("publish", reason="Thanks", title="Thanked")
    page.send("down-r.0")
    again = Page(marketer, "buyers/edit").fields["text"]

    assert shown == ("2", "buyers", "Buyers")
    assert added.startswith(COMMENTED)
    assert counted.startswith(COMMENTED.replace("at_least: 2", "at_least: 3"))
    assert again.startswith("# Whom we thank.\nsegment: buyers\ntitle: Thanked\n")
    assert "# Twice is no accident." in again
    assert "at_least: 3" in again
    assert defined(service)["buyers"]["when"]["all"][0]["count"] == {"at_least": 3}


def test_comments_come_back_with_a_draft_and_after_others_published(
    marketer: TestClient, service: Service
) -> None:
    Page(marketer, NEW).send("save", text=COMMENTED)
    kept = Page(marketer, "buyers/edit").fields["text"]
    Page(marketer, "buyers/edit").send("publish", reason="Thanks")
    before = service.published.snapshot.definitions
    quiet = replace(before.segments["buyers"], title="Quiet")
    segments = {**before.segments, "buyers": quiet}
    service.publish(replace(before, segments=segments), reason="elsewhere", author="t")
    after = Page(marketer, "buyers/edit").fields["text"]

    assert kept == COMMENTED
    assert after == COMMENTED.replace("title: Buyers", "title: Quiet")


def test_whoever_changed_both_chooses(marketer: TestClient) -> None:
    text = COMMENTED.replace("2", "5")
    page = Page(marketer, NEW)
    page.send("count", text=COMMENTED)
    page.send("count", text=text, r_0_at_least="7")
    split = page.html
    rows = page.send("rows")
    page.send("count", text=text, r_0_at_least="9")
    chosen = page.send("text")

    assert "Both the rows and the YAML were changed" in split
    assert "at_least: 7" in rows
    assert chosen == text
    assert page.fields["r.0-at_least"] == "5"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "This is not YAML: <span"),
        ("- 1", "Write one segment"),
        ("title: Buyers", "Write one segment"),
        ("segment: others\nwhen: {all: []}", "The key of a segment never changes."),
        ("segment: customers\nwhen:\n  evnt: x\n", "segment.yaml:3:3: expected one of"),
        ("segment: customers\nwhen: {segment: customers}\n", "segment.yaml:2:"),
    ],
)
def test_yaml_that_is_no_segment_is_refused_where_it_stands(
    text: str, words: str, marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, "customers/edit")
    page.send("publish", text=text, reason="Try")

    assert page.status == 422
    assert words in page.html
    assert page.fields["text"].strip() == text.strip()
    assert service.library.newest() == "1.1"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": COMMENTED + f"# {'x' * 16_384}\n"}, "text"),
        ({"r.0-reads": "hand", "r.0-text": f"event: purchase  # {'x' * 16_384}"}, "r.0-text"),
    ],
)
def test_yaml_that_is_too_long_is_refused_at_its_field_and_stays(
    changed: dict[str, str], field: str, marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, NEW)
    page.send("save", **BUYERS | changed)

    assert page.status == 422
    assert f'href="#{field}">This is too long: at most 16 KB' in page.html
    assert page.fields[field].strip() == changed[field].strip()
    assert page.fields["title"] == "Buyers"
    assert service.library.drafts() == []


LONG = {
    "when": {"attribute": "is_customer", "equals": True},
    "because": "x" * 17_000,
}


@pytest.fixture
def long(service: Service) -> Service:
    """A site that has a segment of more than 16 KB."""
    segments = {**DEFINITIONS["segments"], "long": LONG}
    definitions = read(Definitions, {**DEFINITIONS, "segments": segments})
    service.publish(definitions, reason="long", author="tests")
    return service


def test_a_published_segment_that_is_too_long_says_what_can_be_done_and_is_archived(
    marketer: TestClient, long: Service
) -> None:
    page = Page(marketer, "long/edit")
    shown = page.html
    page.send("save")
    saved = page.status
    page.send("archive")
    unsaid = page.status, page.html
    page.send("archive", reason="Nobody reads it")

    assert "longer than 16 KB" in shown
    assert "r-group" not in shown
    assert saved == 422
    assert unsaid[0] == 422
    assert 'href="#reason"' in unsaid[1]
    assert page.status == 200
    assert "long" not in defined(long)


def test_a_published_segment_that_is_too_long_is_shortened_by_its_yaml(
    marketer: TestClient, long: Service
) -> None:
    page = Page(marketer, "long/edit")
    short = "segment: long\nwhen: {event: purchase}\n"
    page.send("count", text="segment: [")
    faulty = page.html, page.fields["text"].strip()
    page.send("count", text=short)
    shown = page.html
    page.send("publish", reason="Shorter")

    assert "This is not YAML:" in faulty[0]
    assert faulty[1] == "segment: ["
    assert "longer than 16 KB" not in shown
    assert '"event:purchase" selected' in shown
    assert page.status == 200
    assert defined(long)["long"] == {"when": {"event": "purchase"}}


def test_rows_that_would_write_too_much_are_refused_and_stay(
    marketer: TestClient, service: Service
) -> None:
    page = Page(marketer, NEW)
    page.send("save", **BUYERS | {"title": "x" * 16_384})
    refused, typed = page.status, page.fields["title"]
    page.send("save", title="Short")

    assert (refused, len(typed)) == (422, 16_384)
    assert page.status == 200
    assert [draft.draft for draft in service.library.drafts()] == ["segments:buyers"]


def test_yaml_is_worked_on_beside_the_loop_that_serves_decisions(
    marketer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: dict[str, bool] = {}

    def watched(name: str, real: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            called.setdefault(name, False)
        else:
            called[name] = True
        return real(*given, **named)

    heavy = ("opened", "sent", "settle", "definition", "located")
    for name in heavy:
        real = getattr(segment_builder, name)
        monkeypatch.setattr(segment_builder, name, partial(watched, name, real))
    page = Page(marketer, NEW)
    page.send("save", text=COMMENTED)
    page.send("count", text="segment: buyers\nwhen: {evnt: x}\n")

    assert called == dict.fromkeys(heavy, False)
