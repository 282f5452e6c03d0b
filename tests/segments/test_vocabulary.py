"""What is left out of a definition is something that an author could have written."""

from typing import Any

import pytest
from tests.defaults import reread

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
    Segment,
    SequenceLeaf,
    Step,
    Vocabulary,
)


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
    defaults, read = reread(kind)

    assert read == defaults
