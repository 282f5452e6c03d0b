"""The documentation can be made into pages, without a warning."""

import subprocess
import sys
from pathlib import Path
from typing import Any


def test_sphinx_makes_every_page_and_warns_of_nothing(pages: list[Any], tmp_path: Path) -> None:
    docs = Path(pages[0].path).parent / "docs"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]

    done = subprocess.run([*command, docs, tmp_path], capture_output=True, text=True)

    made = {path.relative_to(tmp_path).with_suffix(".md") for path in tmp_path.rglob("*.html")}
    assert done.returncode == 0, done.stderr
    assert {page.path.relative_to(docs) for page in pages[1:]} <= made
