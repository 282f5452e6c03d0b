"""Counts and sums per allocation row and arm, as analysts hand them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import typer

from byleave.server.commands.documents import read_as
from byleave.server.commands.exits import refuse

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregates:
    """One number per arm in each row, oldest row first.

    Attributes:
        counts: Units.
        propensities: The weights that the row published, adding up to 1.
        sums: Sums of their outcomes.
        sums_sq: Sums of their squared outcomes.
        alpha: Error level in (0, 1).
        control: Index of the control.
    """

    counts: Rows
    propensities: Rows
    sums: Rows | None = None
    sums_sq: Rows | None = None
    alpha: float = 0.05
    control: int = 0


def read_aggregates(data: object) -> Aggregates:
    """Return aggregates from plain data that may hold more; end the command otherwise."""
    wanted = [field.name for field in fields(Aggregates)]
    if isinstance(data, Mapping):
        ignored = [key for key in data if key not in wanted]
        if ignored:
            typer.echo(f"not read: {', '.join(map(repr, ignored))}", err=True)
        data = {key: data[key] for key in wanted if key in data}
    aggregates = read_as(Aggregates, data)
    arms = len(aggregates.counts[0]) if aggregates.counts else 0
    for name in ("counts", "propensities", "sums", "sums_sq"):
        for index, row in enumerate(getattr(aggregates, name) or ()):
            if len(row) != arms:
                refuse(f"$.{name}[{index}]: expected {arms} numbers, got {len(row)}")
    if not 0 < aggregates.alpha < 1:
        refuse(f"$.alpha: expected a number between 0 and 1, got {aggregates.alpha:g}")
    if not 0 <= aggregates.control < max(arms, 1):
        refuse(f"$.control: expected the index of an arm, got {aggregates.control}")
    return aggregates
