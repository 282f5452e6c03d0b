"""Conditions that another system wrote, answered as that system answers them.

GrowthBook's conditions compare across types: `"8"` is more than 5, and what is missing is less
than 10. The language of segments refuses both. Where visitors were chosen by such conditions,
this profile keeps choosing the same ones; nothing outside of it bends a type.

What GrowthBook would answer by accident is refused: an operator that does not exist, an operand
of the wrong kind, or an expression that RE2 does not take makes the whole condition false, under
`$not` too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from byleave.segments.patterns import LONGEST_PATTERN, regular

Groups = Mapping[str, Sequence[object]]

_BUILD: Final = re.compile(r"^v|\+.*$", re.DOTALL)
_SEPARATOR: Final = re.compile(r"[-.]")
_NUMBER: Final = re.compile(r"[0-9]+")
_DECIMAL: Final = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")


class _UnfitError(Exception):
    """A condition cannot be answered."""


def growthbook_matches(
    condition: Mapping[str, object],
    attributes: Mapping[str, object],
    *,
    groups: Groups | None = None,
) -> bool:
    """Return whether attributes meet a GrowthBook condition (SDK specification 0.7.1).

    Args:
        condition: The condition, as its JSON says it.
        attributes: The attributes that may be read; a null is as good as missing.
        groups: The members of saved groups, by id.
    """
    try:
        return _Evaluator(groups or {}).matches(condition, attributes)
    except (_UnfitError, RecursionError):
        return False


class _Evaluator:
    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def matches(self, condition: object, attributes: object) -> bool:
        """Return whether all parts of a condition hold."""
        if not isinstance(condition, Mapping):
            raise _UnfitError
        # Every part is answered, so that one without an answer is found wherever it stands.
        return all(tuple(self._part(*part, attributes) for part in condition.items()))

    def _part(self, key: str, asked: Any, attributes: object) -> bool:
        match key:
            case "$or":
                return self._any(asked, attributes)
            case "$nor":
                return not self._any(asked, attributes)
            case "$and":
                return all(tuple(self.matches(each, attributes) for each in _list(asked)))
            case "$not":
                return not self.matches(asked, attributes)
            case _:
                return self._value(asked, _at(attributes, key))

    def _any(self, asked: Any, attributes: object) -> bool:
        found = [self.matches(each, attributes) for each in _list(asked)]
        return any(found) or not found

    def _value(self, asked: object, value: object) -> bool:
        if not isinstance(asked, Mapping) or not _is_operators(asked):
            return _same(value, asked)
        return all(tuple(self._holds(*part, value) for part in asked.items()))

    def _holds(self, operator: str, asked: Any, value: Any) -> bool:
        if operator in _SIMPLE:
            return _SIMPLE[operator](value, asked)
        items = value if isinstance(value, (list, tuple)) else None
        match operator:
            case "$not":
                return not self._value(asked, value)
            case "$inGroup":
                return _is_in(value, self._group(asked))
            case "$notInGroup":
                return not _is_in(value, self._group(asked))
            case "$size":
                return items is not None and self._value(asked, len(items))
            case "$all" | "$alli":
                wanted, given = _list(asked), items or ()
                if operator == "$alli":
                    wanted, given = _folded(wanted), _folded(given)
                met = [any(tuple(self._value(each, item) for item in given)) for each in wanted]
                return items is not None and all(met)
            case "$elemMatch":
                if not isinstance(asked, Mapping):
                    raise _UnfitError
                meets = self._value if _is_operators(asked) else self.matches
                return any(tuple(meets(asked, item) for item in items or ()))
            case _:
                raise _UnfitError

    def _group(self, name: object) -> Sequence[object]:
        if not isinstance(name, str):
            raise _UnfitError
        return self._groups.get(name, ())


def _is_operators(asked: Mapping[str, object]) -> bool:
    return bool(asked) and all(key[:1] == "$" for key in asked)


def _list(asked: Any) -> Sequence[Any]:
    if not isinstance(asked, (list, tuple)):
        raise _UnfitError
    return asked


def _at(attributes: object, path: str) -> object:
    """Return what a dotted path leads to; None where it leads nowhere."""
    for key in path.split("."):
        attributes = attributes.get(key) if isinstance(attributes, Mapping) else None
    return attributes


def _same(value: Any, asked: Any) -> bool:
    """Return whether two values of JSON are the same; `true` is not 1."""
    if isinstance(value, Mapping) and isinstance(asked, Mapping):
        return value.keys() == asked.keys() and all(_same(value[key], asked[key]) for key in value)
    if isinstance(value, (list, tuple)) and isinstance(asked, (list, tuple)):
        return len(value) == len(asked) and all(map(_same, value, asked))
    return isinstance(value, bool) is isinstance(asked, bool) and bool(value == asked)


def _folded(value: Any) -> Any:
    """Return a text, or each text of a list, without its case."""
    if isinstance(value, (list, tuple)):
        return [*map(_folded, value)]
    return value.casefold() if isinstance(value, str) else value


def _is_in(value: Any, asked: Any) -> bool:
    """Return whether a value, or some item of a list, is among others."""
    given, known = value if isinstance(value, (list, tuple)) else [value], _list(asked)
    return any(_same(item, each) for item in given for each in known)


def _compares(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a comparison of two texts, or of what both are as numbers."""

    def compare(value: Any, asked: Any) -> bool:
        if isinstance(value, str) and isinstance(asked, str):
            return holds(value, asked)
        return holds(_number(value), _number(asked))

    return compare


def _number(value: Any) -> float:
    """Return what a value is as a number; what is none compares with nothing."""
    match value:
        case None | "":
            return 0
        case int() | float():
            return value
        case str() if _DECIMAL.fullmatch(value):
            return float(value)
        case _:
            return float("nan")


def _versions(holds: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, asked: holds(_padded(value), _padded(asked))


def _padded(version: object) -> str:
    """Return a version as a text whose order is that of versions."""
    text = str(version) if isinstance(version, (int, float)) else version
    parts = _SEPARATOR.split(_BUILD.sub("", text if isinstance(text, str) and text else "0"))
    if len(parts) == 3:
        parts.append("~")  # a release comes after what was released before it
    return "-".join(part.rjust(5) if _NUMBER.fullmatch(part) else part for part in parts)


def _searches(*, wanted: bool, ignore_case: bool) -> Callable[[Any, Any], bool]:
    def search(value: Any, asked: Any) -> bool:
        if not isinstance(asked, str) or len(asked) > LONGEST_PATTERN:
            raise _UnfitError
        matcher = regular(asked, ignore_case=ignore_case)
        if matcher is None:
            raise _UnfitError
        return isinstance(value, str) and (matcher(value) is not None) is wanted

    return search


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


_SIMPLE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$eq": _same,
    "$ne": lambda value, asked: not _same(value, asked),
    "$lt": _compares(lambda value, asked: value < asked),
    "$lte": _compares(lambda value, asked: value <= asked),
    "$gt": _compares(lambda value, asked: value > asked),
    "$gte": _compares(lambda value, asked: value >= asked),
    "$veq": _versions(lambda value, asked: value == asked),
    "$vne": _versions(lambda value, asked: value != asked),
    "$vlt": _versions(lambda value, asked: value < asked),
    "$vlte": _versions(lambda value, asked: value <= asked),
    "$vgt": _versions(lambda value, asked: value > asked),
    "$vgte": _versions(lambda value, asked: value >= asked),
    "$in": _is_in,
    "$nin": lambda value, asked: not _is_in(value, asked),
    "$ini": lambda value, asked: _is_in(_folded(value), _folded(asked)),
    "$nini": lambda value, asked: not _is_in(_folded(value), _folded(asked)),
    "$exists": lambda value, asked: (value is not None) is bool(asked),
    "$type": lambda value, asked: _kind(value) == asked,
    "$regex": _searches(wanted=True, ignore_case=False),
    "$regexi": _searches(wanted=True, ignore_case=True),
    "$notRegex": _searches(wanted=False, ignore_case=False),
    "$notRegexi": _searches(wanted=False, ignore_case=True),
}
