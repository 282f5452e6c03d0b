"""What was measured goes where it is stated, and nothing else of the page changes."""

import platform

import pytest
from benchmarks.certificate import PAGE, commands, dated, filled

TEXT = """\
The figures are from Python 3.1.

## What learning costs

```text
python -m benchmarks.regret --seeds 9
```

| setting | lost |
|---|---|
| old | 1 |

## What it takes

```text
python -m benchmarks.allocation
```

No table.

| name | what it is |
|---|---|
"""


def test_every_table_is_found_with_its_command() -> None:
    assert commands(PAGE.read_text(encoding="utf-8")) == [
        "benchmarks.coverage --replications 1000",
        "benchmarks.regret",
        "benchmarks.thompson",
        "benchmarks.calibration",
        "benchmarks.cells",
        "benchmarks.planning",
        "benchmarks.health",
    ]


def test_a_table_is_replaced_by_what_was_printed() -> None:
    printed = "| setting | lost |\n|---|---|\n| new | 2 |\n| newer | 3 |\na fault\n"

    page = filled(TEXT, "benchmarks.regret --seeds 9", printed)

    table = "| setting | lost |\n|---|---|\n| old | 1 |\n"
    assert page == TEXT.replace(table, printed.removesuffix("a fault\n"))


@pytest.mark.parametrize(
    ("command", "printed"),
    [("benchmarks.regret --seeds 9", "nothing\n"), ("benchmarks.none", "|a|\n|-|\n|1|\n")],
)
def test_without_a_table_nothing_is_replaced(command: str, printed: str) -> None:
    with pytest.raises(ValueError, match="to print a table"):
        filled(TEXT, command, printed)


def test_the_versions_are_those_in_use() -> None:
    page = dated(TEXT)

    assert page.startswith(f"The figures are from Python {platform.python_version()}, NumPy ")
    assert page.partition("\n")[2] == TEXT.partition("\n")[2]
