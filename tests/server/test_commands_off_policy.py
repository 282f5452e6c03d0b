import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

RATES = {"control": 0.1, "proof": 0.3}


def run(*arguments: str | Path, given: str = "") -> Result:
    command = ["stats", "off-policy", *map(str, arguments)]
    return CliRunner().invoke(program, command, input=given)


def csv_of(rows: list[dict[str, Any]]) -> str:
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    """Two thousand decisions of a policy that shows the better arm to few."""
    chance = Random(1)
    made = []
    for number in range(2_000):
        context = "old" if number % 4 else "new"
        weights = {"control": 0.8, "proof": 0.2}
        [arm] = chance.choices([*weights], [*weights.values()])
        made.append(
            {
                "arm": arm,
                "propensity": weights[arm],
                "reward": int(chance.random() < RATES[arm]),
                "context": context,
                "note": "not read",
            }
        )
    return made


@pytest.fixture
def log(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    file = tmp_path / "log.csv"
    file.write_text(csv_of(rows), encoding="utf-8")
    return file


def test_another_policy_is_estimated_in_three_ways(log: Path) -> None:
    result = run(log, "--policy", '{"control": 0, "proof": 1}')

    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["decisions"] == 2_000
    assert found["largest_weight"] == pytest.approx(5)
    assert found["effective"] < 500
    assert found["logged"] < 0.2
    for method in ("ips", "snips", "doubly_robust"):
        low, high = found[method]["ci"]
        assert low < RATES["proof"] < high
        assert low < found[method]["value"] < high
        assert found[method]["se"] > 0


def test_the_log_may_come_on_standard_input_and_the_policy_from_a_file(
    log: Path, tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text('{"control": 0.5, "proof": 0.5}', encoding="utf-8")

    marked = tmp_path / "marked.csv"
    marked.write_text(log.read_text("utf-8"), encoding="utf-8-sig")

    from_file = run(log, "--policy", '{"control": 0.5, "proof": 0.5}')
    from_marked = run(marked, "--policy", '{"control": 0.5, "proof": 0.5}')
    from_input = run("-", "--policy", tmp_path / "policy.json", given=log.read_text("utf-8"))

    assert from_file.stdout == from_marked.stdout == from_input.stdout
    assert from_file.exit_code == 0


def test_a_policy_may_differ_between_contexts(log: Path) -> None:
    shares = {"old": {"proof": 1}, "new": {"control": 1}}

    found = json.loads(run(log, "--policy", json.dumps(shares)).stdout)

    expected = 0.75 * RATES["proof"] + 0.25 * RATES["control"]
    assert found["doubly_robust"]["value"] == pytest.approx(expected, abs=0.06)


def test_a_higher_error_level_gives_a_narrower_interval(log: Path) -> None:
    def width(*options: str) -> float:
        low, high = json.loads(run(log, "--policy", '{"proof": 1}', *options).stdout)["ips"]["ci"]
        return float(high - low)

    assert width("--alpha", "0.5") < width()


def test_a_log_that_says_too_little_is_refused_as_a_result(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    file = tmp_path / "short.csv"
    file.write_text(csv_of(rows[:200]), encoding="utf-8")

    result = run(file, "--policy", '{"proof": 1}')

    assert result.exit_code == 1
    refused = json.loads(result.stdout)
    assert refused["decisions"] == 200
    assert refused["refused"].endswith(" for this policy; at least 100 are needed")


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"finder": 1}, "arm 'finder' was never drawn in context 'new'"),
        (
            {"old": {"proof": 1}, "new": {"finder": 1}},
            "arm 'finder' was never drawn in context 'new'",
        ),
    ],
)
def test_an_arm_that_was_never_drawn_is_refused_as_a_result(
    log: Path, policy: Any, why: str
) -> None:
    result = run(log, "--policy", json.dumps(policy))

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"decisions": 2_000, "refused": why}


def test_without_contexts_the_words_name_none() -> None:
    given = "arm,propensity,reward\na,0.5,1\n"

    result = run("-", "--policy", '{"b": 1}', given=given)

    assert json.loads(result.stdout)["refused"] == "arm 'b' was never drawn"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "-: expected columns arm, propensity, reward; missing: arm, propensity, reward"),
        ("arm,reward\n", "missing: propensity"),
        ("arm,propensity,reward\n", "-: no decision in it"),
        ("arm,propensity,reward\na,0.5,1\na,x,1\n", "-:3: propensity: expected a number, got 'x'"),
        ("arm,propensity,reward\na,0,1\n", "-:2: propensity: expected a number above 0"),
        ("arm,propensity,reward\na,1.5,1\n", "-:2: propensity: expected a number above 0"),
        ("arm,propensity,reward\na,nan,1\n", "-:2: propensity: expected a number above 0"),
        ("arm,propensity,reward\na,0.5,inf\n", "-:2: reward: expected a number finite"),
        ("arm,propensity,reward\na,0.5\n", "-:2: reward: expected a number, got None"),
        ("arm,propensity,reward\n,0.5,1\n", "-:2: arm: expected a name"),
    ],
)
def test_a_log_that_cannot_be_is_refused_with_its_line(given: str, message: str) -> None:
    result = run("-", "--policy", '{"a": 1}', given=given)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "--policy: expected JSON"),
        ("nowhere.json", "--policy: nowhere.json: No such file or directory"),
        ('{"proof": 0.5}', "--policy: policy: expected for each context shares that add up to 1"),
        ('{"proof": "all"}', "$.proof: expected a number, got 'all'"),
        ('{"old": {"proof": 1}}', "--policy: expected shares for the context 'new', too"),
    ],
)
def test_a_policy_that_is_none_is_wrong_use(log: Path, policy: str, message: str) -> None:
    result = run(log, "--policy", policy)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    result = run(tmp_path / "log.csv", "--policy", "{}")

    assert (result.exit_code, result.stderr) == (
        2,
        f"{tmp_path / 'log.csv'}: No such file or directory\n",
    )


def test_a_file_that_is_not_text_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"arm,propensity,reward\n\xff,1,1\n")

    result = run(tmp_path / "log.csv", "--policy", "{}")

    assert result.exit_code == 2
    assert "not readable as CSV" in result.stderr


def test_without_duckdb_parquet_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['duckdb'] = None; import byleave.server.__main__ as m"
    command = ["stats", "off-policy", str(tmp_path / "log.parquet"), "--policy", "{}"]

    done = subprocess.run(
        [sys.executable, "-c", f"{code}; m.main()", *command], capture_output=True, text=True
    )

    assert done.returncode == 2
    assert done.stderr == (
        "reading Parquet needs DuckDB: pip install 'byleave[analytics]', or hand in CSV\n"
    )


def test_parquet_says_the_same_as_csv(log: Path, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        columns = connection.read_csv(str(log), all_varchar=True)
        columns.write_parquet(str(tmp_path / "log-1-.parquet"))
    (tmp_path / "log-1-.parquet").rename(tmp_path / "log[1].parquet")
    (tmp_path / "broken.parquet").write_bytes(b"no such thing")

    same = run(tmp_path / "log[1].parquet", "--policy", '{"proof": 1}')
    broken = run(tmp_path / "broken.parquet", "--policy", '{"proof": 1}')
    missing = run(tmp_path / "none.parquet", "--policy", '{"proof": 1}')

    assert same.stdout == run(log, "--policy", '{"proof": 1}').stdout
    assert broken.exit_code == 2
    assert "not readable as Parquet" in broken.stderr
    assert missing.exit_code == 2
    assert "No such file" in missing.stderr
