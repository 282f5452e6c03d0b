"""The words of a row of a condition, by what they stand for; templates translate them."""

from collections.abc import Mapping
from typing import Final

from byleave.segments import Operator
from byleave.server.console import segment_values as values
from byleave.server.console.display import marked as _

OPERATORS: Final[Mapping[str, str]] = {
    Operator.EQUALS: _("is"),
    Operator.NOT_EQUALS: _("is not"),
    Operator.ONE_OF: _("is one of"),
    Operator.NOT_ONE_OF: _("is none of"),
    Operator.LESS_THAN: _("is less than"),
    Operator.AT_MOST: _("is at most"),
    Operator.GREATER_THAN: _("is more than"),
    Operator.AT_LEAST: _("is at least"),
    Operator.BETWEEN: _("is between"),
    Operator.CONTAINS: _("contains"),
    Operator.STARTS_WITH: _("starts with"),
    Operator.ENDS_WITH: _("ends with"),
    Operator.MATCHES: _("matches the pattern"),
    Operator.MATCHES_RE: _("matches the expression"),
    Operator.CONTAINS_ANY: _("contains any of"),
    Operator.CONTAINS_ALL: _("contains all of"),
    Operator.BEFORE: _("is before"),
    Operator.AFTER: _("is after"),
    Operator.WITHIN_LAST: _("is within the last"),
    Operator.WITHIN_NEXT: _("is within the next"),
    Operator.EXISTS: _("is known"),
    values.ABSENT: _("is not known"),
}
MEASURES: Final[Mapping[str, str]] = {
    "once": _("happened"),
    "count": _("happened a number of times:"),
    "exactly": _("happened exactly"),
    "not_within": _("did not happen"),
    "last": _("happened last"),
    "first": _("happened first"),
    "sum": _("adds up: the sum of"),
    "min": _("at its least: the least"),
    "max": _("at its most: the greatest"),
    "distinct": _("differs: the number of different values of"),
}
UNITS: Final[Mapping[str, str]] = {
    "m": _("minutes"),
    "h": _("hours"),
    "d": _("days"),
    "w": _("weeks"),
    "s": _("seconds"),
    "ms": _("milliseconds"),
}
BOOLEANS: Final[Mapping[str, str]] = {"true": _("yes"), "false": _("no")}
KINDS: Final[Mapping[str, str]] = {
    "attribute": _("What is known of them"),
    "event": _("What they did"),
    "segment": _("Other segments"),
    "journey": _("Journeys"),
    "other": _("Other"),
}
STEPS: Final[Mapping[str, str]] = {
    "reached": _("has reached the step"),
    "at": _("is at the step"),
}
