import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from byleave.experiments import Definitions, Experiment
from byleave.segments import Journey, Operator, Reader, Segment
from byleave.server.commands.json_schema import schema
from byleave.server.commands.program import program

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    ROOT / "examples" / "harbour_books" / "byleave",
    ROOT / "tests" / "server" / "data" / "bakery",
]

SCHEMA = schema()
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "null": type(None),
}
ANNOTATIONS = {"$schema", "$defs", "title", "description", "default"}

# A document with every key and every kind of leaf; the files of the folders have fewer.
EVERYTHING = """
segment: everything
title: Everything
because: You tried everything
use: analytics
when:
  all:
    - any: [{segment: other}, {journey: buy, reached: plan}, {journey: buy, at: plan}]
    - none: [{attribute: plan, one_of: [a, b], ignore_case: true}]
    - {event: a, where: {p: {between: [1, 2]}}, count: {at_least: 1, at_most: 3}, within: 7d}
    - {event: a, not_within: 30d}
    - {event: a, first: {at_least: 1d}}
    - {event: a, last: {at_most: 90s}, where: {p: {exists: false}}}
    - {event: a, sum: {amount: {at_least: 100}}, within: 90d}
    - {event: a, distinct: {path: {less_than: 3}}}
    - {sequence: [{event: a}, {event: b, within: 2h}, {not: c, within: 1d}], within: 7d}
    - {now: {during: {from: "09:00", to: "24:00", days: [mon, fri], timezone: Europe/London}}}
    - {attribute: since, before: 2026-03-01}
    - {attribute: since, within_last: 2w}
    - {attribute: tags, size: {exactly: 2}}
    - {attribute: tags, contains_any: [a]}
    - {attribute: path, matches: /a/*}
---
experiment: everything
slot: hero
audience: everything
unless: [one, {segment: two, if_undetermined: show}]
cap: {exposures: 3, within: 1d}
schedule: {start: 2026-01-05T09:00, end: null, timezone: UTC}
traffic: 50%
ramp: [{at: 2026-01-06T09:00, traffic: 0.75}]
exclusive: {group: g, start: 0, end: 50%}
priority: 3
report_by: [one]
imported:
  hash: murmur3-32
  seed: x
  ranges: {control: {start: 0, end: 0.5}, a: {start: 0.5, end: 1}}
  filters: [{hash: fnv1a32-v1, seed: y, within: [{start: 0, end: 1}]}]
allocate: {policy: thompson, goal: g, control: 20%, floor: 0.01, epoch: 60m, contexts: [one]}
goals: {primary: g, others: [h], guards: [{goal: i, worse_by_at_most: 2%}]}
variants:
  control: site
  a: {fields: {title: x}, when: one, unless: [two], cap: {exposures: 1, within: 1h}}
  b: {template: x.html}
  f: {fields: {title: x, link: {en: /x, de-AT: /y}}}
  c: {html: <p>}
  d: {data: {any: [thing, 1, true, null]}}
  e: {nav: [{promote: /a, label: A}, {hide: /b}]}
"""


def refused(data: Any, rule: dict[str, Any]) -> bool:
    """Return whether JSON Schema, as far as ours uses it, refuses data."""
    if "$ref" in rule:
        return refused(data, SCHEMA["$defs"][rule["$ref"].removeprefix("#/$defs/")])
    return any(CHECKS[keyword](data, rule) for keyword in rule if keyword not in ANNOTATIONS)


def is_of(data: Any, name: str) -> bool:
    return isinstance(data, TYPES[name]) and (name == "boolean" or not isinstance(data, bool))


def members(data: Any, rule: dict[str, Any]) -> bool:
    known = rule.get("properties", {})
    others = rule.get("additionalProperties", {})
    return isinstance(data, dict) and any(
        refused(value, known[key])
        if key in known
        else others is False or refused(value, others or {})
        for key, value in data.items()
    )


CHECKS: dict[str, Any] = {
    "type": lambda data, rule: (
        not is_of(data, rule["type"])
        if isinstance(rule["type"], str)
        else not any(is_of(data, name) for name in rule["type"])
    ),
    "enum": lambda data, rule: data not in rule["enum"],
    "properties": members,
    "additionalProperties": members,
    "required": lambda data, rule: (
        isinstance(data, dict) and any(key not in data for key in rule["required"])
    ),
    "items": lambda data, rule: (
        isinstance(data, list) and any(refused(item, rule["items"]) for item in data)
    ),
    "anyOf": lambda data, rule: all(refused(data, option) for option in rule["anyOf"]),
    "oneOf": lambda data, rule: sum(not refused(data, o) for o in rule["oneOf"]) != 1,
    "if": lambda data, rule: refused(
        data, rule.get("else", {}) if refused(data, rule["if"]) else rule["then"]
    ),
    "then": lambda data, rule: False,
    "else": lambda data, rule: False,
    "pattern": lambda data, rule: isinstance(data, str) and not re.search(rule["pattern"], data),
    "minimum": lambda data, rule: is_of(data, "number") and data < rule["minimum"],
    "maximum": lambda data, rule: is_of(data, "number") and data > rule["maximum"],
    "minLength": lambda data, rule: isinstance(data, str) and len(data) < rule["minLength"],
    "maxLength": lambda data, rule: isinstance(data, str) and len(data) > rule["maxLength"],
    "minItems": lambda data, rule: isinstance(data, list) and len(data) < rule["minItems"],
    "maxItems": lambda data, rule: isinstance(data, list) and len(data) > rule["maxItems"],
    "minProperties": lambda data, rule: isinstance(data, dict) and len(data) < 1,
    "maxProperties": lambda data, rule: isinstance(data, dict) and len(data) > 1,
}


class Loader(yaml.SafeLoader):
    """Reads dates as words, as definitions are read."""

    yaml_implicit_resolvers = {  # noqa: RUF012 — what PyYAML calls it
        first: [(tag, pattern) for tag, pattern in known if not tag.endswith("timestamp")]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def loaded(text: str) -> list[Any]:
    return list(yaml.load_all(text, Loader))


DOCUMENTS = [
    document
    for text in [
        EVERYTHING,
        *(file.read_text("utf-8") for folder in FOLDERS for file in sorted(folder.rglob("*.yaml"))),
    ]
    for document in loaded(text)
]


def is_read(document: Any) -> bool:
    """Return whether the reader of definitions finds no fault with a document's shape."""
    reader = Reader()
    for key, kind in (("segment", Segment), ("journey", Journey), ("experiment", Experiment)):
        if isinstance(document, dict) and key in document:
            rest = {name: value for name, value in document.items() if name != key}
            reader.read(kind, rest, ())
            return not reader.faults and isinstance(document[key], str)
    reader.read(Definitions, document, ())
    return not reader.faults


def test_the_command_prints_the_schema() -> None:
    result = CliRunner().invoke(program, ["schema"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(SCHEMA))
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: next(iter(d.values())))
def test_every_document_of_the_example_is_valid(document: Any) -> None:
    assert is_read(document)
    assert not refused(document, SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "segment: x",
        "segment: x\nwhen: {attribute: a, equals: true, at_least: 3}",
        "segment: x\nwhen: {attribute: a, equalls: true}",
        "segment: x\nwhen: {attribute: a, one_of: []}",
        "segment: x\nwhen: {event: a, within: 7 days}",
        "segment: x\nwhen: {event: a, count: 3}",
        "segment: x\nwhen: {sequence: [{within: 1d}]}",
        "segment: x\nwhen: {any: {segment: y}}",
        "segment: x\nuse: fun\nwhen: {segment: y}",
        "segment: x\nwehn: {segment: y}",
        "experiment: x\nslot: s\nallocate: {policy: fixed, goal: g}\ngoals: {primary: g}\n"
        "variants: {a: {fields: {title: {de: [x]}}}}",
        "site: x\nholdout: 500",
        "site: x\nholdout: many",
        "site: x\ngoals: {g: {event: e, kind: conversion}}",
        "site: x\nattributes: {a: {type: text, source: site}}",
        "sight: x",
        "[]",
    ],
)
def test_what_an_editor_should_underline_is_invalid(text: str) -> None:
    [document] = loaded(text)

    assert not is_read(document)
    assert refused(document, SCHEMA)


def test_this_test_knows_every_keyword_of_the_schema() -> None:
    def keywords(rule: Any) -> Iterator[str]:
        for key, value in rule.items():
            if key in ("properties", "$defs"):
                for part in value.values():
                    yield from keywords(part)
            elif key in ("anyOf", "oneOf"):
                for part in value:
                    yield from keywords(part)
            elif isinstance(value, dict):
                yield from keywords(value)
            yield key

    assert set(keywords(SCHEMA)) <= CHECKS.keys() | ANNOTATIONS | {"$ref"}


def test_every_operator_can_be_written() -> None:
    assert set(Operator) <= SCHEMA["$defs"]["Comparison"]["properties"].keys()


def test_editors_can_say_what_a_key_means() -> None:
    goal = SCHEMA["$defs"]["Goal"]

    assert goal["description"].startswith("An event that counts")
    assert goal["properties"]["kind"]["description"] == "What is counted."
    assert goal["properties"]["better"]["default"] == "higher"


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return every container with every key or index in it."""
    if not isinstance(data, (dict, list)):
        return []
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    return [(data, key) for key in keys] + [p for key in keys for p in places(data[key])]


VALUES = [copy.deepcopy(holder[key]) for document in DOCUMENTS for holder, key in places(document)]


@settings(max_examples=300)
@given(data=st.data())
def test_what_the_reader_takes_the_schema_never_refuses(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(places(document)))
        if data.draw(st.booleans()):
            holder[key] = copy.deepcopy(data.draw(st.sampled_from([*VALUES, None, 3, 0.5, "1h"])))
        else:
            del holder[key]
        if not places(document):
            return

    assert not (is_read(document) and refused(document, SCHEMA))
