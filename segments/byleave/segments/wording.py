"""Conditions in plain English, for marketers and for visitors who ask why."""

from collections.abc import Mapping
from typing import Final

from byleave.segments.conditions import (
    AttributeLeaf,
    Comparison,
    Count,
    EventLeaf,
    Leaf,
    Operand,
    Operator,
    SegmentLeaf,
    SequenceLeaf,
    Step,
)

_SAID: Final = {
    Operator.EQUALS: "is",
    Operator.NOT_EQUALS: "is not",
    Operator.ONE_OF: "is one of",
    Operator.NOT_ONE_OF: "is none of",
    Operator.LESS_THAN: "is less than",
    Operator.AT_MOST: "is at most",
    Operator.GREATER_THAN: "is more than",
    Operator.AT_LEAST: "is at least",
    Operator.CONTAINS: "contains",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
}


def phrase(leaf: Leaf) -> str:
    """Return the claim that a leaf makes, as in `industry is education`."""
    match leaf:
        case AttributeLeaf():
            return f"{leaf.attribute.replace('_', ' ')} {_comparison(leaf.test)}"
        case EventLeaf():
            within = f" in the last {leaf.within.in_words()}" if leaf.within else ""
            return f"{_event(leaf.event, leaf.where)} {_count(leaf.count)}{within}"
        case SequenceLeaf():
            return ", then ".join(_step(step) for step in leaf.sequence)
        case SegmentLeaf():
            return f"in segment {leaf.segment}"


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
        case _:
            return str(operand)


def _count(count: Count) -> str:
    bounds = {"at least": count.at_least, "at most": count.at_most, "exactly": count.exactly}
    said = [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
    return f"{' and '.join(said)} times"


def _event(event: str, where: Mapping[str, Comparison]) -> str:
    tests = " and ".join(f"{name} {_comparison(test)}" for name, test in where.items())
    return event.replace("_", " ") + (f" with {tests}" if tests else "")


def _step(step: Step) -> str:
    within = f" within {step.within.in_words()}" if step.within else ""
    return _event(step.event, step.where) + within
