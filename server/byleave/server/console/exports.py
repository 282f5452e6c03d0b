"""The files of a page of results: each figure as CSV and SVG, and all of it as JSON."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from byleave.experiments.lift.tables import columns
from byleave.segments import canonical_json
from byleave.server.console.assets import FIGURE_STYLE
from byleave.server.console.display import Display
from byleave.server.console.display import marked as _
from byleave.server.console.rendering import download, render
from byleave.server.console.results_view import ResultsView
from byleave.server.console.routing import PageError

_NO_FILE: Final = (
    _("There is no such file"),
    _("The page of results lists the files that it has."),
)

Rows = Iterable[Mapping[str, Any]]


def export(view: ResultsView, file: str, *, display: Display) -> Response:
    """Return a file of a page.

    Raises:
        PageError: There is none of this name.
    """
    name, _, kind = file.rpartition(".")
    prefix = f"{view.results.run}-"
    if file == "results.json":
        body = canonical_json(view.results.to_plain())
        return download(body, name=prefix + file, media_type="application/json")
    if kind == "csv" and name in _TABLES:
        body = _csv(_TABLES[name](view))
        return download(body, name=prefix + file, media_type="text/csv")
    if kind == "svg":
        body = render("figure.svg", display, view=view, name=name).strip()
        if body:
            return download(_standalone(body), name=prefix + file, media_type="image/svg+xml")
    raise PageError(404, *_NO_FILE)


def _arms(view: ResultsView) -> Rows:
    """Every figure of every arm: of the primary goal, the others, and each segment."""
    results = view.results
    parts = [("", results.report), *(("", other) for other in results.others)]
    parts += list(results.segments.items())
    for segment, report in parts:
        table = columns(report)
        for values in zip(*table.values(), strict=True):
            yield {"segment": segment, **dict(zip(table, values, strict=True))}


def _looks(view: ResultsView) -> Rows:
    for back in view.results.looks:
        for arm, look in back.arms.items():
            lift = look.lift_interval
            yield {
                "at": _iso(back.at_ms),
                "units": back.units,
                "arm": arm,
                "difference": look.difference,
                "difference_low": look.difference_interval.low,
                "difference_high": look.difference_interval.high,
                "lift": look.lift,
                "lift_low": None if lift is None else lift.low,
                "lift_high": None if lift is None else lift.high,
            }


def _enrolment(view: ResultsView) -> Rows:
    for day in view.results.enrolment:
        for arm, units in day.units.items():
            yield {"from": _iso(day.from_ms), "rows": day.rows, "arm": arm, "units": units}


def _weights(view: ResultsView) -> Rows:
    for step in view.results.allocation:
        for arm, weight in step.weights.items():
            yield {
                "allocation": step.allocation,
                "cell": step.cell,
                "opened": _iso(step.opened_ms),
                "closed": None if step.closed_ms is None else _iso(step.closed_ms),
                "arm": arm,
                "weight": weight,
            }


_TABLES: Final[dict[str, Callable[[ResultsView], Rows]]] = {
    "arms": _arms,
    "looks": _looks,
    "enrolment": _enrolment,
    "weights": _weights,
}


def _csv(rows: Rows) -> str:
    """Return rows as CSV (RFC 4180), with a column for each name that any row has."""
    kept = list(rows)
    names = list(dict.fromkeys(name for row in kept for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in kept)
    return text.getvalue()


def _harmless(value: object) -> object:
    """Return a value as no spreadsheet takes it for a formula."""
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula else value


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _standalone(svg: str) -> str:
    """Return a drawing as a file of its own, with the style that pages give it."""
    head, _, rest = svg.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{FIGURE_STYLE}</style>{rest}'
