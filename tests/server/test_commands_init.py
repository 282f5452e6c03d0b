from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program


def byleave(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


@pytest.mark.parametrize("site", ["corner-shop", "24", "true"])
def test_a_first_set_is_sound_and_laid_out_as_fmt_would(tmp_path: Path, site: str) -> None:
    folder = tmp_path / "site" / "byleave"

    written = byleave("init", folder, "--site", site)

    assert written.exit_code == 0
    assert f"\n{site}: 0 segments, 1 experiment, no fault" in byleave("validate", folder).stderr
    assert byleave("validate", folder).exit_code == 0
    assert byleave("fmt", folder, "--check").exit_code == 0


def test_a_first_set_warns_that_it_compares_with_nothing_until_the_control_has_a_share(
    tmp_path: Path,
) -> None:
    byleave("init", tmp_path)
    file = tmp_path / "byleave.yaml"

    warned = byleave("validate", tmp_path)
    file.write_text(
        file.read_text("utf-8").replace("control: 0%, hello: 100%", "control: 10%, hello: 90%")
    )
    compared = byleave("validate", tmp_path)

    assert "warning: control has 0%, so no lift can ever be known" in warned.stderr
    assert "warning" not in compared.stderr


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "byleave.yaml").write_text("site: mine\n", encoding="utf-8")

    result = byleave("init", tmp_path)

    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path / 'byleave.yaml'} is there already; nothing was changed\n"
    assert (tmp_path / "byleave.yaml").read_text(encoding="utf-8") == "site: mine\n"


def test_a_folder_that_cannot_be_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    assert byleave("init", tmp_path / "file" / "byleave").exit_code == 2


@pytest.mark.parametrize("name", ["My Shop", "", "-"])
def test_the_site_needs_a_name(tmp_path: Path, name: str) -> None:
    result = byleave("init", tmp_path, "--site", name)

    assert result.exit_code == 2
    assert "--site: names are lower-case letters" in result.stderr
    assert list(tmp_path.iterdir()) == []
