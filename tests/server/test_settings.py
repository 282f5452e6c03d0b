"""Every setting says where its value comes from, and a wrong one says what is wrong."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byleave.server.commands.program import program
from byleave.server.settings import SettingError, Settings, read_settings


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of our own, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BYLEAVE_{name.upper()}", raising=False)


def test_the_command_line_is_above_the_environment_above_the_file_above_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("byleave.toml").write_text('host = "a"\nport = 1\nlog = "json"\n')
    monkeypatch.setenv("BYLEAVE_HOST", "b")
    monkeypatch.setenv("BYLEAVE_PORT", "2")
    monkeypatch.setenv("BYLEAVE_KEY", "not a setting of the server")

    settings, each = read_settings({"host": "c", "port": None})

    assert (settings.host, settings.port, settings.log, settings.log_level) == (
        "c",
        2,
        "json",
        "info",
    )
    origins = {setting.name: setting.origin for setting in each}
    assert origins["host"] == "command line"
    assert origins["port"] == "environment BYLEAVE_PORT"
    assert origins["log"] == "byleave.toml"
    assert origins["log_level"] == "default"


def test_lists_are_written_with_commas_or_as_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.toml").write_text('trusted_proxies = ["10.0.0.1", "10.0.0.2"]\n')
    monkeypatch.setenv("BYLEAVE_OUTBOUND_ALLOW", "10.0.0.0/8, fd00::/8")

    settings, _ = read_settings(file=Path("other.toml"))

    assert settings.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert settings.outbound_allow == ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prot = 1", "prot"),
        ("port = 70000", "port"),
        ('port = "x"', "port"),
        ('log = "xml"', "log"),
        ('outbound_allow = ["10.0.0.1/8"]', "outbound_allow"),
        ('trusted_proxies = ["proxy"]', "trusted_proxies"),
        ('trusted_proxies = ["10.0.0.1/8"]', "trusted_proxies"),
        ('database = ""', "database"),
        ('host = ""', r"host \(byleave\.toml\)"),
        ("port =", "cannot be read"),
        ('oidc_issuer = "https://id.example"', "oidc_client_id"),
        ('oidc_client_id = "x"', "oidc_issuer"),
        ('oidc_issuer = "id.example"\noidc_client_id = "x"', "https://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(text: str, reason: str) -> None:
    Path("byleave.toml").write_text(text)

    with pytest.raises(SettingError, match=reason):
        read_settings()


def test_what_is_empty_in_the_environment_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"BYLEAVE_{name.upper()}", "")

    settings, each = read_settings()

    assert settings == Settings()
    assert {setting.origin for setting in each} == {"default"}


def test_a_slip_of_the_pen_in_the_environment_is_not_a_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BYLEAVE_SERVICE_PORT", "that of Kubernetes")
    read_settings()
    monkeypatch.setenv("BYLEAVE_DATABSE", "postgresql://me:canary@db/shop")

    with pytest.raises(SettingError) as caught:
        read_settings()

    assert str(caught.value) == "BYLEAVE_DATABSE is no setting. Did you mean BYLEAVE_DATABASE?"


def test_config_prints_values_and_origins_and_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BYLEAVE_DATABASE", "postgresql://me:canary@db/shop")
    monkeypatch.setenv("BYLEAVE_OIDC_ISSUER", "https://id.example")
    monkeypatch.setenv("BYLEAVE_OIDC_CLIENT_ID", "console")
    monkeypatch.setenv("BYLEAVE_OIDC_CLIENT_SECRET", "canary")

    result = CliRunner().invoke(program, ["config"])

    assert result.exit_code == 0
    lines = dict(re.split(r" +=", line, maxsplit=1) for line in result.output.splitlines())
    assert len(lines) == len(Settings.model_fields)
    assert lines["database"] == (" postgresql://me:***@db/shop  (environment BYLEAVE_DATABASE)")
    assert "canary" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "absent.toml"],
        ["doctor", "--config", "absent.toml"],
        ["migrate", "--config", "x"],
    ],
)
def test_a_file_that_is_not_there_ends_the_command(arguments: list[str]) -> None:
    result = CliRunner().invoke(program, arguments)

    assert result.exit_code == 2
    assert "there is no file" in result.output
