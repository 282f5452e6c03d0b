"""The frameworks' own tests, from their release archives, with our middleware inserted.

A site without slots must not notice it. What fails with it must fail without it as well, as some
tests do where they run as root, or without a package that only that suite needs.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

PLUGIN = """
import os

import _pytest.monkeypatch

from byleave.experiments import Definitions

OPTIONS = {"definitions": Definitions(site="suite"), "secrets": ["a secret of sixteen bytes"]}


def starlette():
    from starlette import testclient

    from byleave.sdk import Personalise

    begin = testclient.TestClient.__init__

    def begin_wrapped(self, app, *args, **named):
        begin(self, app, *args, **named)
        self.app = Personalise(self.app, **OPTIONS)
        self._transport.app = self.app

    testclient.TestClient.__init__ = begin_wrapped


def flask():
    import flask

    from byleave.sdk.wsgi import Personalise

    def call(self, environ, start_response):
        return Personalise(self.wsgi_app, **OPTIONS)(environ, start_response)

    flask.Flask.__call__ = call


if not hasattr(_pytest.monkeypatch, "notset"):  # the name that Flask's tests know it by
    _pytest.monkeypatch.notset = _pytest.monkeypatch.NOTSET
if name := os.environ.get("INSERTED_INTO"):
    globals()[name]()
"""
BACKENDS = {"starlette": "hatchling/build.py", "flask": "flit_core/buildapi.py"}
BACKEND = """
from pathlib import Path

def prepare_metadata_for_build_wheel(folder, settings=None):
    Path(folder, "{name}.dist-info").mkdir()
    text = "Metadata-Version: 2.1\\nName: {project}\\nVersion: {version}\\n"
    Path(folder, "{name}.dist-info", "METADATA").write_text(text)
    return "{name}.dist-info"
"""


def suite(project: str, folder: Path) -> Path:
    """Fetch and unpack the archive of the installed release, or skip without a network."""
    version = importlib.metadata.version(project)
    name = f"{project}-{version}"
    module = folder / "stand_in" / BACKENDS[project]
    module.parent.mkdir(parents=True)
    module.with_name("__init__.py").touch()
    module.write_text(BACKEND.format(name=name, project=project, version=version))
    command = ("download", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, f"{project}=={version}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "stand_in")},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("pip download failed: no network?")
    subprocess.run(["tar", "xzf", f"{name}.tar.gz"], cwd=folder, check=True)  # noqa: S607
    return folder / name


def outcomes(tree: Path, plugins: Path, *, inserted_into: str, only: list[str]) -> dict[str, str]:
    """Run a suite's tests; return what came of each."""
    options = ("-p", "inserted", "-p", "no:cacheprovider", "-v", "-k", "not trio")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--continue-on-collection-errors", *only],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(plugins), "INSERTED_INTO": inserted_into},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(tests/\S+::.*?) (PASSED|FAILED|ERROR)\b", done.stdout, re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize(("project", "least"), [("starlette", 500), ("flask", 400)])
def test_a_frameworks_own_tests_pass_with_the_middleware(
    project: str, least: int, tmp_path: Path
) -> None:
    tree = suite(project, tmp_path)
    (tmp_path / "inserted.py").write_text(PLUGIN)

    found = outcomes(tree, tmp_path, inserted_into=project, only=["tests"])

    bad = [name for name, outcome in found.items() if outcome != "PASSED"]
    alone = outcomes(tree, tmp_path, inserted_into="", only=bad) if bad else {}
    assert [name for name in bad if alone.get(name) == "PASSED"] == []
    assert list(found.values()).count("PASSED") > least
