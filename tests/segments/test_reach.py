from collections.abc import Callable

import pytest

from byleave.segments import Condition, DefinitionError, Vocabulary, reads
from byleave.segments.reach import evaluation_order

TREE = {
    "all": [
        {"attribute": "country", "equals": "DE"},
        {"any": [{"event": "purchase"}, {"segment": "regulars"}]},
        {"none": [{"sequence": [{"event": "page_view"}, {"event": "sign_up"}]}]},
    ]
}


def test_reads_names_everything_a_condition_depends_on(
    shop: Callable[..., Vocabulary], condition: Callable[[object], Condition]
) -> None:
    words = shop(
        regulars={"any": [{"segment": "buyers"}, {"attribute": "age", "at_least": 18}]},
        buyers={"event": "support_contact"},
    )

    found = reads(condition(TREE), words)

    assert found.attributes == {"country", "age"}
    assert found.events == {"purchase", "page_view", "sign_up", "support_contact"}
    assert found.segments == {"regulars", "buyers"}


def test_each_segment_comes_after_those_it_names(shop: Callable[..., Vocabulary]) -> None:
    words = shop(
        first={"all": [{"segment": "second"}, {"segment": "third"}]},
        second={"segment": "third"},
        third={"attribute": "country", "exists": True},
    )

    assert evaluation_order(words) == ("third", "second", "first")


def test_segments_come_near_those_they_name(shop: Callable[..., Vocabulary]) -> None:
    words = shop(
        first={"segment": "its-own"},
        second={"all": [{"segment": "its-own"}, {"segment": "another"}]},
        its_own={"attribute": "country", "exists": True},
        another={"attribute": "path", "exists": True},
    )

    assert evaluation_order(words) == ("its-own", "first", "another", "second")


def test_segments_that_name_each_other_in_a_circle_are_refused(
    shop: Callable[..., Vocabulary],
) -> None:
    words = shop(a={"segment": "b"}, b={"none": [{"segment": "c"}]}, c={"segment": "b"})

    with pytest.raises(DefinitionError, match="in a circle: b → c → b"):
        evaluation_order(words)
