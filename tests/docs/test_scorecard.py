"""The scorecard is about all promises, and says of each what came of it."""

from pathlib import Path

import pytest
from tests import scorecard
from tests.scorecard import Found, Promise

PROMISE = Promise("The whole", "It works.", ("tests/test_layout.py",), "test")


def test_every_row_of_the_promises_is_read() -> None:
    text = scorecard.PROMISES.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    profiles = [row for row in rows if row.split("`")[1].startswith("make ")]

    found = [*scorecard.promises(text)]

    assert len(found) == len(rows) - len(profiles)
    assert [*dict.fromkeys(promise.section for promise in found)] == [h[3:] for h in headings]
    assert all(promise.shown_by for promise in found)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (None, "| not run | It works. |  | test |"),
        (Found(2, 0, 0, 3.4, ["a: 0"]), "| kept | It works. | 2 passed in 3 s; a: 0 | test |"),
        (Found(2, 1), "| **broken** | It works. | 2 passed, 1 failed in 0 s | test |"),
    ],
)  # fmt: skip
def test_the_page_has_a_line_for_a_promise(result: Found | None, line: str) -> None:
    assert line in scorecard.page({PROMISE: result}).splitlines()


def test_what_is_named_and_not_there_breaks_its_promise(tmp_path: Path) -> None:
    missing = tmp_path / "test_gone.py"

    assert scorecard.run_tests([str(missing)], {}, is_long=False)[str(missing)].failed == 1
    assert scorecard.of_cases("tests/test_layout.py::test_gone", []).failed == 1
