"""Rules about the tree itself that no linter knows."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("segments", "experiments", "sdk", "server")
FRONT_DOORS = (
    *(f"byleave.{package}" for package in PACKAGES),
    "byleave.experiments.allocation",
    "byleave.experiments.lift",
    "byleave.experiments.simulation",
)
CONFIGURATION = ("requirements.lock", "pyproject.toml", "Makefile", ".ci/run")
LONGEST_FILE = 400


@pytest.mark.parametrize("package", PACKAGES)
def test_a_namespace_folder_holds_no_module(package: str) -> None:
    modules = list((ROOT / package / "byleave").glob("*.py*"))

    assert modules == [], "a module here, above all an __init__.py, hides the other packages"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_tells_type_checkers_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "byleave" / package / "py.typed").is_file()


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_a_front_door_lists_exactly_what_it_offers(name: str) -> None:
    module = importlib.import_module(name)

    offered = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_") and not isinstance(value, ModuleType)
    }

    assert len(module.__all__) == len(set(module.__all__))
    assert set(module.__all__) == offered


def test_no_python_file_is_too_long_to_read() -> None:
    folders = (*PACKAGES, "tests", "benchmarks", "examples")
    lengths = {
        path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n")
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }

    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("name", CONFIGURATION)
def test_configuration_names_no_machine_and_no_package_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    found = re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|/(?:root|home|Users)/", text)

    assert found == []
    assert str(ROOT) not in text


def test_every_locked_requirement_is_pinned_and_hashed() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    requirements = lock.replace("\\\n", "").splitlines()

    assert len(requirements) > 0
    assert [line for line in requirements if "==" not in line or "--hash=sha256:" not in line] == []
