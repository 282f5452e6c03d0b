import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from byleave.experiments.checking import check
from byleave.sdk.folder import LocatedFault, Place, load_folder
from byleave.segments import DefinitionError, JourneyStep, Regime

EXAMPLE = Path(__file__).parents[2] / "examples" / "harbour_books" / "byleave"

SITE = """\
site: shop
attributes:
  plan: {type: string, source: site, purposes: [personalisation, analytics], ttl: session}
events:
  page_view: {purposes: [personalisation, analytics], ttl: 30d}
goals:
  seen: {event: page_view, kind: conversion, within: 7d}
slots:
  hero: {kind: content}
"""
GOLD = """\
segment: gold
when: {attribute: plan, equals: gold}
"""
OFFER = """\
experiment: offer
slot: hero
allocate: {policy: fixed, goal: seen}
goals: {primary: seen}
variants:
  control: site
  proof: {template: proof.html}
"""

BUY = """\
journey: buy
steps:
  - {key: choose, done: gold}
"""

Write = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes files into a folder of definitions and returns the folder."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def test_a_journey_is_a_document_of_its_own(write: Write) -> None:
    definitions = load_folder(
        write({"byleave.yaml": SITE, "segments/gold.yaml": GOLD, "journeys/buy.yaml": BUY})
    )

    assert definitions.vocabulary.journeys["buy"].steps == (JourneyStep(key="choose", done="gold"),)


def test_a_step_of_a_journey_names_a_segment(write: Write) -> None:
    assert faults(write({"byleave.yaml": SITE, "journeys/buy.yaml": BUY})) == [
        "journeys/buy.yaml:3:19: unknown segment 'gold'. No segment is defined yet."
    ]


def faults(folder: Path) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load_folder(folder)
    return [str(fault) for fault in caught.value.faults]


def test_the_example_site_is_read_and_sound() -> None:
    definitions = load_folder(EXAMPLE)

    assert check(definitions) == []
    assert {"pricing-hero", "welcome-nav"} <= set(definitions.experiments)


def test_a_folder_is_one_set(write: Write) -> None:
    folder = write(
        {"byleave.yaml": SITE, "segments/gold.yaml": GOLD, "experiments/offer.yaml": OFFER}
    )

    definitions = load_folder(folder)

    assert definitions.site == "shop"
    assert set(definitions.segments) == {"gold"}
    assert set(definitions.experiments) == {"offer"}


def test_a_small_site_is_one_file_in_any_order(write: Write) -> None:
    apart = load_folder(
        write({"byleave.yaml": SITE, "segments/gold.yaml": GOLD, "experiments/offer.yml": OFFER})
    )

    for documents in ([SITE, GOLD, OFFER], [OFFER, GOLD, SITE]):
        folder = write({f"{len(documents[0])}/byleave.yaml": "---\n".join(documents)})
        assert load_folder(folder / f"{len(documents[0])}") == apart


def test_segments_may_stand_in_the_site_file_too(write: Write) -> None:
    inline = f"{SITE}segments:\n  silver: {{when: {{attribute: plan, equals: silver}}}}\n"

    definitions = load_folder(write({"byleave.yaml": inline, "segments/gold.yaml": GOLD}))

    assert set(definitions.segments) == {"silver", "gold"}


def test_no_file_is_left_out_for_where_it_stands(write: Write) -> None:
    folder = write({"byleave.yaml": SITE, "segmnets/deep/gold.yml": GOLD, "notes.txt": "x"})

    assert set(load_folder(folder).segments) == {"gold"}


def test_words_stay_words(write: Write) -> None:
    site = SITE.replace(
        "site: shop", "site: shop\nregions: {NO: opt-in, default: opt-out}\nholdout: 0.05"
    )
    gold = GOLD.replace("gold}", "off}")
    offer = f"{OFFER}title: 2026-12-01\nschedule: {{start: 2026-12-01T09:00, timezone: UTC}}\n"

    definitions = load_folder(
        write({"byleave.yaml": site, "segments/gold.yaml": gold, "experiments/o.yaml": offer})
    )

    assert definitions.regions["NO"] is Regime.OPT_IN
    assert definitions.holdout == 0.05
    assert definitions.experiments["offer"].title == "2026-12-01"
    assert definitions.experiments["offer"].schedule.start == "2026-12-01T09:00"
    when = definitions.segments["gold"].when
    assert getattr(when, "test").operand == "off"  # noqa: B009 — a leaf among conditions


def test_plain_numbers_truths_and_nothing_are_what_they_look_like(write: Write) -> None:
    offer = OFFER.replace(
        "{template: proof.html}",
        "{data: {n: -3, f: 1.5, t: true, nothing: null, gone: ~, empty: , s: '3', w: True}}",
    ).replace("hero", "mail")
    site = SITE.replace("hero: {kind: content}", "mail: {kind: data}")

    definitions = load_folder(write({"byleave.yaml": site, "experiments/offer.yaml": offer}))

    assert definitions.experiments["offer"].variants["proof"].content == {
        "n": -3,
        "f": 1.5,
        "t": True,
        "nothing": None,
        "gone": None,
        "empty": None,
        "s": "3",
        "w": "True",
    }


def test_a_folder_without_a_site_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no byleave\.yaml in .*`byleave init`"):
        load_folder(tmp_path)


def test_an_empty_site_says_what_is_missing(write: Write) -> None:
    assert faults(write({"byleave.yaml": ""})) == ["byleave.yaml:1:1: 'site' is missing"]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "experiments/offer.yaml",
            OFFER.replace("slot:", "solt:"),
            [
                "experiments/offer.yaml:1:1: 'slot' is missing",
                "experiments/offer.yaml:2:1: unknown key 'solt', expected one of slot, variants, "
                "allocate, goals, audience, until, unless, cap, schedule, unit, traffic, ramp, "
                "exclusive, priority, report_by, imported, retired, title. Did you mean 'slot'?",
            ],
        ),
        (
            "byleave.yaml",
            SITE.replace("event: page_view", "event: page_veiw"),
            ["byleave.yaml:7:10: unknown event 'page_veiw'. Did you mean 'page_view'?"],
        ),
        (
            "byleave.yaml",
            SITE.replace("within: 7d", "within: week"),
            [
                "byleave.yaml:7:46: expected a duration such as 90s, 60m, 24h, 7d or 2w or "
                "expected one of page, got 'week'"
            ],
        ),
        (
            "segments/gold.yaml",
            "segment: gold\nwhen: [\n",
            [
                "segments/gold.yaml:3:1: not readable as YAML: expected the node content, but "
                "found '<stream end>'"
            ],
        ),
        (
            "byleave.yaml",
            f"{SITE}site: the shop: ours\n",
            [
                "byleave.yaml:10:15: not readable as YAML: mapping values are not allowed here; "
                "put text with , or : between quotes, and begin keys that belong together in one "
                "column"
            ],
        ),
        (
            "segments/gold.yaml",
            f"{GOLD}title: a\ntitle: b\n",
            ["segments/gold.yaml:4:1: 'title' stands at segments/gold.yaml:3:1 already"],
        ),
        (
            "segments/other.yaml",
            f"{GOLD}---\n{GOLD}",
            ["segments/other.yaml:4:10: segment 'gold' stands at segments/other.yaml:1:1 already"],
        ),
        (
            "segments/gold.yaml",
            "segment: gold\ntitle: Zoë ".encode() + b"\xff",
            ["segments/gold.yaml:2:12: expected UTF-8"],
        ),
        (
            "segments/gold.yaml",
            "segment: gold\ntitle: é\x07",
            ["segments/gold.yaml:2:9: not readable as YAML: special characters are not allowed"],
        ),
        ("segments/gold.yaml", SITE.encode("utf-16"), ["segments/gold.yaml:1:1: expected UTF-8"]),
        (
            "segments/gold.yaml",
            "- gold\n",
            ["segments/gold.yaml:1:1: expected a mapping, such as `segment: my-segment`"],
        ),
        (
            "segments/gold.yaml",
            "\nwhen: {attribute: plan, equals: gold}\n",
            [
                "segments/gold.yaml:2:1: expected a document with `segment: name` or "
                "`journey: name` or `experiment: name`"
            ],
        ),
        (
            "byleave.yaml",
            f"{SITE}---\n{SITE}",
            [
                "byleave.yaml:11:1: expected a document with `segment: name` or `journey: name` "
                "or `experiment: name`"
            ],
        ),
        (
            "segments/gold.yaml",
            GOLD.replace("gold\n", "[gold]\n", 1),
            ["segments/gold.yaml:1:10: expected the name of the segment"],
        ),
        (
            "segments/gold.yaml",
            GOLD.replace("gold\n", "\n", 1),
            ["segments/gold.yaml:1:9: expected the name of the segment"],
        ),
        (
            "segments/gold.yaml",
            "segment: gold\n? [a, b]\n: c\nwhen: {attribute: plan, equals: gold}\n",
            ["segments/gold.yaml:2:3: expected text as a key"],
        ),
        (
            "byleave.yaml",
            f"{SITE}holdout: !!float no\n",
            ["byleave.yaml:10:10: expected a value without a tag; leave out what `!` begins"],
        ),
        (
            "byleave.yaml",
            f"{SITE}holdout: !!python/name:os.system ''\n",
            ["byleave.yaml:10:10: expected a value without a tag; leave out what `!` begins"],
        ),
        (
            "byleave.yaml",
            f"{SITE}segments: [gold]\n",
            ["byleave.yaml:10:1: expected a mapping, got a list"],
        ),
    ],
)
def test_every_fault_has_its_place(
    write: Write, file: str, text: str | bytes, expected: list[str]
) -> None:
    folder = write({"byleave.yaml": SITE, file: text})

    assert faults(folder) == expected


def test_a_list_of_segments_is_a_fault_even_beside_files(write: Write) -> None:
    folder = write({"byleave.yaml": f"{SITE}segments: [gold]\n", "segments/gold.yaml": GOLD})

    assert faults(folder) == ["byleave.yaml:10:1: expected a mapping, got a list"]


def test_a_segment_in_two_places_is_a_fault_whichever_comes_first(write: Write) -> None:
    inline = f"{SITE}segments:\n  gold: {{when: {{attribute: plan, equals: gold}}}}\n"

    folder = write({"byleave.yaml": f"{GOLD}---\n{inline}"})

    assert faults(folder) == ["byleave.yaml:14:3: 'gold' stands at byleave.yaml:1:1 already"]


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("[" * 150 + "]" * 150, "segments/gold.yaml:3:106"),
        ("[" * 1500 + "]" * 1500, "segments/gold.yaml:1:1"),
        ("&a [*a, *a]", "segments/gold.yaml:3:8"),
    ],
)
def test_nesting_and_aliases_end(write: Write, title: str, line: str) -> None:
    folder = write({"byleave.yaml": SITE, "segments/gold.yaml": f"{GOLD}title: {title}\n"})

    assert f"{line}: nested too deeply, or aliases without end" in faults(folder)


def test_aliases_that_multiply_are_cut_off(write: Write) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    found = faults(write({"byleave.yaml": f"{SITE}{chr(10).join(lines)}\n"}))

    assert any("aliases without end" in fault for fault in found)


def test_all_faults_come_at_once_in_the_order_of_their_places(write: Write) -> None:
    folder = write(
        {
            "byleave.yaml": SITE.replace("kind: content", "kind: contents").replace("7d", "7"),
            "segments/gold.yaml": GOLD.replace("when", "wen"),
            "experiments/offer.yaml": "experiment: offer\nslot: [\n",
        }
    )

    with pytest.raises(DefinitionError) as caught:
        load_folder(folder)

    located = [fault for fault in caught.value.faults if isinstance(fault, LocatedFault)]
    assert [fault.place for fault in located] == [
        Place("byleave.yaml", 7, 46),
        Place("byleave.yaml", 9, 10),
        Place("experiments/offer.yaml", 3, 1),
        Place("segments/gold.yaml", 1, 1),
        Place("segments/gold.yaml", 2, 1),
    ]
    assert str(caught.value).splitlines() == [str(fault) for fault in located]


def test_what_refers_to_nothing_is_found_once_the_shapes_are_right(write: Write) -> None:
    folder = write(
        {
            "byleave.yaml": SITE,
            "segments/gold.yaml": GOLD.replace("plan", "plans"),
            "experiments/offer.yaml": f"{OFFER}audience: golden\n",
        }
    )

    assert faults(folder) == [
        "experiments/offer.yaml:8:1: unknown segment 'golden'. Did you mean 'gold'?",
        "segments/gold.yaml:2:8: unknown attribute 'plans'. Did you mean 'plan'?",
    ]


def test_a_fault_of_what_is_not_written_stands_at_what_surrounds_it(write: Write) -> None:
    folder = write(
        {"byleave.yaml": SITE.replace("personalisation, ", ""), "segments/gold.yaml": GOLD}
    )

    assert faults(folder) == [
        "segments/gold.yaml:1:1: what 'gold' reads does not allow personalisation; together it "
        "allows analytics. Add the purpose to what it reads, or change `use`."
    ]


def test_an_empty_document_is_no_fault(write: Write) -> None:
    folder = write({"byleave.yaml": SITE, "segments/gold.yaml": f"{GOLD}---\n"})

    assert set(load_folder(folder).segments) == {"gold"}


def test_without_pyyaml_the_error_says_what_to_install(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"byleave.yaml": SITE})
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(ModuleNotFoundError, match="pip install pyyaml"):
        load_folder(folder)
