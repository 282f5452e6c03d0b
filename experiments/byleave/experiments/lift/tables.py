"""A report as a table for notebooks: one row per arm, flat, in whichever library is installed."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from byleave.experiments.lift.interval import Interval

if TYPE_CHECKING:
    from byleave.experiments.lift.report_model import ArmRow, Report

__all__ = ["as_table", "columns"]

#: What makes a table of columns, by library.
_MAKERS = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}

_OF_THE_REPORT = ("goal", "population", "status", "confidence", "mature_until_ms", "version")
_INTERVALS = ("difference_interval", "lift_interval", "guaranteed_interval", "fixed_interval")


def columns(report: Report) -> dict[str, list[Any]]:
    """Return the columns: what holds for all arms, then every figure of an arm.

    An interval is two columns, such as `lift_low` and `lift_high`; of `secondary` each method has
    one for its difference and one for the standard error.
    """
    rows = [_flat(report, row) for row in report.arms]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def as_table(report: Report, library: Literal["pandas", "polars", "pyarrow"]) -> Any:
    """Return the columns as a table of a library.

    Raises:
        ImportError: The library is not installed.
    """
    try:
        module = import_module(library)
    except ImportError as error:
        raise ImportError(f"this table needs {library}: pip install {library}") from error
    return getattr(module, _MAKERS[library])(columns(report))


def _flat(report: Report, row: ArmRow) -> dict[str, Any]:
    flat: dict[str, Any] = {name: getattr(report, name) for name in _OF_THE_REPORT}
    flat["status"] = str(report.status)
    for each in fields(row):
        value = getattr(row, each.name)
        if each.name in _INTERVALS:
            name = each.name.removesuffix("_interval")
            is_known = isinstance(value, Interval)
            flat[f"{name}_low"] = value.low if is_known else None
            flat[f"{name}_high"] = value.high if is_known else None
        elif each.name == "secondary":
            for method, estimate in value.items():
                flat[f"{method} difference"] = estimate.difference
                flat[f"{method} standard_error"] = estimate.standard_error
        else:
            flat[each.name] = None if value is None else _plain(value)
    return flat


def _plain(value: Any) -> Any:
    """A member of an enumeration as its text."""
    return str(value) if isinstance(value, str) else value
