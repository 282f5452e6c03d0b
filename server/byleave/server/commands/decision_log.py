"""Logged decisions from a CSV or Parquet file."""

from __future__ import annotations

import csv
import glob
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from byleave.server.commands.exits import refuse

_NEEDED: Final = ("arm", "propensity", "reward")


class Logged(NamedTuple):
    """One logged decision; the context is empty where there are none."""

    arm: str
    propensity: float
    reward: float
    context: str = ""


#: Programs for tables begin with a byte order mark what they write as UTF-8.
_ENCODING: Final = "utf-8-sig"


def read_log(file: Path) -> list[Logged]:
    """Return the decisions of a file, or of standard input for `-`; end the command otherwise."""
    try:
        rows = _parquet(file) if file.suffix == ".parquet" else _csv(file)
        return [_logged(row, place) for place, row in rows]
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}")
    except (csv.Error, UnicodeDecodeError) as error:
        refuse(f"{file}: not readable as CSV: {error}")


def _csv(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    is_input = str(file) == "-"
    with nullcontext(sys.stdin) if is_input else file.open(newline="", encoding=_ENCODING) as lines:
        rows = csv.DictReader(lines)
        _require_columns(file, rows.fieldnames or ())
        for row in rows:
            yield f"{file}:{rows.line_num}", row


def _parquet(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        duckdb: Any = import_module("duckdb")
    except ModuleNotFoundError:
        refuse("reading Parquet needs DuckDB: pip install 'byleave[analytics]', or hand in CSV")
    file.stat()  # a file that is not there is told as for CSV
    with duckdb.connect() as connection:
        try:
            table = connection.read_parquet(glob.escape(str(file)))
            _require_columns(file, table.columns)
            columns = [name for name in (*_NEEDED, "context") if name in table.columns]
            rows = table.select(*columns).fetchall()
        except duckdb.Error as error:
            refuse(f"{file}: not readable as Parquet: {error}")
    for index, row in enumerate(rows):
        yield f"{file}: row {index}", dict(zip(columns, row, strict=True))


def _require_columns(file: Path, names: Iterable[str]) -> None:
    missing = [name for name in _NEEDED if name not in [*names]]
    if missing:
        refuse(f"{file}: expected columns {', '.join(_NEEDED)}; missing: {', '.join(missing)}")


def _logged(row: Mapping[str, Any], place: str) -> Logged:
    arm, context = row["arm"], row.get("context")
    if arm in (None, ""):
        refuse(f"{place}: arm: expected a name")
    return Logged(
        str(arm),
        _number(row, "propensity", place),
        _number(row, "reward", place),
        "" if context is None else str(context),
    )


def _number(row: Mapping[str, Any], name: str, place: str) -> float:
    try:
        number = float(row[name])
    except (TypeError, ValueError):
        refuse(f"{place}: {name}: expected a number, got {row[name]!r}")
    if not abs(number) < 1e60 or (name == "propensity" and not 0 < number <= 1):
        expected = "above 0 and at most 1" if name == "propensity" else "finite"
        refuse(f"{place}: {name}: expected a number {expected}, got {row[name]!r}")
    return number
