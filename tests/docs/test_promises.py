"""Every promise names what shows it, and that is there."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_what_shows_a_promise_exists(page_at: Any) -> None:
    page = page_at("docs/reference/promises.md")
    headings = re.findall(r"^## .+$", page.text, flags=re.MULTILINE)
    missing = []
    for promise, shown_by, profile in (row for heading in headings for row in page.table(heading)):
        assert profile in ("test", "long", "bench", "certify"), promise
        named = re.findall(r"`([^`]+)`", shown_by)
        assert named, promise
        for name in named:
            file, _, test = name.partition("::")
            path = ROOT / file
            if not path.exists() or (test and f"def {test}(" not in path.read_text("utf-8")):
                missing.append(name)

    assert missing == []
