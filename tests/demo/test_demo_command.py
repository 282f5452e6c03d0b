"""`byleave demo` as somebody runs it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byleave.server.commands.program import program
from byleave.server.listening import listen

PORTS = ("--site-port", "0", "--server-port", "0")


def test_once_prints_one_json_object_last_and_exits_with_0() -> None:
    done = CliRunner().invoke(
        program, ["demo", "--once", "--json", "--seed", "4", "--visitors", "40"]
    )

    assert done.exit_code == 0
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["visitors"] == 40
    assert set(found) == {"visitors", "pages", "not_enrolled", "experiments"}


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with listen(0) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(program, ["demo", "--site-port", port, "--server-port", "0"])

    assert done.exit_code == 1
    assert f"port {port} is in use" in done.stderr


def test_a_folder_with_faults_is_told_and_nothing_is_served(tmp_path: Path) -> None:
    (tmp_path / "byleave.yaml").write_text("site: shop\nholdout: lots\n")

    done = CliRunner().invoke(
        program, ["serve", str(tmp_path), "--database", str(tmp_path / "shop.db")]
    )

    assert done.exit_code == 1
    assert "byleave.yaml:2:1" in done.stderr
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_over_http_the_shop_and_the_results_stay_open_until_it_is_stopped(
    stop: signal.Signals,
) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "byleave.server", "demo", "--visitors", "25", *PORTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if line.startswith("Visitors are simulated"):
                break
        told = "".join(lines)
        assert "25 simulated visitors" in told
        assert " 0 failed" in told
        assert told.count("The results:  http://127.0.0.1:") == 2
        assert demo.poll() is None
    finally:
        demo.send_signal(stop)
        demo.wait(timeout=30)
        if demo.stdout is not None:
            demo.stdout.close()
    assert demo.returncode == 0
