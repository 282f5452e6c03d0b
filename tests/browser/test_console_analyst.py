"""An analyst reads results in a real browser, and counts them again from the exported rows."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.server.test_exporting import counted_again, exported

from byleave.experiments.lift.tables import columns
from byleave.server.console.display import CURRENT, Display
from byleave.server.console.formatting import FILTERS
from byleave.server.keys import Role

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"  # noqa: S105 (nobody's)


@pytest.fixture(scope="module")
def served(consoles: Any) -> object:
    """The two consoles, and no shop."""
    return consoles


def test_what_an_analyst_reads_follows_from_the_exported_rows(
    visit: Callable[..., Page], consoles: Any, tmp_path: Path
) -> None:
    console = consoles["full"]
    service = console.service
    service.people.put("ann@example.com", Role.ANALYST, PASSWORD, author="tests")
    page = visit(accept_downloads=True, locale="en-GB")

    page.goto(f"{console.server}/console/experiments")
    page.get_by_label("Email address").fill("ann@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="welcome").click()
    health = page.locator("section", has=page.locator("#health"))
    assert "Visitors are divided as the published weights say." in health.inner_text()
    assert "do not trust" not in health.inner_text()
    shown = [
        [cell.strip() for cell in row.locator("th, td").all_inner_texts()]
        for row in page.locator("#lift ~ figure table").first.locator("tbody tr").all()
    ]
    with page.expect_download() as saved:
        page.locator('a[href*="arms.csv"]').first.click()
    with saved.value.path().open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if not row["segment"]]
    exported(service, tmp_path)
    again = counted_again(service, tmp_path, now_ms=service.clock())

    counted = [
        dict(zip(table, values, strict=True))
        for table in map(columns, again)
        for values in zip(*table.values(), strict=True)
    ]
    assert len(rows) == len(counted) == 9
    for row, anew in zip(rows, counted, strict=True):
        for name, value in anew.items():
            assert says(row[name], value), (row["arm"], name)
    display = CURRENT.set(Display.of({}, "en-GB"))
    arms = {arm.arm: arm for arm in again[0].arms}
    percent, whole = FILTERS["percent"], FILTERS["whole"]
    assert {row[0] for row in shown} == {*arms}
    for name, units, mean, *further in shown:
        arm = arms[name]
        assert units == whole(arm.units)
        assert mean == FILTERS["amount"](arm.mean, again[0].kind)
        if arm.is_control:
            continue
        if arm.lift is None:
            assert further[0] == "not enough data"
        else:
            assert percent(arm.lift, signed=True) in further[0]
            assert further[1] == FILTERS["range"](arm.lift_interval, again[0].kind)
    assert arms["bold"].lift is not None
    CURRENT.reset(display)


def says(text: str, value: object) -> bool:
    """Whether a cell of the file says a value, up to the order of adding up."""
    if isinstance(value, float):
        return float(text) == pytest.approx(value, rel=1e-9, abs=1e-12)
    return text == ("" if value is None else str(value))
