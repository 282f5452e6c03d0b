"""The deciding path stays light: what a site imports brings no numerics and no server."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "msgspec", "numpy", "pydantic", "scipy", "sqlalchemy", "starlette", "yaml")


@pytest.mark.parametrize("name", ["byleave.segments", "byleave.experiments", "byleave.sdk"])
def test_importing_a_deciding_package_loads_nothing_heavy(name: str) -> None:
    # A fresh interpreter, because this one has long since imported everything.
    code = f"import sys, {name}; print(*sys.modules, sep='\\n')"

    loaded = said(code)

    assert name in loaded
    assert [module for module in loaded if module in HEAVY] == []


def test_segments_need_the_standard_library_alone() -> None:
    code = """
import pkgutil, sys
known = set(sys.modules)
import byleave.segments
for module in pkgutil.walk_packages(byleave.segments.__path__, "byleave.segments."):
    __import__(module.name)
print(*{name.partition(".")[0] for name in sys.modules if name not in known})
"""

    loaded = {name for name in said(code) if not name.startswith("_")}

    assert loaded - sys.stdlib_module_names == {"byleave"}


def said(code: str) -> list[str]:
    """Return the words that code prints in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
