"""Comparisons: an operator and what it compares with, as authors write them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from byleave.segments.patterns import LONGEST_PATTERN
from byleave.segments.reading import Path, Reader, described, plain, suggestion
from byleave.segments.times import Hours, moment_ms
from byleave.segments.values import Duration

#: The longest text and the longest list that an author may compare with.
LONGEST_TEXT: Final = 1_000
MOST_ITEMS: Final = 1_000

Scalar = str | int | float | bool


class Operator(StrEnum):
    """How a comparison compares. Types are strict: `true` is not `1`, `"8"` is not `8`."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    ONE_OF = "one_of"
    NOT_ONE_OF = "not_one_of"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    GREATER_THAN = "greater_than"
    AT_LEAST = "at_least"
    BETWEEN = "between"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    MATCHES_RE = "matches_re"
    CONTAINS_ANY = "contains_any"
    CONTAINS_ALL = "contains_all"
    SIZE = "size"
    BEFORE = "before"
    AFTER = "after"
    WITHIN_LAST = "within_last"
    WITHIN_NEXT = "within_next"
    DURING = "during"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many there must be; both bounds are inclusive, None means no bound."""

    at_least: int | None = None
    at_most: int | None = None
    exactly: int | None = None

    @property
    def lowest(self) -> int:
        """The least number that holds."""
        return max(self.at_least or 0, self.exactly or 0)

    @property
    def highest(self) -> int | None:
        """The greatest number that holds; None where there is no bound."""
        bounds = [bound for bound in (self.at_most, self.exactly) if bound is not None]
        return min(bounds, default=None)

    def holds(self, number: int) -> bool:
        """Return whether a number is within the bounds."""
        return self.lowest <= number and (self.highest is None or number <= self.highest)


Operand = Scalar | tuple[Scalar, ...] | Count | Hours

#: Operators that compare texts, whose case may be ignored.
FOLDABLE: Final = {
    Operator.EQUALS,
    Operator.NOT_EQUALS,
    Operator.ONE_OF,
    Operator.NOT_ONE_OF,
    Operator.CONTAINS,
    Operator.STARTS_WITH,
    Operator.ENDS_WITH,
    Operator.MATCHES,
    Operator.MATCHES_RE,
    Operator.CONTAINS_ANY,
    Operator.CONTAINS_ALL,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator and what it compares with, written `{starts_with: /pricing}`.

    Attributes:
        operator: How it compares.
        operand: What it compares with.
        ignore_case: Whether texts that differ only in case are equal, by Unicode case folding.
    """

    operator: Operator
    operand: Operand
    ignore_case: bool = False

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read a mapping with exactly one operator, and `ignore_case` where that has a sense."""
        if not isinstance(data, Mapping):
            reader.fault(
                path, f"expected one comparison such as equals or one_of, got {described(data)}"
            )
            return None
        asked = {str(key): operand for key, operand in data.items() if key != "ignore_case"}
        known = [str(operator) for operator in Operator]
        for key in asked:
            if key not in known:
                reader.fault((*path, key), f"unknown comparison {key!r}." + suggestion(key, known))
                return None
        if len(asked) != 1:
            said = ", ".join(asked) or "none"
            reader.fault(path, f"expected exactly one comparison such as equals, got {said}")
            return None
        [(key, given)] = asked.items()
        operator = Operator(key)
        ignore_case = reader.read(bool, data.get("ignore_case", False), (*path, "ignore_case"))
        operand = _operand(operator, given, reader, (*path, key))
        if ignore_case and not _folds(operator, operand):
            reader.fault((*path, "ignore_case"), f"{key} with this operand has no case to ignore")
            return None
        return None if operand is None else cls(operator, operand, bool(ignore_case))

    def to_plain(self) -> dict[str, Any]:
        """Return `{operator: operand}`, and `ignore_case` where it is set."""
        said = {str(self.operator): plain(self.operand)}
        return said | {"ignore_case": True} if self.ignore_case else said


def _folds(operator: Operator, operand: object) -> bool:
    items = operand if isinstance(operand, tuple) else (operand,)
    return operator in FOLDABLE and all(isinstance(item, str) for item in items)


def _operand(operator: Operator, data: object, reader: Reader, path: Path) -> Operand | None:
    if operator in _READ_AS:
        read: Operand | None = reader.read(_READ_AS[operator], data, path)
        return read
    expected, is_right = _EXPECTED[operator]
    if not is_right(data):
        reader.fault(path, f"expected {expected}, got {described(data)}")
        return None
    return tuple(data) if isinstance(data, list) else data  # type: ignore[return-value]  # checked


def _is_scalar(data: object) -> bool:
    return isinstance(data, Scalar) and not (isinstance(data, str) and len(data) > LONGEST_TEXT)


def _is_number(data: object) -> bool:
    return isinstance(data, (int, float)) and not isinstance(data, bool) and data - data == 0


def _is_text(data: object) -> bool:
    return isinstance(data, str) and 0 < len(data) <= LONGEST_TEXT


def _is_pattern(data: object) -> bool:
    return isinstance(data, str) and 0 < len(data) <= LONGEST_PATTERN


def _each(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda data: (
        isinstance(data, (list, tuple))
        and 0 < len(data) <= MOST_ITEMS
        and all(is_right(item) for item in data)
    )


def _is_range(data: object) -> bool:
    return _each(_is_number)(data) and len(data) == 2 and data[0] <= data[1]  # type: ignore[arg-type, index]  # a list by now


_READ_AS: Final[Mapping[Operator, type]] = {
    Operator.EXISTS: bool,
    Operator.SIZE: Count,
    Operator.WITHIN_LAST: Duration,
    Operator.WITHIN_NEXT: Duration,
    Operator.DURING: Hours,
}

_A_PATTERN: Final = (f"a pattern of 1 to {LONGEST_PATTERN} characters", _is_pattern)
_TEXTS: Final = ("a list of texts", _each(_is_text))
_VALUES: Final = ("a list of values", _each(_is_scalar))
_A_NUMBER: Final = ("a number", _is_number)
_A_VALUE: Final = ("a value", _is_scalar)
_A_TEXT: Final = ("text", _is_text)
_A_MOMENT: Final = (
    "a date such as 2026-03-01, or a time with its offset",
    lambda data: isinstance(data, str) and moment_ms(data) is not None,
)

_EXPECTED: Final[Mapping[Operator, tuple[str, Callable[[object], bool]]]] = {
    Operator.EQUALS: _A_VALUE,
    Operator.NOT_EQUALS: _A_VALUE,
    Operator.ONE_OF: _VALUES,
    Operator.NOT_ONE_OF: _VALUES,
    Operator.LESS_THAN: _A_NUMBER,
    Operator.AT_MOST: _A_NUMBER,
    Operator.GREATER_THAN: _A_NUMBER,
    Operator.AT_LEAST: _A_NUMBER,
    Operator.BETWEEN: ("two numbers, the lesser first", _is_range),
    Operator.CONTAINS: _A_TEXT,
    Operator.STARTS_WITH: _A_TEXT,
    Operator.ENDS_WITH: _A_TEXT,
    Operator.MATCHES: _A_PATTERN,
    Operator.MATCHES_RE: _A_PATTERN,
    Operator.CONTAINS_ANY: _TEXTS,
    Operator.CONTAINS_ALL: _TEXTS,
    Operator.BEFORE: _A_MOMENT,
    Operator.AFTER: _A_MOMENT,
}
