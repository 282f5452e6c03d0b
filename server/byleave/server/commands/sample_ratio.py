"""`byleave stats srm`: do the counts fit the published weights?"""

from __future__ import annotations

from byleave.server.commands.aggregates import read_aggregates
from byleave.server.commands.documents import print_json, read_json, refusing


def srm() -> None:
    """Test the counts of the arms against the weights that were published.

    Reads {"counts", "propensities"}: one list per allocation row, oldest first, with one number
    per arm. Prints the Wald test of the totals and the e-value of the live test, which holds at
    any look: alarms are p below 0.001 and an e-value from 1000 on.
    """
    aggregates = read_aggregates(read_json())

    import numpy as np

    from byleave.experiments.lift import Strata, live_sample_ratio, sample_ratio

    nothing = np.zeros(np.shape(aggregates.counts))
    with refusing("$."):
        strata = Strata.of(
            counts=aggregates.counts,
            sums=nothing,
            squares=nothing,
            propensities=aggregates.propensities,
        )
        found, live = sample_ratio(strata), live_sample_ratio(strata)
    print_json(
        {
            "observed": found.observed.tolist(),
            "expected": found.expected.tolist(),
            "wald": found.wald,
            "df": found.freedom,
            "p": found.p,
            "alert": found.alert,
            "e_value": live.e_value,
        }
    )
