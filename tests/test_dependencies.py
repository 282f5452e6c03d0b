"""Every dependency is locked, and documented with its reason."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[^\w-]", requirement, maxsplit=1)[0] for requirement in requirements}
    return names - {project["name"]}


def test_the_documentation_gives_a_reason_for_exactly_the_declared_dependencies() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^\| ([\w-]+) \| .+ \|$", page, flags=re.MULTILINE))

    assert explained - {"package"} == declared()


def test_every_declared_dependency_is_locked() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    locked = set(re.findall(r"^([\w-]+)(?:\[[\w,]+\])?==", lock, flags=re.MULTILINE))

    assert declared() - locked == set()


def test_a_site_installs_only_two_packages() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert pyproject["project"]["dependencies"] == ["itsdangerous>=2.2", "jinja2>=3.1"]
