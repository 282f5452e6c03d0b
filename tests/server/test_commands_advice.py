"""Each check for authors on a fixture that trips it: the file, the line and what to do."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

SITE = """\
site: shop
attributes:
  country: {type: string, source: request}
  age: {type: number, source: site, purposes: [personalisation, analytics], ttl: session}
  industry: {type: string, source: server, purposes: [personalisation, analytics], ttl: 30d}
events:
  page_view: {properties: {path: string}, purposes: [personalisation, analytics], ttl: 30d}
  purchase: {purposes: [personalisation, analytics], ttl: 400d}
  contact: {purposes: [analytics], ttl: 90d}
goals:
  bought: {event: purchase, kind: conversion, within: 7d}
  asked: {event: contact, kind: conversion, within: 7d}
slots:
  hero: {kind: content}
"""
EXPERIMENT = """\
---
experiment: hero
slot: hero
audience: shown
allocate: {policy: fixed, goal: bought}
goals: {primary: bought, others: [asked]}
variants: {control: site, other: {html: "<p>Hello</p>"}}
"""
USED = """\
---
segment: used
because: You are who you are
when:
  any:
    - {attribute: country, equals: NO}
    - {attribute: age, at_least: 18}
    - {attribute: industry, exists: true}
    - {event: page_view}
---
journey: all
steps: [{key: first, done: used}]
"""
SHOWN = """\
---
segment: shown
because: You came from Norway
when: {attribute: country, equals: NO}
"""

# What each file holds; `# here` ends the line that is told.
CHECKS: dict[str, tuple[str, str]] = {
    "contradiction": (
        """\
segment: shown
because: You are young
when:  # here
  all: [{attribute: age, at_least: 18}, {attribute: age, less_than: 18}]
""",
        "error: nobody can ever be in 'shown': `age is at least 18` and `age is less than 18` "
        "exclude each other; change one",
    ),
    "tautology": (
        """\
segment: shown
because: You are here
when:  # here
  any: [{attribute: age, at_least: 18}, {attribute: age, less_than: 18}]
""",
        "warning: 'shown' is never false: whoever may be asked is in it. Ask for something",
    ),
    "dead segment": (
        SHOWN.removeprefix("---\n")
        + """\
---
segment: dead  # here
when: {attribute: country, equals: SE}
""",
        "warning: nothing that is shown, measured or reached depends on segment 'dead'; use it",
    ),
    "window longer than the ttl": (
        """\
segment: shown
because: You looked around
when:
  event: page_view
  within: 60d  # here
""",
        "warning: this looks back 60 days, but page_view is kept for 30 days; shorten it, or",
    ),
    "purposes that make a segment unusable": (
        """\
segment: shown
because: You asked us
use: personalisation  # here
when: {event: contact}
""",
        "what 'shown' reads does not allow personalisation; together it allows analytics. Add "
        "the purpose to what it reads, or change `use`.",
    ),
    "sequence that can never complete": (
        """\
segment: shown
because: You left
when:
  all:
    - sequence: [{event: page_view}, {not: purchase, within: 30d}]  # here
""",
        "error: this sequence can never be complete: its events are kept for 30 days",
    ),
    "unreachable branch": (
        """\
segment: shown
because: You are grown up
when:
  all:
    - {attribute: age, at_least: 18}
    - any:
        - {attribute: country, equals: NO}
        - {attribute: age, less_than: 18}  # here
""",
        "warning: what is asked beside this group excludes this branch; leave it out",
    ),
    "duplicate segment": (
        SHOWN.removeprefix("---\n")
        + """\
---
segment: twin
because: You came from Norway
when: {attribute: country, equals: NO}  # here
---
journey: two
steps: [{key: first, done: twin}]
""",
        "warning: this is segment 'shown' again; keep one of them",
    ),
    "missing because": (
        """\
segment: shown  # here
when: {attribute: country, equals: NO}
""",
        "warning: 'because' is missing: a visitor who asks why this page looks as it does",
    ),
    "needs consent": (
        """\
segment: shown  # here
because: You looked around
when: {event: page_view}
""",
        "note: where consent is opt-in, reaches nobody who has not agreed to personalisation: it "
        "needs page_view",
    ),
    "needs a record": (
        """\
segment: shown  # here
because: You run a school
when: {attribute: industry, equals: education}
""",
        "note: reaches nobody of whom the server has no record: it needs industry. A default, "
        "or a way without it, would reach others too.",
    ),
}


def check(folder: Path, files: dict[str, str], told: str) -> int:
    """Validate a folder; the file with the mark must be told with its line. Return the exit."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    [(name, line)] = [
        (name, number)
        for name, text in files.items()
        for number, written in enumerate(text.splitlines(), start=1)
        if written.endswith("# here")
    ]

    result = CliRunner().invoke(program, ["validate", str(folder), "--notes"])

    lines = [said for said in result.stderr.splitlines() if told in said]
    assert lines, result.stderr
    assert lines[0].startswith(f"{(folder / name).as_posix()}:{line}:"), lines
    return result.exit_code


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_tripped_with_file_line_and_advice(tmp_path: Path, name: str) -> None:
    written, told = CHECKS[name]

    exit_code = check(
        tmp_path, {"byleave.yaml": SITE + USED + EXPERIMENT, "segment.yaml": written}, told
    )

    assert exit_code == int(not told.startswith(("warning", "note")))


def validated(folder: Path, *options: str) -> Result:
    written, _ = CHECKS["needs consent"]
    (folder / "byleave.yaml").write_text(SITE + USED + EXPERIMENT, encoding="utf-8")
    (folder / "segment.yaml").write_text(written, encoding="utf-8")
    return CliRunner().invoke(program, ["validate", str(folder), "--notes", *options])


def test_what_an_audience_costs_is_said_where_it_was_measured(tmp_path: Path) -> None:
    known = validated(tmp_path, "--granted", "analytics=80%", "--granted", "personalisation=61%")
    other = validated(tmp_path, "--granted", "analytics=80%")

    assert "needs page_view; that was 39% of page views\n" in known.stderr
    assert "needs page_view\n" in other.stderr


@pytest.mark.parametrize("given", ["personalisation", "personalisation=161%", "fun=1%"])
def test_a_share_that_cannot_be_one_is_refused(tmp_path: Path, given: str) -> None:
    refused = validated(tmp_path, "--granted", given)

    assert refused.exit_code == 2
    assert "--granted: expected PURPOSE=SHARE such as personalisation=61%" in refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "attributes:\n",
            "attributes:\n  plan: {type: string, source: request}  # here\n",
            "warning: nothing reads attribute 'plan', so it is not collected; use it or leave",
        ),
        (
            "events:\n",
            "events:\n  sign_up: {purposes: [analytics], ttl: 1d}  # here\n",
            "warning: nothing reads event 'sign_up', so it is not collected; use it or leave",
        ),
        (
            "attributes:\n",
            "attributes:\n  faith: {type: string, source: request, sensitive: true}  # here\n",
            "a sensitive attribute needs purposes, wherever it comes from",
        ),
    ],
)
def test_a_check_of_what_is_declared_is_tripped(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    site = (SITE + USED + SHOWN + EXPERIMENT).replace(old, new)

    assert check(tmp_path, {"byleave.yaml": site}, told) == int(not told.startswith("warning"))


def test_what_trips_no_check_is_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "byleave.yaml").write_text(SITE + USED + SHOWN + EXPERIMENT, encoding="utf-8")

    result = CliRunner().invoke(program, ["validate", str(tmp_path), "--notes"])

    assert result.exit_code == 0
    assert result.stderr == "shop: 2 segments, 1 experiment, no fault\n"
