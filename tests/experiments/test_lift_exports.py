import importlib
import subprocess
import sys

import pytest

PACKAGES = ["byleave.experiments.allocation", "byleave.experiments.lift"]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_exported_name_exists(name: str) -> None:
    package = importlib.import_module(name)

    missing = [exported for exported in package.__all__ if not hasattr(package, exported)]
    assert missing == []


@pytest.mark.parametrize("name", PACKAGES)
def test_the_estimators_load_no_more_of_scipy_than_special_functions(name: str) -> None:
    code = f"import sys, {name}; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "scipy.special" in loaded
    assert not {"scipy.stats", "scipy.optimize", "scipy.integrate"} & set(loaded)
