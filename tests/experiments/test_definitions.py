import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.defaults import reread

from byleave.experiments.definitions import (
    Allocate,
    Cap,
    Definitions,
    Exclusion,
    Experiment,
    FieldKind,
    Goals,
    Guard,
    NavOperation,
    NavVerb,
    Policy,
    RampStep,
    Schedule,
    Slot,
    SlotKind,
    Unless,
    Variant,
    VariantKind,
)
from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.experiments.imported import Filter, HashName, Imported, Range
from byleave.experiments.triggers import Trigger
from byleave.segments import (
    Attribute,
    AttributeLeaf,
    Comparison,
    DefinitionError,
    Duration,
    Event,
    Operator,
    Purpose,
    Regime,
    Segment,
    Share,
    Source,
    ValueType,
    canonical_json,
    plain,
    read,
)

names = st.sampled_from(["a", "b2", "main-nav", "page_view", "x.y"])
texts = st.text(max_size=8)
tags = st.sampled_from(["en", "de", "de-AT"])
durations = st.integers(1, 10**10).map(Duration)
shares = st.integers(0, 10_000).map(lambda n: Share.parse(f"{n / 100}%"))
points = st.floats(0, 1)
hashes = st.sampled_from(get_args(HashName))


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def many(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


def named(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(names, strategy, max_size=2)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
caps = st.builds(Cap, exposures=st.integers(1, 9), within=durations)
unlesses = st.builds(Unless, segment=names, if_undetermined=st.sampled_from(["suppress", "show"]))
navs = st.builds(
    NavOperation,
    operation=st.sampled_from(NavVerb),
    path=texts,
    label=optional(texts.filter(bool)),
)
contents = {
    VariantKind.FIELDS: named(texts | st.dictionaries(tags, texts, max_size=2)),
    VariantKind.TEMPLATE: texts,
    VariantKind.HTML: texts,
    VariantKind.DATA: values,
    VariantKind.NAV: many(navs),
}
variants = st.just(Variant()) | st.one_of(
    *[
        st.builds(
            Variant,
            kind=st.just(kind),
            content=content,
            when=optional(names),
            unless=many(unlesses),
            cap=optional(caps),
        )
        for kind, content in contents.items()
    ]
)
goals = st.builds(
    Goal,
    event=names,
    kind=st.sampled_from(GoalKind),
    within=durations | st.just("page"),
    of=optional(names),
    cap=optional(st.floats(0, 1e6)),
    better=st.sampled_from(Better),
)
slots = st.builds(
    Slot,
    kind=st.sampled_from(SlotKind),
    fields=named(st.sampled_from(get_args(FieldKind))),
    template=optional(texts),
    promote_at_most=st.integers(1, 5),
    trigger=optional(
        st.builds(
            Trigger,
            exit=st.booleans(),
            scroll=optional(shares),
            idle=optional(durations),
            after=optional(durations),
            events=many(names),
            show=st.sampled_from(["dialog", "popover"]),
        )
    ),
)
ranges = st.builds(Range, start=points, end=points)
filters = st.builds(Filter, hash=hashes, seed=texts, within=many(ranges), by=many(names))
imported = st.builds(
    Imported,
    hash=hashes,
    seed=texts,
    ranges=named(ranges),
    by=many(names),
    filters=many(filters),
    buckets=st.integers(1, 10_000),
)
allocates = st.builds(
    Allocate,
    policy=st.sampled_from(Policy),
    goal=names,
    control=shares,
    floor=shares,
    epoch=durations,
    shares=named(shares),
    contexts=many(names),
)
experiments = st.builds(
    Experiment,
    slot=names,
    variants=named(variants),
    allocate=allocates,
    goals=st.builds(
        Goals,
        primary=names,
        others=many(names),
        guards=many(st.builds(Guard, goal=names, worse_by_at_most=shares)),
    ),
    audience=optional(names),
    until=st.sampled_from(["goal", None]),
    unless=many(unlesses),
    cap=optional(caps),
    schedule=st.builds(Schedule, start=optional(texts), end=optional(texts), timezone=texts),
    unit=st.sampled_from(["visitor", "view"]),
    traffic=shares,
    ramp=many(st.builds(RampStep, at=texts, traffic=shares)),
    exclusive=optional(st.builds(Exclusion, group=names, start=shares, end=shares)),
    priority=st.integers(-9, 9),
    report_by=many(names),
    imported=optional(imported),
    title=texts,
)
segments = st.builds(
    Segment,
    when=st.builds(
        AttributeLeaf, names, st.builds(Comparison, st.just(Operator.EQUALS), texts.filter(bool))
    ),
    title=texts,
)
definitions = st.builds(
    Definitions,
    site=names,
    regions=named(st.sampled_from(Regime)),
    holdout=shares,
    suppress=many(unlesses),
    cap=optional(caps),
    storage_free_measurement=many(names),
    attributes=named(
        st.builds(Attribute, type=st.sampled_from([ValueType.STRING]), source=st.just(Source.SITE))
    ),
    events=named(
        st.builds(Event, purposes=many(st.sampled_from(Purpose)), ttl=optional(durations))
    ),
    goals=named(goals),
    slots=named(slots),
    segments=named(segments),
    experiments=named(experiments),
)


@given(
    caps
    | unlesses
    | navs
    | variants
    | goals
    | slots
    | imported
    | allocates
    | experiments
    | definitions
)
def test_what_is_written_is_what_is_read(definition: Any) -> None:
    kind = type(definition)

    assert read(kind, plain(definition)) == definition
    assert read(kind, json.loads(canonical_json(definition))) == definition


@given(definitions)
def test_the_canonical_text_does_not_depend_on_the_order_of_names(whole: Definitions) -> None:
    text = canonical_json(whole)

    again = read(Definitions, _reversed(json.loads(text)))

    assert canonical_json(again) == text


def _reversed(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _reversed(data[key]) for key in reversed(data)}
    return [_reversed(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize(
    ("kind", "short", "full"),
    [
        (Unless, "angry", {"segment": "angry", "if_undetermined": "suppress"}),
        (Variant, "site", None),
        (Variant, {"template": "a.html"}, {"template": "a.html", "unless": [], "cap": None}),
        (Cap, {"exposures": 5, "within": "7d"}, {"exposures": 5, "within": "168h"}),
        (Guard, {"goal": "g", "worse_by_at_most": "2%"}, {"goal": "g", "worse_by_at_most": 0.02}),
        (NavOperation, {"promote": "/a"}, {"promote": "/a"}),
    ],
)
def test_the_short_form_says_what_the_full_one_says(kind: Any, short: object, full: object) -> None:
    value = read(kind, short)

    assert plain(value) == short
    assert full is None or read(kind, full) == value


@pytest.mark.parametrize(
    ("kind", "data", "faults"),
    [
        (
            Variant,
            {"template": "a", "html": "b"},
            [
                "$: expected `site` or exactly one of fields, template, html, data, nav, "
                "got 'template', 'html'."
            ],
        ),
        (
            Variant,
            "side",
            ["$: expected `site` or exactly one of fields, template, html, data, nav, got 'side'."],
        ),
        (
            Variant,
            {"when": "new", "htm": "b"},
            [
                "$: expected `site` or exactly one of fields, template, html, data, nav, "
                "got 'htm'. Did you mean 'html'?"
            ],
        ),
        (
            Variant,
            {"when": "new"},
            [
                "$: expected `site` or exactly one of fields, template, html, data, nav, "
                "got none of them."
            ],
        ),
        (
            Variant,
            {"template": "a", "wen": "b", "cap": {"exposures": "many", "within": "7d"}},
            [
                "$.wen: unknown key 'wen', expected one of template, when, unless, cap. "
                "Did you mean 'when'?",
                "$.cap.exposures: expected a whole number, got 'many'",
            ],
        ),
        (Variant, {"fields": {"title": 3}}, ["$.fields.title: expected text, got 3"]),
        (Variant, {"fields": "title"}, ["$.fields: expected a mapping, got 'title'"]),
        (Variant, {"fields": {"title": ["a"]}}, ["$.fields.title: expected text, got a list"]),
        (
            Variant,
            {"fields": {"title": {"en": "A", "de": 3}}},
            ["$.fields.title.de: expected text, got 3"],
        ),
        (
            Variant,
            {"fields": {"title": {"de": "Ja", "gern": None}}},
            ["$.fields.title.gern: expected text, got nothing; a text with a comma needs quotes"],
        ),
        (
            NavOperation,
            {"promote": "/a", "hide": "/b"},
            ["$: expected exactly one of promote, add, emphasise, hide, reorder"],
        ),
        (
            NavOperation,
            "hide",
            ["$: expected exactly one of promote, add, emphasise, hide, reorder"],
        ),
        (
            NavOperation,
            {"promote": 1, "label": 2},
            ["$.promote: expected text, got 1", "$.label: expected text, got 2"],
        ),
        (
            Unless,
            {"segmnt": "angry"},
            [
                "$.segmnt: unknown key 'segmnt', expected one of segment, if_undetermined. "
                "Did you mean 'segment'?",
                "$: 'segment' is missing",
            ],
        ),
        (
            Goal,
            {"event": "buy", "kind": "conversions", "within": "week"},
            [
                "$.kind: expected one of conversion, count, value, time, got 'conversions'. "
                "Did you mean 'conversion'?",
                "$.within: expected a duration such as 90s, 60m, 24h, 7d or 2w or expected one of "
                "page, got 'week'",
            ],
        ),
    ],
)
def test_reading_names_every_fault_with_its_place(
    kind: Any, data: object, faults: list[str]
) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(kind, data)

    assert [str(fault) for fault in caught.value.faults] == faults


@pytest.mark.parametrize(
    "kind", [Allocate, Definitions, Experiment, Filter, Goal, Goals, Imported, Slot, Trigger]
)
def test_a_default_is_of_the_type_that_is_declared(kind: Any) -> None:
    defaults, read = reread(kind)

    assert read == defaults


def test_a_new_part_of_an_experiment_that_is_left_out_changes_no_canonical_text() -> None:
    least = {
        "slot": "hero",
        "variants": {"control": "site"},
        "allocate": {"policy": "fixed", "goal": "bought"},
        "goals": {"primary": "bought"},
    }

    assert plain(read(Experiment, least)) == least


def test_the_vocabulary_is_what_conditions_may_name() -> None:
    whole = read(Definitions, {"site": "shop", "events": {"buy": {"purposes": ["analytics"]}}})

    assert set(whole.vocabulary.events) == {"buy"}
