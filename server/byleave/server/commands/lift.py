"""`byleave stats lift`: every estimator of the lift of each arm."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from byleave.server.commands.aggregates import read_aggregates
from byleave.server.commands.documents import print_json, read_json, refusing


def lift() -> None:
    """Estimate what each arm does, compared with the control.

    Reads {"counts", "sums", "sums_sq", "propensities", "alpha", "control"}, or a list of them:
    one list per allocation row, oldest first, with one number per arm. Prints {"contrasts": ...},
    or a list of that.
    """
    data = read_json()
    if isinstance(data, list):
        print_json([_contrasts(item) for item in data])
    else:
        print_json(_contrasts(data))


def _contrasts(data: object) -> dict[str, Any]:
    aggregates = asdict(read_aggregates(data))
    given = {name: value for name, value in aggregates.items() if value is not None}

    from byleave.experiments.lift.vectors import contrasts

    with refusing("$."):
        return {"contrasts": contrasts(given)}
