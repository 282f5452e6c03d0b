"""A report as a table, in each library that is there."""

import sys
from typing import Any

import numpy as np
import pytest

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import Population, Report, RunFacts, Strata, build_report
from byleave.experiments.lift.tables import columns

LIBRARIES = {"pandas": "to_pandas", "polars": "to_polars", "pyarrow": "to_arrow"}


@pytest.fixture
def report() -> Report:
    counts = np.full((10, 2), 2_000)
    sums = np.tile([100, 130], (10, 1))
    return build_report(
        Strata.of(counts=counts, sums=sums, squares=sums, propensities=np.full(counts.shape, 0.5)),
        arms=["control", "proof"],
        goal_key="signup",
        goal=Goal(event="sign_up", kind=GoalKind.CONVERSION, within="page"),
        population=Population(),
        run=RunFacts(),
        worse_by_at_most=0.1,
    )


def test_there_is_a_row_for_each_arm_with_every_figure_of_it(report: Report) -> None:
    table = columns(report)
    proof = report.arms[1]

    assert {len(values) for values in table.values()} == {2}
    assert table["arm"] == ["control", "proof"]
    assert table["is_control"] == [True, False]
    assert table["goal"] == ["signup", "signup"]
    assert table["status"] == ["Ready for review"] * 2
    assert table["difference"] == [None, proof.difference]
    assert proof.lift_interval is not None
    assert table["lift_low"] == [None, proof.lift_interval.low]
    assert table["lift_high"] == [None, proof.lift_interval.high]
    assert table["fixed_low"] == [None, None]
    assert table["guard"] == [None, "holds"]
    assert table["aipw standard_error"] == [None, proof.secondary["aipw"].standard_error]


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_installed_library_makes_the_table(report: Report, library: str) -> None:
    pytest.importorskip(library)

    table: Any = getattr(report, LIBRARIES[library])()

    names = table.column_names if library == "pyarrow" else [*table.columns]
    assert names == [*columns(report)]
    assert table["units"].sum() == 40_000 if library != "pyarrow" else table.num_rows == 2
    assert str(table["arm"][1]) == "proof"
    assert float(table["difference"][1].as_py() if library == "pyarrow" else table["difference"][1])


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_is_not_installed_is_named(
    report: Report, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ImportError, match=f"pip install {library}"):
        getattr(report, LIBRARIES[library])()
