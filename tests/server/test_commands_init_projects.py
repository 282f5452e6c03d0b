"""`byleave init` in fresh projects: the lines as printed, one page, and nothing left behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byleave.server.commands.program import program

FASTAPI = """\
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/", response_class=HTMLResponse)
def home() -> str:
    return "<title>Shop</title><h1>Welcome</h1>"
"""
FLASK = """\
from flask import Flask


def create_app() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        return "<title>Shop</title><h1>Welcome</h1>"

    return app
"""
LITESTAR = """\
from litestar import Litestar, MediaType, get


@get("/", media_type=MediaType.HTML)
async def home() -> str:
    return "<title>Shop</title><h1>Welcome</h1>"


app = Litestar(
    [home],
)
"""
QUART = (
    FLASK.replace("flask", "quart").replace("Flask", "Quart").replace("def home", "async def home")
)

ASK_DJANGO = """
import os
import django
from django.test import Client
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()
print(Client().get("/", headers={"host": "localhost", "user-agent": "Mozilla/5.0 (test)"}).text)
"""
ASK_FASTAPI = """
from app import app
from starlette.testclient import TestClient
print(TestClient(app).get("/", headers={"user-agent": "Mozilla/5.0 (test)"}).text)
"""
ASK_FLASK = """
from shop import create_app
print(create_app().test_client().get("/", headers={"user-agent": "Mozilla/5.0 (test)"}).text)
"""
ASK_LITESTAR = """
from litestar.testing import TestClient
from app import app
with TestClient(app) as client:
    print(client.get("/", headers={"user-agent": "Mozilla/5.0 (test)"}).text)
"""
ASK_QUART = """
import asyncio
from shop import create_app
async def ask():
    client = create_app().test_client()
    answer = await client.get("/", headers={"user-agent": "Mozilla/5.0 (test)"})
    return await answer.get_data(as_text=True)
print(asyncio.run(ask()))
"""
PROJECTS = {
    "Django": ({}, ASK_DJANGO, "The install worked successfully! Congratulations!"),
    "FastAPI": ({"app.py": FASTAPI}, ASK_FASTAPI, "Welcome"),
    "Flask": ({"shop/__init__.py": FLASK}, ASK_FLASK, "Welcome"),
    "Litestar": ({"app.py": LITESTAR}, ASK_LITESTAR, "Welcome"),
    "Quart": ({"shop/__init__.py": QUART}, ASK_QUART, "Welcome"),
}


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder; return what it printed."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def add(text: str) -> int:
    """Add the lines that `byleave init` printed, as it says; return how many they are."""
    count = 0
    for name, below, lines in re.findall(
        r"^(\S+), below line (\d+):\n\n((?:.+\n)+)", text, re.MULTILINE
    ):
        file = Path(name)
        old = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join([*old[: int(below)], lines, *old[int(below) :]]), encoding="utf-8")
        count += len(lines.splitlines())
    return count


@pytest.mark.parametrize("framework", PROJECTS)
def test_the_lines_swap_a_block_and_leave_nothing_behind(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, ask, before = PROJECTS[framework]
    monkeypatch.chdir(tmp_path)
    if framework == "Django":
        run(tmp_path, sys.executable, "-m", "django", "startproject", "shop", ".")
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    run(tmp_path, "git", "init", "--quiet")
    run(tmp_path, "git", "add", ".")
    run(tmp_path, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "begin")
    assert f"<h1>{before}</h1>" in run(tmp_path, sys.executable, "-c", ask)

    told = CliRunner().invoke(program, ["init"])

    assert told.exit_code == 0
    assert f"\n{framework}. Add" in told.stdout
    assert 1 <= add(told.stdout) <= 3
    added = run(tmp_path, "git", "diff")
    page = run(tmp_path, sys.executable, "-c", ask)
    assert "<h1>Hello from Byleave</h1>" in page
    assert f"<h1>{before}</h1>" not in page

    (tmp_path / "added.patch").write_text(added, encoding="utf-8")
    run(tmp_path, "git", "apply", "--reverse", "added.patch")
    Path("added.patch").unlink()
    Path("byleave", "byleave.yaml").unlink()
    Path("byleave").rmdir()
    assert run(tmp_path, "git", "diff") == ""
    assert run(tmp_path, "git", "status", "--porcelain") == ""
    assert f"<h1>{before}</h1>" in run(tmp_path, sys.executable, "-c", ask)


def test_djangos_own_check_finds_faults_where_byleave_is_among_the_apps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path, sys.executable, "-m", "django", "startproject", "shop", ".")
    add(CliRunner().invoke(program, ["init"]).stdout)
    with Path("shop", "settings.py").open("a", encoding="utf-8") as settings:
        settings.write('INSTALLED_APPS += ["byleave.sdk.django"]\n')

    def check() -> str:
        command = [sys.executable, "manage.py", "check"]
        return subprocess.run(command, capture_output=True, text=True).stderr

    def with_definitions(old: str, new: str) -> None:
        file = Path("byleave", "byleave.yaml")
        file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")

    sound = check()
    with_definitions("primary:", "primry:")
    faulty = check()
    Path("byleave").rename("elsewhere")
    gone = check()

    assert sound == ""
    assert re.search(
        r"\(byleave\.E001\) .*byleave/byleave\.yaml:\d+:\d+: unknown key 'primry'", faulty
    )
    assert "Traceback" not in faulty
    assert "(byleave.E002) no definitions: there is no folder" in gone


def test_settings_that_compress_keep_it_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.py").write_text(
        'ROOT_URLCONF = "urls"\nMIDDLEWARE = [\n'
        '    "django.middleware.security.SecurityMiddleware",\n'
        '    "django.middleware.gzip.GZipMiddleware",\n'
        '    "django.middleware.common.CommonMiddleware",\n]\n',
        encoding="utf-8",
    )

    told = CliRunner().invoke(program, ["init"]).stdout

    assert 'MIDDLEWARE.insert(2, "byleave.sdk.django.Personalise")' in told
    assert 'BYLEAVE = {"definitions": "byleave", ' in told


@pytest.mark.parametrize(
    "text",
    [
        "print('no site')\n",
        "from flask import Flask\n\n\ndef make():\n    return Flask(__name__)\n",  # has no name
        "from flask import Flask\napp = Flask(\n",  # no Python
        "MIDDLEWARE = ()\nROOT_URLCONF = 'urls'\n",  # a tuple takes no more
    ],
)
def test_a_project_that_is_not_understood_is_told_where_to_look(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.py").write_text(text, encoding="utf-8")

    told = CliRunner().invoke(program, ["init"])

    assert told.exit_code == 0
    assert "No Python application was found" in told.stderr
    assert "byleave proxy byleave --to http://127.0.0.1:3000 --slot hero=h1" in told.stderr
    assert "http.server 3000 --bind 127.0.0.1 --directory FOLDER_OF_HTML" in told.stderr
    assert "keep byleave and byleave.db out of it" in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("framework", ["Flask", "Quart"])
def test_a_project_that_has_the_lines_is_not_told_to_add_them_again(
    framework: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [(name, text)] = PROJECTS[framework][0].items()
    Path(name).parent.mkdir()
    Path(name).write_text(text, encoding="utf-8")
    add(CliRunner().invoke(program, ["init"]).stdout)
    Path("byleave", "byleave.yaml").unlink()

    told = CliRunner().invoke(program, ["init"]).stdout

    assert told == f"\n{framework}. {name} has Byleave already: nothing to add.\n"


def test_names_of_imports_and_environments_are_seen_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".hidden", "env"):
        Path(folder).mkdir()
        Path(folder, "aaa.py").write_text(FASTAPI, encoding="utf-8")
    Path("env", "pyvenv.cfg").touch()
    Path("site.py").write_text(
        "import flask as f\n\nshop: f.Flask = f.Flask(__name__)\n", encoding="utf-8"
    )

    told = CliRunner().invoke(program, ["init"]).stdout

    assert "site.py, below line 3:\n\nPersonalise(shop, definitions=" in told
    assert "site.py, below line 1:\n\nfrom byleave.sdk.wsgi import Personalise\n" in told
