"""Conditions in plain English, for marketers and for visitors who ask why."""

from typing import Final

from byleave.segments.behaviour import (
    Age,
    AgeLeaf,
    AggregateLeaf,
    EventLeaf,
    SequenceLeaf,
    Step,
    Where,
)
from byleave.segments.comparisons import Comparison, Count, Operand, Operator
from byleave.segments.conditions import (
    AttributeLeaf,
    JourneyLeaf,
    Leaf,
    SegmentLeaf,
)
from byleave.segments.times import Hours
from byleave.segments.values import Duration

_SAID: Final = {
    Operator.EQUALS: "is",
    Operator.NOT_EQUALS: "is not",
    Operator.ONE_OF: "is one of",
    Operator.NOT_ONE_OF: "is none of",
    Operator.LESS_THAN: "is less than",
    Operator.AT_MOST: "is at most",
    Operator.GREATER_THAN: "is more than",
    Operator.AT_LEAST: "is at least",
    Operator.BETWEEN: "is between",
    Operator.CONTAINS: "contains",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.MATCHES: "matches",
    Operator.MATCHES_RE: "matches the expression",
    Operator.CONTAINS_ANY: "contains any of",
    Operator.CONTAINS_ALL: "contains all of",
    Operator.SIZE: "has a number of items of",
    Operator.BEFORE: "is before",
    Operator.AFTER: "is after",
    Operator.WITHIN_LAST: "is within the last",
    Operator.WITHIN_NEXT: "is within the next",
    Operator.DURING: "is",
}

_MADE: Final = {
    "sum": "sum of",
    "min": "least",
    "max": "greatest",
    "distinct": "number of different values of",
}


def phrase(leaf: Leaf) -> str:
    """Return the claim that a leaf makes, as in `industry is education`."""
    match leaf:
        case AttributeLeaf():
            return f"{_plainly(leaf.attribute)} {_comparison(leaf.test)}"
        case EventLeaf():
            return f"{_event(leaf.event, leaf.where)} {_times(leaf.count)}{_within(leaf)}"
        case AgeLeaf():
            return f"{leaf.which} {_event(leaf.event, leaf.where)} {_age(leaf.age)} ago"
        case AggregateLeaf():
            of = f"{_MADE[leaf.kind]} {_plainly(leaf.of)} over {_event(leaf.event, leaf.where)}"
            return f"{of}{_within(leaf)} {_comparison(leaf.test)}"
        case SequenceLeaf():
            steps = ", then ".join(_step(step) for step in leaf.sequence)
            return steps + (f", all {_within(leaf).strip()}" if leaf.within else "")
        case SegmentLeaf():
            return f"in segment {leaf.segment}"
        case JourneyLeaf():
            where = f"has reached {leaf.reached}" if leaf.at is None else f"is at {leaf.at}"
            return f"{where} in journey {leaf.journey}"
        case _:
            return f"the time {_comparison(leaf.now)}"


def counted_phrase(leaf: EventLeaf, number: int) -> str:
    """Return how often an event happened and what was asked: `purchase 4 times (at least 3)`.

    Args:
        leaf: What was asked.
        number: How often it happened in the time that the leaf looks back on.
    """
    asked = f"{'' if leaf.count.holds(number) else 'not '}{_count(leaf.count)}"
    times = "once" if number == 1 else f"{number} times"
    return f"{_event(leaf.event, leaf.where)} {times}{_within(leaf)} ({asked})"


def _plainly(name: str) -> str:
    return name.replace("_", " ")


def _comparison(test: Comparison) -> str:
    if test.operator is Operator.EXISTS:
        return "is known" if test.operand else "is not known"
    return f"{_SAID[test.operator]} {_operand(test.operand)}"


def _operand(operand: Operand) -> str:
    match operand:
        case tuple():
            return ", ".join(map(_operand, operand))
        case bool():
            return "true" if operand else "false"
        case Duration():
            return operand.in_words()
        case Count():
            return _count(operand)
        case Hours():
            return operand.in_words()
        case _:
            return str(operand)


def _count(count: Count) -> str:
    bounds = {"at least": count.at_least, "at most": count.at_most, "exactly": count.exactly}
    said = [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
    return " and ".join(said)


def _times(count: Count) -> str:
    said = _count(count)
    return f"{said} time{'' if said.endswith(' 1') else 's'}"


def _age(age: Age) -> str:
    bounds = {"at least": age.at_least, "at most": age.at_most}
    said = [f"{word} {bound.in_words()}" for word, bound in bounds.items() if bound is not None]
    return " and ".join(said)


def _within(leaf: EventLeaf | AggregateLeaf | SequenceLeaf) -> str:
    return f" in the last {leaf.within.in_words()}" if leaf.within else ""


def _event(event: str, where: Where) -> str:
    tests = " and ".join(f"{_plainly(key)} {_comparison(test)}" for key, test in where.items())
    return _plainly(event) + (f" with {tests}" if tests else "")


def _step(step: Step) -> str:
    within = f" within {step.within.in_words()}" if step.within else ""
    return f"{'no ' if step.is_absent else ''}{_event(step.event, step.where)}{within}"
