"""A snapshot without a server: fixed shares, nothing learned."""

from hashlib import blake2b

from byleave.experiments.cells import Cell, cells, starting_weights
from byleave.experiments.definitions import Definitions
from byleave.experiments.schedule import ALWAYS_MS
from byleave.experiments.snapshot import Allocation, Run, Snapshot, Version
from byleave.segments import canonical_json


def local_snapshot(definitions: Definitions, *, now_ms: int) -> Snapshot:
    """Return the snapshot that definitions alone give.

    Rows last for ever; their ids and the seeds follow from the definitions, so that every
    process of a site, and the site after a restart, gives a visitor the same arm.
    """

    def row(key: str, cell: Cell) -> Allocation:
        weights = starting_weights(definitions.experiments[key], cell.arms)
        digest = blake2b(canonical_json([cell.key, weights]).encode(), digest_size=4)
        return Allocation(
            id=f"{key}.local.{digest.hexdigest()}",
            cell=cell.key,
            weights=weights,
            opened_ms=now_ms,
            draw_until_ms=ALWAYS_MS[1],
        )

    def run(key: str) -> Run:
        experiment = definitions.experiments[key]
        return Run(
            id=f"{key}.local",
            seed=f"{definitions.site}/{key}",
            started_ms=now_ms,
            allocations=tuple(
                row(key, cell) for cell in cells(experiment, retired=experiment.retired)
            ),
            retired=experiment.retired,
        )

    return Snapshot(
        version=Version(generation=0, number=0),
        published_ms=now_ms,
        definitions=definitions,
        runs={key: run(key) for key in definitions.experiments},
        holdout_seed=definitions.site,
    )
