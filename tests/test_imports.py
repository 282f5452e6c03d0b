"""The deciding path stays light: what a site imports brings no numerics and no server."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "msgspec", "numpy", "pydantic", "scipy", "sqlalchemy", "starlette", "yaml")


@pytest.mark.parametrize("name", ["byleave.segments", "byleave.experiments", "byleave.sdk"])
def test_importing_a_deciding_package_loads_nothing_heavy(name: str) -> None:
    # A fresh interpreter, because this one has long since imported everything.
    code = f"import sys, {name}; print(*sys.modules, sep='\\n')"

    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert name in loaded
    assert [module for module in loaded if module in HEAVY] == []
