"""One comparison in a row: the texts of its fields, and the plain data that they write.

`op` is the operator, `value` what is compared with (a list has a line for each item), `to` the
second end of a range, `unit` that of a length of time, `ignore_case` is `yes` or empty.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from byleave.segments import Operator, ValueType
from byleave.segments.comparing import operators_for
from byleave.segments.comparisons import FOLDABLE
from byleave.segments.patterns import has_re2

Values = Mapping[str, str]

#: The fields of a comparison.
FIELDS: Final = ("op", "value", "to", "unit", "ignore_case")
#: How a form says `exists: false`.
ABSENT: Final = "absent"
LISTS: Final = frozenset(
    {Operator.ONE_OF, Operator.NOT_ONE_OF, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL}
)
LENGTHS: Final = frozenset({Operator.WITHIN_LAST, Operator.WITHIN_NEXT})
#: Operators whose operands have parts of their own.
_RARE: Final = frozenset({Operator.SIZE, Operator.DURING})
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?")
_LENGTH: Final = re.compile(r"([0-9]+)(ms|s|m|h|d|w)")
UNITS: Final = ("m", "h", "d", "w", "s", "ms")


def operators(kind: ValueType) -> list[str]:
    """Return the operators that a form offers for a type, the most usual first."""
    left = _RARE if has_re2() else _RARE | {Operator.MATCHES_RE}
    return [*(str(each) for each in operators_for(kind) if each not in left), ABSENT]


def settled(values: Values, kind: ValueType, one_of: Sequence[Any] = ()) -> dict[str, str]:
    """Return fields that fit a type: a first operator or value in place of one that does not."""
    offered = operators(kind)
    found = {name: values.get(name, "") for name in FIELDS}
    if found["op"] not in offered:
        found["op"] = offered[0]
    allowed = choices(found["op"], kind, one_of)
    if allowed and found["op"] not in LISTS and found["value"] not in allowed:
        found["value"] = allowed[0]
    if found["op"] in LENGTHS:
        found["unit"] = found["unit"] if found["unit"] in UNITS else "d"
    return found


def choices(op: str, kind: ValueType, one_of: Sequence[Any]) -> list[str]:
    """Return the values that can be chosen; none where they are written."""
    if op not in {*LISTS, Operator.EQUALS, Operator.NOT_EQUALS}:
        return []
    return ["true", "false"] if kind is ValueType.BOOLEAN else [said(each) for each in one_of]


def can_ignore_case(op: str, kind: ValueType) -> bool:
    """Whether a comparison may take capitals and small letters for the same."""
    return op in FOLDABLE and kind in (ValueType.STRING, ValueType.LIST)


def written(values: Values, kind: ValueType) -> dict[str, Any]:
    """Return the comparison that fields write; what cannot be read as its type stays text."""
    op, value = values.get("op", ""), values.get("value", "")
    if op == ABSENT:
        return {"exists": False}
    if op == Operator.EXISTS:
        return {"exists": True}
    if op in LISTS:
        operand: Any = [scalar(line, kind) for line in value.split("\n") if line]
    elif op in LENGTHS:
        operand = length(value, values.get("unit", ""))
    elif op == Operator.BETWEEN:
        operand = [scalar(value, kind), scalar(values.get("to", ""), kind)]
    else:
        operand = scalar(value, kind)
    test = {op: operand}
    if values.get("ignore_case") and can_ignore_case(op, kind):
        test["ignore_case"] = True
    return test


def fields(test: Any) -> dict[str, str]:
    """Return fields that write a comparison, as far as they can say it."""
    if not isinstance(test, Mapping):
        return {}
    found = {"ignore_case": "yes"} if test.get("ignore_case") is True else {}
    for op, operand in test.items():
        if op == "ignore_case":
            continue
        found["op"] = ABSENT if op == Operator.EXISTS and operand is False else str(op)
        if op in LENGTHS:
            found["value"], found["unit"] = parts(operand)
        elif op == Operator.BETWEEN and isinstance(operand, list) and len(operand) == 2:
            found["value"], found["to"] = map(said, operand)
        elif op != Operator.EXISTS:
            found["value"] = (
                "\n".join(map(said, operand)) if isinstance(operand, list) else said(operand)
            )
    return found


def scalar(text: str, kind: ValueType) -> Any:
    """Return what a text is as a value of a type; the text itself where it is none."""
    if kind is ValueType.NUMBER:
        return number(text)
    if kind is ValueType.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    return text


def number(text: str) -> Any:
    """Return the number that a text writes; the text itself where it writes none."""
    stripped = text.strip()
    if _WHOLE.fullmatch(stripped):
        return int(stripped)
    return float(stripped) if _DECIMAL.fullmatch(stripped) else text


def said(value: Any) -> str:
    """Return a plain value as a field says it; an empty text for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def length(text: str, unit: str) -> str:
    """Return a length of time as definitions have it; the text itself where it is no number."""
    number = text.strip()
    return f"{number}{unit}" if number.isdecimal() else number


def parts(value: Any) -> tuple[str, str]:
    """Return the number and the unit of a length of time; two empty texts for another value."""
    found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    return (found[1], found[2]) if found else ("", "")
