"""The notebook for analysts runs from its first cell to its last and finds the true lift."""

import json
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "examples" / "analysis" / "lift.ipynb"


def test_the_notebook_finds_the_true_lift() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(each["source"]) for each in cells if each["cell_type"] == "code")
    names: dict[str, Any] = {}

    exec(compile(source, str(NOTEBOOK), "exec"), names)  # noqa: S102  # our own notebook

    interval = names["interval"]
    assert interval["low"] <= 0.3 <= interval["high"] < names["plain_lift"]


def test_the_notebook_holds_no_output() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]

    assert all(not each.get("outputs") for each in cells)
    assert {each.get("execution_count") for each in cells} == {None}
