"""The reference of definitions lists every key, with the type and default that the code has."""

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from byleave.experiments import Definitions, Experiment, Goal, Slot, Variant
from byleave.experiments.definitions import (
    Allocate,
    Cap,
    Exclusion,
    Goals,
    Guard,
    NavOperation,
    NavVerb,
    Prior,
    RampStep,
    Schedule,
    Unless,
    VariantKind,
)
from byleave.experiments.imported import Filter, Imported, Range
from byleave.experiments.triggers import Trigger
from byleave.segments import (
    Attribute,
    Condition,
    Duration,
    Event,
    Journey,
    JourneyStep,
    Purpose,
    Scalar,
    Segment,
    Share,
)
from byleave.segments.reading import plain, type_hints
from byleave.server.commands.expectations import Expectation
from byleave.server.commands.personas import Persona

PAGE = "docs/reference/definitions.md"
SECTIONS: dict[type, str] = {
    Definitions: "The site",
    Attribute: "Attribute",
    Event: "Event",
    Goal: "Goal",
    Slot: "Slot",
    Trigger: "Trigger",
    Segment: "Segment",
    Journey: "Journey",
    JourneyStep: "Journey step",
    Experiment: "Experiment",
    Variant: "Variant",
    NavOperation: "Link change",
    Allocate: "Allocate",
    Prior: "Prior",
    Goals: "Goals",
    Guard: "Guard",
    Unless: "Unless",
    Cap: "Cap",
    Schedule: "Schedule",
    RampStep: "Ramp step",
    Exclusion: "Exclusive",
    Imported: "Imported",
    Filter: "Filter",
    Range: "Range",
}
OWN_SPELLING: dict[type, list[str]] = {
    Variant: [*(kind for kind in VariantKind if kind != "site"), "when", "unless", "cap"],
    NavOperation: [*NavVerb, "label"],
}
WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    object: "anything",
    Duration: "duration",
    Share: "share",
    Purpose: "[purpose](#purposes)",
    Scalar: "value",
    Condition: "condition",
}


def words(hint: Any) -> str:
    """Return how the page names a type."""
    if hint in WORDS:
        return WORDS[hint]
    if is_dataclass(hint):
        section = SECTIONS[hint].lower()  # type: ignore[index]  # is_dataclass holds for classes
        return f"[{section}](#{section.replace(' ', '-')})"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " or ".join(f"`{member}`" for member in hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        kinds = [kind for kind in arguments if kind is not NoneType]
        if set(get_args(Scalar)) <= set(kinds):
            kinds = [Scalar, *(kind for kind in kinds if kind not in get_args(Scalar))]
        return WORDS.get(Union[*kinds]) or " or ".join(map(words, kinds))
    if origin is tuple:
        return f"list of {words(arguments[0])}"
    return f"{words(arguments[1])} by name"


def default(field: Field[Any]) -> str:
    """Return how the page names a default."""
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return "required"
    text = plain(value)
    if text is None or text in ("", [], {}):
        return "none"
    return f"`{str(text).lower() if isinstance(text, bool) else text}`"


def inside(kind: Any) -> Iterator[Any]:
    """Yield the dataclasses that a type mentions; conditions have a page of their own."""
    if kind is Condition:
        return
    if is_dataclass(kind):
        yield kind
    for argument in get_args(kind):
        yield from inside(argument)


@pytest.mark.parametrize("kind", SECTIONS, ids=SECTIONS.values())
def test_a_section_lists_the_keys_of_its_class(kind: Any, page_at: Callable[[str], Any]) -> None:
    table = page_at(PAGE).table(f"## {SECTIONS[kind]}")

    if kind in OWN_SPELLING:
        assert [row[0] for row in table] == [f"`{key}`" for key in OWN_SPELLING[kind]]
    else:
        hints = type_hints(kind)
        assert [row[:3] for row in table] == [
            [f"`{field.name}`", words(hints[field.name]), default(field)] for field in fields(kind)
        ]
    assert all(row[3].endswith(".") for row in table)


def test_every_class_of_a_set_of_definitions_has_a_section() -> None:
    known, waiting = set(), [Definitions]
    while waiting:
        kind = waiting.pop()
        if kind not in known:
            known.add(kind)
            waiting += [found for hint in type_hints(kind).values() for found in inside(hint)]

    # What a variant's content holds is not in its type hint.
    assert known | {NavOperation} == set(SECTIONS)


@pytest.mark.parametrize(("kind", "first"), [(Persona, "persona"), (Expectation, "test")])
def test_every_key_of_a_test_of_definitions_is_explained(
    kind: Any, first: str, page_at: Callable[[str], Any]
) -> None:
    page = page_at("docs/how-to/test-definitions.md")
    [table] = re.findall(rf"\| key of a {first} \| .*\n.*\n((?:\| .*\n)+)", page.text)

    listed = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)

    assert sorted(listed) == sorted(field.name for field in fields(kind))


def test_every_purpose_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at(PAGE).table("## Purposes")

    assert [row[0] for row in table] == [f"`{purpose}`" for purpose in Purpose]
