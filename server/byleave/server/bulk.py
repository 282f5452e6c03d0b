"""Attributes of many visitors in one body: lines of JSON, or a table of comma-separated values.

Each line is judged by itself and refused with its number, so that one bad line never costs the
others. A reason never quotes a value.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Annotated, Final

import msgspec

from byleave.segments import Attribute, ValueType
from byleave.server.attributes import Observation, Value
from byleave.server.errors import unquoted
from byleave.server.events import VISITOR_ID, RefusedError
from byleave.server.http import Problem, parse
from byleave.server.times import TimeMs

#: Lines of one body; more are to be sent as several bodies.
MOST_LINES: Final = 20_000
#: What separates the texts of a list in one cell.
BETWEEN_TEXTS: Final = "|"

_FIXED: Final = ("visitor", "observed_at")

VisitorId = Annotated[str, msgspec.Meta(pattern=VISITOR_ID)]
WireValue = (
    None
    | bool
    | int
    | float
    | Annotated[str, msgspec.Meta(max_length=1024)]
    | Annotated[
        list[Annotated[str, msgspec.Meta(max_length=1024)]],
        msgspec.Meta(max_length=100),
    ]
)
Values = Annotated[dict[str, WireValue], msgspec.Meta(max_length=100)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of JSON."""

    visitor: VisitorId
    observed_at: TimeMs
    attributes: Values


@dataclass(frozen=True, slots=True)
class Bad:
    """Why a line cannot be read."""

    reason: str


Read = Iterator[tuple[int, Observation | Bad]]


def read_json_lines(body: bytes) -> Read:
    """Yield the number of each line, from 1, and the observation on it; blank ones are skipped.

    Raises:
        Problem: There are too many.
    """
    for number, text in enumerate(body.splitlines(), start=1):
        _check_number(number)
        if text.strip():
            try:
                line = parse(text, Line)
            except Problem as problem:
                yield number, Bad(str(problem))
            else:
                yield (
                    number,
                    Observation(
                        visitor=line.visitor, observed_ms=line.observed_at, values=line.attributes
                    ),
                )


def read_table(body: bytes, declared: Mapping[str, Attribute]) -> Read:
    """Yield the number of each line, from 2, and the observation on it.

    The first line names the columns: `visitor`, `observed_at`, and attributes. An empty cell
    says nothing. `observed_at` is a number of milliseconds, or a time with an offset.

    Raises:
        Problem: The body is not such a table, or there are too many lines.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(400, "expected text in UTF-8") from None
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        columns = next(rows, [])
        names = [name for name in columns if name not in _FIXED]
        if len(columns) != len(set(columns)) or not set(_FIXED) <= set(columns):
            raise Problem(422, "expected a first line with visitor, observed_at and attributes")
        if unknown := [name for name in names if name not in declared]:
            raise Problem(422, f"{len(unknown)} columns are attributes that nothing declares")
        for row in rows:
            _check_number(rows.line_num)
            if row:
                yield rows.line_num, _of_row(row, columns, declared)
    except csv.Error as error:
        raise Problem(400, f"not comma-separated values: line {rows.line_num}") from error


def _of_row(
    row: list[str], columns: list[str], declared: Mapping[str, Attribute]
) -> Observation | Bad:
    if len(row) != len(columns):
        return Bad(f"expected {len(columns)} cells")
    cells = dict(zip(columns, row, strict=True))
    visitor, observed = (cells.pop(name) for name in _FIXED)
    try:
        values = {name: _value(cell, name, declared[name]) for name, cell in cells.items() if cell}
        line = msgspec.convert(
            {"visitor": visitor, "observed_at": _time(observed), "attributes": values}, Line
        )
    except (RefusedError, msgspec.ValidationError) as error:
        return Bad(unquoted(error))
    return Observation(visitor=line.visitor, observed_ms=line.observed_at, values=line.attributes)


def _time(cell: str) -> int:
    if cell.isascii() and cell.isdigit() and len(cell) <= 16:
        return int(cell)
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RefusedError("expected observed_at in milliseconds, or as a time with an offset")
    return round(moment.timestamp() * 1000)


def _value(cell: str, name: str, declared: Attribute) -> Value:
    match declared.type:
        case ValueType.BOOLEAN:
            known = {"true": True, "false": False}
            if cell.lower() in known:
                return known[cell.lower()]
        case ValueType.NUMBER:
            try:
                return float(cell)
            except ValueError:
                pass
        case ValueType.LIST:
            return cell.split(BETWEEN_TEXTS)
        case _:
            return cell
    raise RefusedError(f"expected attribute {name!r} to be a {declared.type}")


def _check_number(number: int) -> None:
    if number > MOST_LINES:
        raise Problem(422, f"expected at most {MOST_LINES} lines; send several bodies")
