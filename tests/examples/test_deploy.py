"""The files for systemd and containers start the server that we have."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
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
