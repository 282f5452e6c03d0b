"""What is left out of a definition is something that an author could have written."""

from dataclasses import MISSING, fields
from typing import Any

import pytest

from byleave.segments import (
    Age,
    AgeLeaf,
    AggregateLeaf,
    Attribute,
    Count,
    Event,
    EventLeaf,
    Journey,
    JourneyLeaf,
    JourneyStep,
    Reader,
    Segment,
    SequenceLeaf,
    Step,
    Vocabulary,
    plain,
)
from byleave.segments.reading import type_hints


@pytest.mark.parametrize(
    "kind",
    [
        Age,
        AgeLeaf,
        AggregateLeaf,
        Attribute,
        Count,
        Event,
        EventLeaf,
        Journey,
        JourneyLeaf,
        JourneyStep,
        Segment,
        SequenceLeaf,
        Step,
        Vocabulary,
    ],
)
def test_a_default_is_of_the_type_that_is_declared(kind: Any) -> None:
    reader = Reader()

    for each in fields(kind):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if default is not MISSING:
            hint = type_hints(kind)[each.name]
            assert reader.read(hint, plain(default), (each.name,)) == default

    assert reader.faults == []
