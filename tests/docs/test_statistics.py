"""The measured tables of the documentation have the lines that the benchmarks print."""

from collections.abc import Callable
from typing import Any

import pytest
from benchmarks import cells, coverage, health, planning, regret

TABLES = {
    "## How often intervals hold the truth": [str(each) for each in coverage.settings()],
    "## What learning costs": [study.name for study in regret.STUDIES],
    "## Is the experiment healthy": [str(setting) for setting in health.SETTINGS],
    "## What cells are worth": [study.name for study in cells.STUDIES],
    "## How well plans foretell": [str(study) for study in planning.STUDIES],
}


@pytest.mark.parametrize("heading", TABLES)
def test_a_measured_table_has_the_lines_of_its_benchmark(
    heading: str, page_at: Callable[[str], Any]
) -> None:
    table = page_at("docs/explanation/statistics.md").table(heading)

    assert [row[0] for row in table] == TABLES[heading]


def test_the_table_of_coverage_keeps_the_promises(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/explanation/statistics.md").table("## How often intervals hold the truth")

    for setting, row in zip(coverage.settings(), table, strict=True):
        shares = [float(cell.partition(" ")[0]) for cell in row[1:]]
        widths = [float(cell.partition("(")[2].rstrip(")")) / 1e4 for cell in row[1:4]]
        found = coverage.Coverage(
            setting=setting,
            replications=1_000,
            fixed=shares[0],
            always_valid=shares[1],
            guaranteed=shares[2],
            naive=shares[3],
            shown=(0.95, 0.99, 0.98),
            widths=(widths[0], widths[1], widths[2]),
        )
        assert [*found.faults()] == []
