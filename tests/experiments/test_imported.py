import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byleave.experiments import (
    Assignments,
    Decider,
    Decision,
    Definitions,
    Sticky,
    Visitor,
    local_snapshot,
)
from byleave.experiments.assignment import Ranges
from byleave.experiments.hashes import HASHES
from byleave.experiments.imported import (
    UNLEASH_DEFAULT,
    Imported,
    Range,
    growthbook_namespace,
    growthbook_ranges,
    growthbook_split,
    unleash_rollout,
    unleash_split,
)
from byleave.segments import Consent, plain

Define = Callable[..., Definitions]

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "growthbook" / "assignment_cases.json").read_text(encoding="utf-8"))
UNLEASH = [
    json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((DATA / "unleash").glob("*.json"))
]
NOW_MS = 1_800_000_000_000


def decided(
    define: Define,
    consent: Consent,
    imported: Imported,
    attributes: Mapping[str, Any],
    **known: Any,
) -> Decision:
    """Return what an experiment with an imported split decides for these attributes."""
    declared = {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
    }
    names = {*attributes, *imported.by, *(name for part in imported.filters for name in part.by)}
    variants = {arm: {"template": f"{arm}.html"} for arm in imported.ranges if arm != "control"}
    definitions = define(
        attributes=dict.fromkeys(names, declared),
        experiments={
            "offer": {
                "variants": {"proof": None, "control": "site", **variants},
                "imported": plain(imported),
            }
        },
    )
    snapshot = local_snapshot(definitions, now_ms=0)
    run = replace(snapshot.runs["offer"], id=known.pop("run", "offer.1"))
    decider = Decider(replace(snapshot, runs={"offer": run}))
    who = Visitor(id="anna", consent=consent, attributes=attributes, **known)
    return decider.decide(who, ["hero"], now_ms=NOW_MS)["hero"]


def arms(count: int) -> list[str]:
    return ["control", *(f"v{number}" for number in range(1, count))]


def pairs(intervals: tuple[Range, ...]) -> list[list[float]]:
    return [[interval.start, interval.end] for interval in intervals]


# GrowthBook, SDK specification 0.7.1


@pytest.mark.parametrize(
    ("seed", "value", "version", "expected"), [case for case in CASES["hash"] if case[2] in (1, 2)]
)
def test_growthbook_hash(seed: str, value: str, version: int, expected: float) -> None:
    split = growthbook_split({"key": seed, "seed": seed, "hashVersion": version}, arms(2))

    assert HASHES[split.hash](seed, "arm")(value) == expected


def test_an_unknown_growthbook_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="expected GrowthBook hash version 1 or 2, got 99"):
        growthbook_split({"key": "a", "hashVersion": 99}, arms(2))


@pytest.mark.parametrize(("name", "given", "expected"), CASES["getBucketRange"])
def test_growthbook_bucket_ranges(name: str, given: list[Any], expected: list[list[float]]) -> None:
    count, coverage, weights = given

    found = pairs(growthbook_ranges(count, coverage=coverage, weights=weights))

    assert [bound for pair in found for bound in pair] == pytest.approx(
        [bound for pair in expected for bound in pair]
    ), name


@pytest.mark.parametrize(
    ("count", "expected"), [case for case in CASES["getEqualWeights"] if case[0] > 0]
)
def test_growthbook_equal_weights(count: int, expected: list[float]) -> None:
    widths = [end - start for start, end in pairs(growthbook_ranges(count))]

    assert widths == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("name", "point", "ranges", "expected"), CASES["chooseVariation"])
def test_growthbook_chooses_variations(
    name: str, point: float, ranges: list[list[float]], expected: int
) -> None:
    named = {str(i): Range(start=start, end=end) for i, (start, end) in enumerate(ranges)}

    assert int(Ranges(named).arm(point) or -1) == expected, name


@pytest.mark.parametrize(("name", "user", "namespace", "expected"), CASES["inNamespace"])
def test_growthbook_namespaces(
    define: Define, agreed: Consent, name: str, user: str, namespace: list[Any], expected: bool
) -> None:
    split = growthbook_split({"key": "any", "namespace": namespace}, arms(2))

    assert split.filters == (growthbook_namespace(*namespace),)
    decision = decided(define, agreed, split, {"id": user})
    assert (decision.experiment is not None) is expected, name


#: Why cases are not about how visitors are assigned, by what they use.
NOT_ASSIGNMENT = {
    "condition": "conditions are segments, and tested there",
    "parentConditions": "one experiment does not depend on another",
    "url": "a variant is forced by a signed preview link, never by the address",
    "forcedVariations": "a preview counts for nothing, so it is no assignment",
    "force": "a preview counts for nothing, so it is no assignment",
    "qaMode": "a preview counts for nothing, so it is no assignment",
    "active": "an experiment that is not running is not in the snapshot",
    "enabled": "a site that does not want experiments publishes none",
}
ASSIGNMENT = [
    case
    for case in CASES["run"]
    if not NOT_ASSIGNMENT.keys() & {*case[1], *case[2]} and len(case[2]["variations"]) > 1
]


@pytest.mark.parametrize(
    ("name", "context", "experiment", "value", "is_in", "is_hashed"),
    ASSIGNMENT,
    ids=[case[0] for case in ASSIGNMENT],
)
def test_growthbook_runs(
    define: Define,
    agreed: Consent,
    name: str,
    context: dict[str, Any],
    experiment: dict[str, Any],
    value: Any,
    is_in: bool,
    is_hashed: bool,
) -> None:
    names = arms(len(experiment["variations"]))

    decision = decided(
        define, agreed, growthbook_split(experiment, names), context.get("attributes", {})
    )

    assert (decision.experiment is not None) is is_in
    assert is_in is is_hashed
    assert experiment["variations"][names.index(decision.variant)] == value


def test_only_what_is_listed_is_left_out_of_the_growthbook_runs() -> None:
    left_out = [case[0] for case in CASES["run"] if case not in ASSIGNMENT]

    assert len(CASES["run"]) == 73
    assert left_out == [
        "single variation",
        "negative forced variation",
        "high forced variation",
        "evaluates conditions - pass",
        "evaluates conditions - fail",
        "globally disabled",
        "querystring force",
        "run active experiments",
        "skip inactive experiments",
        "querystring force with inactive",
        "coverage take precendence over forced",
        "Force variation from context",
        "Skips experiments in QA mode",
        "Works in QA mode if forced in context",
        "Works in QA mode if forced in experiment",
        "Prerequisite condition passes",
        "Prerequisite condition fails",
        "SavedGroups correctly pulled from context for experiment",
    ]


#: An arm that was given stays until its run is over, and a new run begins for everyone.
OTHER_STICKINESS = {
    "stops test enrollment when and existing sticky bucket is blocked by version",
    "disables sticky bucketing when disabled by experiment",
}
STICKY = [case for case in CASES["stickyBucket"] if case[0] not in OTHER_STICKINESS]


@pytest.mark.parametrize(
    ("name", "context", "documents", "feature", "expected", "after"),
    STICKY,
    ids=[case[0] for case in STICKY],
)
def test_growthbook_sticky_buckets(
    define: Define,
    agreed: Consent,
    name: str,
    context: dict[str, Any],
    documents: list[dict[str, Any]],
    feature: str,
    expected: dict[str, Any],
    after: dict[str, Any],
) -> None:
    [rule] = context["features"][feature]["rules"]
    key, version = rule.get("key", feature), rule.get("bucketVersion", 0)
    names = arms(len(rule["variations"]))
    split = growthbook_split({"key": key, **rule}, names)
    attributes = context["attributes"]
    # A bucket version is a run; the document of the first attribute outweighs the fallback's.
    sticky = {
        kept: Sticky(arm=names[int(variation)], allocation="imported", assigned_at_ms=0)
        for attribute in reversed(split.by)
        for document in documents
        if document["attributeName"] == attribute
        and document["attributeValue"] == attributes.get(attribute)
        for kept, variation in document["assignments"].items()
    }

    decision = decided(
        define,
        agreed,
        split,
        attributes,
        assignments=Assignments(sticky=sticky),
        run=f"{key}__{version}",
    )

    assert names.index(str(decision.arm)) == expected["variationId"], name
    assert (decision.reason == "sticky") is expected["stickyBucketUsed"]


def test_a_growthbook_experiment_is_read_whole() -> None:
    split = growthbook_split(
        {
            "key": "k",
            "hashVersion": 2,
            "hashAttribute": "company",
            "fallbackAttribute": "device",
            "ranges": [[0, 0.4], [0.5, 0.9]],
            "filters": [{"seed": "s", "ranges": [[0, 0.1]], "hashVersion": 1, "attribute": "city"}],
            "namespace": ["ignored", 0, 1],
        },
        arms(2),
    )

    assert plain(split) == {
        "hash": "fnv1a32-v2",
        "seed": "k",
        "by": ["company", "device"],
        "ranges": {"control": {"start": 0, "end": 0.4}, "v1": {"start": 0.5, "end": 0.9}},
        "filters": [
            {
                "hash": "fnv1a32-v1",
                "seed": "s",
                "by": ["city"],
                "within": [{"start": 0, "end": 0.1}],
            }
        ],
    }


# Unleash, client specification 6.1.0

ROLLOUTS: dict[str, Callable[[Mapping[str, str]], tuple[int, tuple[str, ...]]]] = {
    "default": lambda _: (100, ()),
    "gradualRolloutUserId": lambda given: (int(given["percentage"]), ("userId",)),
    "gradualRolloutSessionId": lambda given: (int(given["percentage"]), ("sessionId",)),
    "flexibleRollout": lambda given: (
        int(given["rollout"]),
        UNLEASH_DEFAULT if given["stickiness"] == "default" else (given["stickiness"],),
    ),
}
#: Why cases are left out.
NOT_HASHED = {
    "Feature.A5": "draws at random, so that nobody keeps what they got",
    "Feature.B5": "draws at random, so that nobody keeps what they got",
    "Feature.C5": "draws at random, so that nobody keeps what they got",
    "Feature.D5": "is switched off",
    "Feature.D3": "has two strategies, of which one is enough",
    "Feature.D4": "has two strategies, of which one is enough",
    "Feature.flexibleRollout.100": "without an id it is drawn at random",
    "Feature.Variants.MissingToggle": "does not exist",
    "Feature.Variants.E": "is switched off",
    "Feature.Variants.F": "has no variants",
}
#: A visitor whom an override names is shown a variant without being drawn: a preview does that.
OVERRIDDEN = {("Feature.Variants.override.D", "132"), ("Feature.Variants.override.D", "61")}


def unleash(kind: str) -> list[Any]:
    cases = [
        (feature, test["context"], test["expectedResult"])
        for specification in UNLEASH
        for test in specification.get(kind, [])
        for feature in specification["state"]["features"]
        if feature["name"] == test["toggleName"]
    ]
    return [
        pytest.param(feature, context, expected, id=f"{feature['name']} {json.dumps(context)}")
        for feature, context, expected in cases
        if feature["name"] not in NOT_HASHED
        and (feature["name"], context.get("userId")) not in OVERRIDDEN
    ]


def unleash_imported(feature: dict[str, Any]) -> Imported:
    filters = []
    for strategy in feature["strategies"]:
        given = strategy["parameters"]
        percentage, by = ROLLOUTS[strategy["name"]](given)
        if by:
            filters.append(unleash_rollout(given["groupId"], percentage, by=by))
    variants = feature.get("variants") or [{"name": "on", "weight": 1}]
    by = tuple(filter(None, [variants[0].get("stickiness")])) or filters[0].by if filters else ()
    weights = {"control": 0} | {variant["name"]: variant["weight"] for variant in variants}
    return unleash_split(feature["name"], weights, by=by or UNLEASH_DEFAULT, filters=filters)


@pytest.mark.parametrize(("feature", "context", "expected"), unleash("tests"))
def test_unleash_rollouts(
    define: Define,
    agreed: Consent,
    feature: dict[str, Any],
    context: dict[str, Any],
    expected: bool,
) -> None:
    attributes = {**context, **context.get("properties", {})}
    attributes.pop("properties", None)

    decision = decided(define, agreed, unleash_imported(feature), attributes)

    assert (decision.experiment is not None) is expected


@pytest.mark.parametrize(("feature", "context", "expected"), unleash("variantTests"))
def test_unleash_variants(
    define: Define,
    agreed: Consent,
    feature: dict[str, Any],
    context: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    attributes = context.get("properties", context)

    decision = decided(define, agreed, unleash_imported(feature), attributes)

    assert decision.variant == (expected["name"] if expected["enabled"] else "control")
    assert (decision.experiment is not None) is expected["enabled"]
