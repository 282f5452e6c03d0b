"""The YAML beside the rows of a segment: each edits the other, and comments stay."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from byleave.server.service import Service

from .builder import NEW, Page, defined

COMMENTED = """\
# Whom we thank.
segment: buyers
title: Buyers
when:
  all:
    # Twice is no accident.
    - {event: purchase, count: {at_least: 2}}  # ever
"""


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
