"""Allocation rows in the store: opened with their weights, closed by a successor, never changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, update

from byleave.experiments import Experiment
from byleave.experiments.allocation import GRACE_MS, LONGEST_ROW_MS, Method, fixed_weights
from byleave.experiments.cells import (
    cells,
    remaining_cell,
    remaining_weights,
    starting_weights,
)
from byleave.server import schema
from byleave.server.batches import add_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row to be opened.

    Attributes:
        run: The run it belongs to.
        sequence: Its place among the run's publications, from 1.
        index: The cell's place among the experiment's cells.
        cell: The cell.
        weights: The propensity of each eligible arm; adds up to exactly 1.
        inputs: What the weights were computed from, so that they can be computed again.
        follows: The row of the cell that it replaces; None for the first.
    """

    run: str
    sequence: int
    index: int
    cell: str
    weights: Mapping[str, float]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    follows: str | None = None

    @property
    def id(self) -> str:
        """Its name, unique within the site, such as `pricing-hero.1.17.0`."""
        return f"{self.run}.{self.sequence}.{self.index}"


def starting_rows(experiment: Experiment, run: str) -> list[NewRow]:
    """Return the first row of each cell of a new run."""
    rows = []
    for index, cell in enumerate(cells(experiment, retired=experiment.retired)):
        weights = starting_weights(experiment, cell.arms)
        exact = fixed_weights(list(weights.values())).tolist()
        rows.append(
            NewRow(
                run=run,
                sequence=1,
                index=index,
                cell=cell.key,
                weights=dict(zip(weights, exact, strict=True)),
                inputs={"method": "start"},
            )
        )
    return rows


def retiring_rows(
    experiment: Experiment, run: str, open_now: Sequence[Row[Any]], *, sequence: int
) -> list[NewRow] | None:
    """Return the first row of each cell that is new because arms were retired.

    It has the weights of the row that it follows, without those arms.

    Args:
        experiment: The experiment, with the arms that are retired by now.
        run: Its run.
        open_now: The open rows of the run.
        sequence: Place of the new rows among the run's publications.

    Returns:
        None where an arm came back, for which there is no row to go on from.
    """
    has_row = {row.cell for row in open_now}
    rows = []
    for cell in cells(experiment, retired=experiment.retired):
        if cell.key in has_row:
            continue
        before = next((row for row in open_now if _remains(row, experiment) == cell.key), None)
        if before is None:
            return None
        weights = remaining_weights(weights_of(before), experiment.retired)
        exact = fixed_weights(list(weights.values())).tolist()
        rows.append(
            NewRow(
                run=run,
                sequence=sequence,
                index=before.cell_index,
                cell=cell.key,
                weights=dict(zip(weights, exact, strict=True)),
                inputs={"method": Method.RETIRED, "follows": before.allocation},
                follows=before.allocation,
            )
        )
    return rows


def _remains(row: Row[Any], experiment: Experiment) -> str:
    return remaining_cell(row.cell, experiment.retired)


def open_rows(connection: Connection, site: str, rows: Iterable[NewRow], *, now_ms: int) -> bool:
    """Open rows, each in place of the one it follows; one that is no longer open has no successor.

    Returns:
        Whether any row was opened.
    """
    opened = [
        row
        for row in rows
        if row.follows is None or close_row(connection, site, row.follows, now_ms=now_ms)
    ]
    add_rows(
        connection,
        schema.allocations,
        [
            (
                site,
                row.id,
                row.run,
                row.sequence,
                row.index,
                row.cell,
                json.dumps(row.weights),
                now_ms,
                None,
                now_ms + LONGEST_ROW_MS + GRACE_MS,
                json.dumps(row.inputs, sort_keys=True),
            )
            for row in opened
        ],
    )
    return bool(opened)


def close_row(connection: Connection, site: str, allocation: str, *, now_ms: int) -> bool:
    """Close a row; return whether it was open."""
    table = schema.allocations.c
    closed = connection.execute(
        update(schema.allocations)
        .where(table.site == site, table.allocation == allocation, table.closed_ms.is_(None))
        .values(closed_ms=now_ms)
    )
    return closed.rowcount == 1


def close_rows(connection: Connection, site: str, run: str, *, now_ms: int) -> None:
    """Close every open row of a run that is over."""
    table = schema.allocations.c
    connection.execute(
        update(schema.allocations)
        .where(table.site == site, table.run == run, table.closed_ms.is_(None))
        .values(closed_ms=now_ms)
    )


def last_draw_ms(row: Row[Any]) -> int:
    """Return until when units may be drawn from a row of the store."""
    if row.closed_ms is None:
        return int(row.draw_until_ms)
    return int(min(row.draw_until_ms, row.closed_ms + GRACE_MS))


def weights_of(row: Row[Any]) -> dict[str, float]:
    """Return the weights of a row of the store, by arm."""
    return msgspec.json.decode(row.weights, type=dict[str, float])
