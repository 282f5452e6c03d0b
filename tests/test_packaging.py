"""What is installed: the wheel, made from the source distribution, in an empty environment."""

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SHOP = """
import asyncio

from byleave.sdk import Personalise
from byleave.segments import Choice, Consent, Purpose

async def pages(scope, receive, send):
    headers = [(b"content-type", b"text/html; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<p data-byleave-slot=hero>Own</p>"})

async def receive():
    return {"type": "http.request"}

async def send(message):
    print(message.get("body", b"").decode())

def agreed(scope):
    return Consent(choices=dict.fromkeys(Purpose, Choice.GRANTED), source="site")

shop = Personalise(pages, definitions="byleave", secrets=["s" * 32], consent=agreed)
asyncio.run(shop({
    "type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http",
    "headers": [(b"host", b"shop.example"), (b"user-agent", b"Mozilla/5.0 (X11) Firefox/130.0")],
}, receive, send))
"""

DEFINITIONS = """
site: shop
slots: {hero: {kind: content}}
events: {page_view: {purposes: [personalisation, analytics], ttl: 30d}}
goals: {engaged: {event: page_view, kind: conversion, within: 1d}}
---
experiment: welcome
slot: hero
allocate: {policy: fixed, goal: engaged, shares: {control: 0%, warm: 100%}}
goals: {primary: engaged}
variants: {control: site, warm: {html: Swapped}}
"""


def build(source: Path, folder: Path, kind: str) -> Path:
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        kind,
        "--directory",
        str(folder),
    ]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [made] = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("packaging")
    with tarfile.open(build(ROOT, work / "sdist", "sdist")) as archive:
        archive.extractall(work / "source", filter="data")
    [source] = (work / "source").iterdir()
    return build(source, work / "wheel", "wheel")


def test_the_wheel_has_every_file_of_the_four_packages_and_the_example(wheel: Path) -> None:
    tracked = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "segments", "experiments", "sdk", "server"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    packed = set(zipfile.ZipFile(wheel).namelist())

    assert {path.partition("/")[2] for path in tracked} <= packed
    assert "byleave/server/demo/examples/harbour_books/byleave/byleave.yaml" in packed
    assert "byleave/__init__.py" not in packed
    assert not any(name.startswith("tests") for name in packed)


def empty_environment(folder: Path, *installed: str) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *installed],
        check=True,
        capture_output=True,
    )
    return python


@pytest.mark.long
def test_the_wheel_alone_serves_the_demonstration(wheel: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv", f"{wheel}[server]")

    done = subprocess.run(
        [python, "-m", "byleave.server", "demo", "--once", "--json", "--visitors", "40"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )

    assert json.loads(done.stdout.splitlines()[-1])["visitors"] == 40


@pytest.mark.long
def test_the_base_alone_personalises_a_site(wheel: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv", str(wheel), "pyyaml")
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    (tmp_path / "byleave").mkdir()
    (tmp_path / "byleave" / "byleave.yaml").write_text(DEFINITIONS, encoding="utf-8")

    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    done = subprocess.run(
        [python, "shop.py"], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    names = {package["name"].lower() for package in json.loads(listed)}
    assert names - {"pip", "setuptools"} == {
        "byleave",
        "itsdangerous",
        "jinja2",
        "markupsafe",
        "pyyaml",
    }
    assert "<p data-byleave-slot=hero>Swapped</p>" in done.stdout
