from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import pytest

from byleave.segments import (
    DefinitionError,
    Duration,
    Path,
    Reader,
    canonical_json,
    described,
    plain,
    read,
    suggestion,
    unknown_name,
)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Box:
    width: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Ball:
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    content: Box | Ball
    colour: Colour = Colour.RED
    handling: Literal["soft", "rough"] = "soft"
    keep: Duration | Literal["for ever"] | None = None
    tags: tuple[str, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    spare: Box | None = None
    anything: object = None


FULL: dict[str, Any] = {
    "content": {"width": 2, "label": "tea"},
    "colour": "green",
    "handling": "rough",
    "keep": "7d",
    "tags": ["a", "b"],
    "weights": {"a": 1},
    "spare": {"width": 1.5},
    "anything": [{"at": "all"}],
}


def test_plain_data_becomes_typed_values_and_comes_back() -> None:
    parcel = read(Parcel, FULL)

    assert parcel.content == Box(2, "tea")
    assert parcel.colour is Colour.GREEN
    assert parcel.keep == 7 * 86_400_000
    assert parcel.tags == ("a", "b")
    assert plain(parcel) == FULL


def test_what_equals_its_default_is_left_out() -> None:
    parcel = read(Parcel, {"content": {"radius": 1}, "keep": "for ever", "tags": [], "spare": None})

    assert parcel.content == Ball(1)
    assert canonical_json(parcel) == '{"content":{"radius":1},"keep":"for ever"}'


def test_canonical_json_is_the_same_whatever_the_order() -> None:
    assert canonical_json({"b": (1, Colour.RED), "a": "é"}) == '{"a":"é","b":[1,"red"]}'
    assert plain(frozenset({1})) == [1]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"content": None}, "$.content: expected a mapping with one of width, radius, got nothing"),
        ({"content": {}}, "$.content: expected one of width, radius, got ''"),
        (
            {"content": {"widht": 1}},
            "$.content.widht: expected one of width, radius, got 'widht'. Did you mean 'width'?",
        ),
        ({"content": {"width": True}}, "$.content.width: expected a number, got true"),
        ({"content": {"width": 1, "lable": ""}}, "$.content.lable: unknown key 'lable', expected"),
        ({"colour": "blue"}, "$.colour: expected one of red, green, got 'blue'."),
        ({"handling": 5}, "$.handling: expected one of soft, rough, got 5."),
        ({"keep": "ever"}, "$.keep: expected a duration such as 90s, 60m, 24h, 7d or 2w or"),
        ({"tags": "a"}, "$.tags: expected a list, got 'a'"),
        ({"tags": ["a", 5]}, "$.tags[1]: expected text, got 5"),
        ({"weights": [1]}, "$.weights: expected a mapping, got a list"),
        ({"weights": {"a": 1.5}}, "$.weights.a: expected a whole number, got 1.5"),
        ({"spare": "box"}, "$.spare: expected a mapping, got 'box'"),
        ({"spare": {}}, "$.spare: 'width' is missing"),
        ({"tag": []}, "$.tag: unknown key 'tag'"),
        (
            {"from us": None},
            "$.from us: unknown key 'from us', expected one of content, colour, handling, "
            "keep, tags, weights, spare, anything. Put text with , or : between quotes.",
        ),
    ],
)
def test_each_fault_names_its_place_and_what_was_expected(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(DefinitionError) as error:
        read(Parcel, FULL | changes)

    assert str(error.value).startswith(fault)


def test_all_faults_are_found_at_once() -> None:
    with pytest.raises(DefinitionError) as error:
        read(Parcel, {"colour": "blue", "tags": 5, "extra": 1})

    assert [fault.path for fault in error.value.faults] == [("extra",), (), ("colour",), ("tags",)]


def test_what_is_nested_too_deep_is_refused() -> None:
    path: Path = tuple(range(101))
    reader = Reader()

    assert reader.read(str, "x", path) is None
    assert "nested deeper than 100 levels" in reader.faults[0].message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "nothing"),
        ({}, "a mapping"),
        ((), "a list"),
        (False, "false"),
        ("x" * 100, "'" + "x" * 56 + "..."),
        (5, "5"),
    ],
)
def test_data_is_described_shortly(data: object, words: str) -> None:
    assert described(data) == words


def test_an_unknown_name_comes_with_the_nearest_or_with_some_that_are_known() -> None:
    assert suggestion("prise", ["price", "place"]) == " Did you mean 'price'?"
    assert suggestion("zzz", ["price"]) == ""
    assert unknown_name("slot", "zzz", ["hero"], ()).message == "unknown slot 'zzz'. Known: hero."
    assert unknown_name("slot", "zzz", [], ()).message == (
        "unknown slot 'zzz'. No slot is defined yet."
    )
