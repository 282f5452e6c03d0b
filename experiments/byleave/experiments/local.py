"""A snapshot without a server: fixed shares, nothing learned."""

from byleave.experiments.cells import cells, starting_weights
from byleave.experiments.definitions import Definitions
from byleave.experiments.schedule import ALWAYS_MS
from byleave.experiments.snapshot import Allocation, Run, Snapshot, Version


def local_snapshot(definitions: Definitions, *, now_ms: int) -> Snapshot:
    """Return the snapshot that definitions alone give.

    Rows last for ever and seeds follow from the names, so that every process of a site, and the
    site after a restart, gives a visitor the same arm.
    """

    def run(key: str) -> Run:
        experiment = definitions.experiments[key]
        rows = tuple(
            Allocation(
                id=f"{key}.local.{index}",
                cell=cell.key,
                weights=starting_weights(experiment, cell.arms),
                opened_ms=now_ms,
                draw_until_ms=ALWAYS_MS[1],
            )
            for index, cell in enumerate(cells(experiment))
        )
        seed = f"{definitions.site}/{key}"[:64]
        return Run(id=f"{key}.local", seed=seed, started_ms=now_ms, allocations=rows)

    return Snapshot(
        version=Version(generation=0, number=0),
        published_ms=now_ms,
        definitions=definitions,
        runs={key: run(key) for key in definitions.experiments},
        holdout_seed=definitions.site[:64],
    )
