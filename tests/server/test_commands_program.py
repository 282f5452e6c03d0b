import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from byleave.server.commands.program import program

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")

#: What a page of its own and its tests run.
RUN_ELSEWHERE = {"byleave serve", "byleave demo"}


def commands(group: Any, name: str = "byleave") -> Iterator[tuple[str, Any]]:
    for key, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {key}")
        else:
            yield f"{name} {key}", command


COMMANDS = dict(commands(get_command(program)))


def section(name: str) -> str:
    """Return what the reference says of a command."""
    _, found, rest = PAGE.partition(f"\n## {name}\n")
    assert found, f"{name} has no heading in the reference"
    return rest.partition("\n## ")[0]


def without_output(text: str) -> str:
    """A section without what its commands print, which may name options of others."""
    return re.sub(
        r"^```console\n.*?^```$",
        lambda block: "\n".join(re.findall(r"^\$ .*$", block[0], re.MULTILINE)),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def test_the_program_tells_its_version() -> None:
    told = CliRunner().invoke(program, ["--version"])

    assert (told.exit_code, told.stdout) == (0, f"byleave {version('byleave')}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_command_with_every_option(name: str) -> None:
    options = {
        option
        for parameter in COMMANDS[name].params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }

    described = set(re.findall(r"(?<=[`\s])--[a-z][a-z-]*", without_output(section(name))))

    assert described == options


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - RUN_ELSEWHERE))
def test_the_reference_shows_every_command_at_work(name: str) -> None:
    blocks = re.findall(r"^```console\n(.*?)^```$", section(name), re.MULTILINE | re.DOTALL)

    assert any(re.search(rf"^\$ .*{name}\b", block, re.MULTILINE) for block in blocks)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_in_a_sentence_what_it_does(name: str) -> None:
    result = CliRunner().invoke(program, [*name.split()[1:], "--help"])

    assert result.exit_code == 0
    assert COMMANDS[name].help.partition("\n\n")[0].strip().endswith(".")


@pytest.mark.parametrize("arguments", [[], ["stats"], ["consent"]])
def test_without_a_command_it_shows_what_there_is(arguments: list[str]) -> None:
    result = CliRunner().invoke(program, arguments)

    assert result.exit_code == 2
    assert "Commands" in result.output


@pytest.mark.parametrize("arguments", [["validat"], ["stats", "lifts"], ["validate", "--quick"]])
def test_what_does_not_exist_is_wrong_use(arguments: list[str]) -> None:
    result = CliRunner().invoke(program, arguments)

    assert (result.exit_code, result.stdout) == (2, "")
