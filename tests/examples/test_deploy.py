"""The files for systemd and containers start the server that we have."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from tests.server.process import Running, started
from typer.testing import CliRunner

from byleave.server.commands.program import program
from byleave.server.routes import ROUTES
from byleave.server.settings import PREFIX, Settings

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
UNIT = (DEPLOY / "byleave.service").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def variables(text: str) -> set[str]:
    return set(re.findall(rf"\b{PREFIX}([A-Z_]+)=", text))


@pytest.mark.parametrize("text", [UNIT, CONTAINER], ids=["systemd", "container"])
def test_what_is_set_is_a_setting(text: str) -> None:
    names = {name.lower() for name in variables(text)}

    assert len(names) >= 2
    assert names <= set(Settings.model_fields)


@pytest.mark.parametrize("line", re.findall(r"^ExecStart(?:Pre)?=(.+)$", UNIT, re.MULTILINE))
def test_what_the_unit_runs_is_a_command_with_these_options(line: str) -> None:
    executable, command, *arguments = shlex.split(line)

    help_text = CliRunner().invoke(program, [command, "--help"], env={"COLUMNS": "200"})

    assert executable == "/opt/byleave/bin/byleave"
    assert help_text.exit_code == 0
    assert all(a in help_text.output for a in arguments if a.startswith("--"))


def placed(text: str, folder: Path) -> str:
    """A line of one of the files, with the places that it names inside a folder."""
    for place in ("/etc/byleave", "%S/byleave", "/definitions", "/state"):
        inside = folder / place.strip("/%").replace("/", "-")
        inside.mkdir(exist_ok=True)
        text = re.sub(rf"(?<![\w/]){re.escape(place)}", str(inside), text)
    return text


def define(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "byleave.yaml").write_text("site: shop\n", encoding="utf-8")


def settings_of(lines: str, folder: Path) -> dict[str, str]:
    found = re.findall(rf"({PREFIX}[A-Z_]+)=(\S+)", placed(lines, folder))
    return {**dict(found), f"{PREFIX}PORT": "0"}


def test_what_the_unit_runs_serves_and_ends_in_the_time_it_gives(tmp_path: Path) -> None:
    define(tmp_path / "etc-byleave" / "definitions")
    (tmp_path / "etc-byleave" / "byleave.toml").write_text("", encoding="utf-8")
    [before] = re.findall(r"^ExecStartPre=\S+ (.+)$", UNIT, re.MULTILINE)
    [start] = re.findall(r"^ExecStart=\S+ (.+)$", UNIT, re.MULTILINE)
    [lines] = re.findall(r"^Environment=(.+)$", UNIT, re.MULTILINE)
    [stop_s] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    environment = settings_of(lines, tmp_path)

    checked = CliRunner().invoke(program, shlex.split(placed(before, tmp_path)))
    with started(shlex.split(placed(start, tmp_path)), tmp_path, environment) as server:
        ready = httpx2.get(f"{server.address}/readyz")
        began_s = monotonic()
        code = server.stop(signal.SIGTERM)
        took_s = monotonic() - began_s

    assert checked.exit_code == 0
    assert ready.status_code == 200
    assert code in (0, -signal.SIGTERM)
    assert took_s < int(stop_s)
    assert (tmp_path / "S-byleave" / "byleave.db").exists()


def test_what_the_container_runs_serves_and_its_check_tells_whether_it_does(
    tmp_path: Path,
) -> None:
    define(tmp_path / "definitions")
    [lines] = re.findall(r"^ENV ((?:.+\\\n)*.+)$", CONTAINER, re.MULTILINE)
    [code] = re.findall(r'"(import urllib.+)"\]$', CONTAINER, re.MULTILINE)
    [command] = re.findall(r'^CMD \["(\w+)"\]$', CONTAINER, re.MULTILINE)

    def check(server: Running) -> int:
        port = server.address.rpartition(":")[2]
        asked = [sys.executable, "-c", code.replace(":8401", f":{port}")]
        return subprocess.run(asked, capture_output=True, check=False).returncode

    with started([command], tmp_path, settings_of(lines, tmp_path)) as server:
        while_it_runs = check(server)
        server.stop(signal.SIGTERM)
        after = check(server)

    assert while_it_runs == 0
    assert after != 0
    assert (tmp_path / "state" / "byleave.db").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "byleave.service"
    unit.write_text(UNIT.replace("/opt/byleave/bin/byleave", "/bin/true"), encoding="utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],  # noqa: S607  # wherever it is
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in verified.stderr.splitlines() if "byleave.service" in line] == []


def test_the_container_asks_a_route_that_needs_no_key_and_is_nobody_in_particular() -> None:
    [asked] = re.findall(r"urlopen\('http://127\.0\.0\.1:8401(/\w+)'", CONTAINER)
    open_paths = {route.path for route in ROUTES if route.roles is None}

    assert asked in open_paths
    assert "USER 10001" in CONTAINER
    assert "--require-hashes" in CONTAINER
    entry = re.findall(r"^(?:ENTRYPOINT|CMD) \[(.+)\]$", CONTAINER, re.MULTILINE)
    assert entry == ['"/opt/byleave/bin/byleave"', '"serve"']
