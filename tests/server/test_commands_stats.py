import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from byleave.experiments.lift.relative import RelativeLift
from byleave.experiments.lift.two_sample import Group, newcombe, two_sample_lift, welch
from byleave.server.commands.program import program

DATA = Path(__file__).resolve().parents[1] / "data"
VECTORS = json.loads((DATA / "lift_vectors.json").read_text(encoding="utf-8"))

Json = Any


def run(command: str, given: str) -> Result:
    return CliRunner().invoke(program, ["stats", command], input=given)


def ask(command: str, given: Json) -> Json:
    result = run(command, json.dumps(given))
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refusal(command: str, given: Json) -> str:
    result = run(command, json.dumps(given))
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.strip()


def beta(*arms: tuple[float, float]) -> list[Json]:
    return [{"alpha": alpha, "beta": beta} for alpha, beta in arms]


def flat(value: Json, path: str = "") -> dict[str, float | None]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {path: value}
    return {k: v for key, item in value.items() for k, v in flat(item, f"{path}/{key}").items()}


def test_best_arm_agrees_with_an_independent_reference() -> None:
    [vector] = VECTORS
    units = [sum(row[arm] for row in vector["counts"]) for arm in range(3)]
    successes = [sum(row[arm] for row in vector["sums"]) for arm in range(3)]
    arms = beta(*((1 + s, 1 + n - s) for n, s in zip(units, successes, strict=True)))

    found = ask("best-arm", {"arms": arms})

    reference = vector["posterior_beta11"]
    assert found["p_best"] == pytest.approx(reference["best"], abs=1e-7)
    assert [ranks[1] for ranks in found["ranks"]] == pytest.approx(reference["second"], abs=1e-7)
    assert found["expected_loss"] == pytest.approx(reference["expected_loss"], abs=1e-7)
    assert found["weights"] == pytest.approx(reference["best"], abs=1e-7)


def test_the_floor_is_added_and_the_rest_follows_the_posterior() -> None:
    found = ask("best-arm", {"arms": beta((10, 90), (20, 80), (15, 85)), "floor": 0.05})

    assert found["weights"] == pytest.approx([0.05 + 0.85 * best for best in found["p_best"]])
    assert sum(found["weights"]) == 1


def test_ranks_of_two_arms_add_up_and_there_is_no_third() -> None:
    found = ask("best-arm", {"arms": [{"mean": 1, "sd": 0.5}, {"mean": 2, "sd": 1}]})

    (first, second, third), (rival_first, rival_second, _) = found["ranks"]
    assert first + second == pytest.approx(1)
    assert (first, second) == pytest.approx((rival_second, rival_first))
    assert third == 0


def test_lower_is_better_where_it_says_so() -> None:
    arms = [{"mean": 1, "sd": 0.5}, {"mean": 2, "sd": 0.5}]

    high, low = (ask("best-arm", {"arms": arms, "better": way}) for way in ("higher", "lower"))

    assert high["p_best"] == pytest.approx(low["p_best"][::-1])
    assert low["p_best"][0] > 0.9


@pytest.mark.parametrize("arm", [{"alpha": 0.5, "beta": 0.5}, {"mean": -3, "sd": 2}])
def test_a_single_arm_is_the_best(arm: Json) -> None:
    found = ask("best-arm", {"arms": [arm], "floor": 0.1})

    assert (found["p_best"], found["weights"], found["ranks"]) == ([1], [1], [[1, 0, 0]])
    assert found["expected_loss"] == [pytest.approx(0, abs=1e-9)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arms": []}, "$.arms: expected at least one arm"),
        ({"arms": [{"alpha": 1, "beta": 1}, {"mean": 1, "sd": 1}]}, "for every arm"),
        ({"arms": [{"alpha": 1, "beta": 0}]}, "expected beta to be one positive number per arm"),
        ({"arms": [{"mean": 1, "sd": -1}]}, "expected sds to be one positive number per arm"),
        ({"arms": [{"alpha": 1}]}, "$.arms[0]: 'beta' is missing"),
        ({"arms": [{"rate": 1}]}, "expected one of alpha, mean"),
        ({"arms": beta((1, 1)), "floor": 1.5}, "$.floor: expected 0 to 1/1, got 1.5"),
        ({"arms": beta((1, 1)), "flour": 0.1}, "Did you mean 'floor'?"),
        ({"arms": beta((1, 1)), "better": "more"}, "$.better: expected one of higher, lower"),
        ([], "expected a mapping, got a list"),
    ],
)
def test_beliefs_that_are_none_are_refused_with_their_place(given: Json, message: str) -> None:
    assert message in refusal("best-arm", given)


def test_lift_equals_the_vectors() -> None:
    [vector] = VECTORS

    found = ask("lift", vector)

    expected = flat(vector["contrasts"])
    got = flat(found["contrasts"])
    assert list(found) == ["contrasts"]
    assert expected.keys() == got.keys()
    for path, value in expected.items():
        if "eb_confidence_sequence" not in path:  # its planned horizon is not stated
            assert got[path] == pytest.approx(value, rel=1e-7), path


def test_a_list_of_aggregates_gives_a_list() -> None:
    one = ask("lift", VECTORS[0])

    assert ask("lift", [VECTORS[0], VECTORS[0]]) == [one, one]
    assert ask("lift", []) == []


def test_what_is_not_read_is_told_on_standard_error() -> None:
    result = run("lift", json.dumps(VECTORS[0] | {"alfa": 0.1}))

    assert "'alfa'" in result.stderr
    assert "alfa" not in result.stdout


FINE = {
    "counts": [[100, 100], [90, 110]],
    "sums": [[10, 20], [9, 22]],
    "sums_sq": [[10, 20], [9, 22]],
    "propensities": [[0.5, 0.5], [0.5, 0.5]],
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sums": None}, "$.sums: expected a list of rows, found nothing"),
        ({"counts": [[100, 100], [90]]}, "$.counts[1]: expected 2 numbers, got 1"),
        ({"counts": "many"}, "$.counts: expected a list, got 'many'"),
        ({"counts": []}, "expected 0 numbers, got 2"),
        ({"counts": [["a", 1], [1, 1]]}, "$.counts[0][0]: expected a number, got 'a'"),
        ({"sums_sq": [[0, 20], [9, 22]]}, "expected at least (sum of outcomes)²/units"),
        ({"alpha": 1.5}, "$.alpha: expected a number between 0 and 1, got 1.5"),
        ({"control": 2}, "$.control: expected the index of an arm, got 2"),
        ({"control": -1}, "$.control: expected the index of an arm, got -1"),
    ],
)
def test_sums_that_cannot_be_are_refused(changed: Json, message: str) -> None:
    assert message in refusal("lift", FINE | changed)


def test_the_sample_ratio_of_the_vectors_has_no_alarm() -> None:
    [vector] = VECTORS

    found = ask("srm", {key: vector[key] for key in ("counts", "propensities")})

    expected = vector["contrasts"]["1_vs_0"]["srm"]
    assert found["wald"] == pytest.approx(expected["wald"], rel=1e-7)
    assert found["p"] == pytest.approx(expected["p"], rel=1e-7)
    assert found["df"] == expected["df"]
    assert found["observed"] == pytest.approx(expected["observed"])
    assert found["expected"] == pytest.approx(expected["expected"])
    assert not found["alert"]
    assert found["e_value"] < 1000


def test_units_that_got_lost_raise_an_alarm() -> None:
    found = ask("srm", {"counts": [[5000, 4000]] * 5, "propensities": [[0.5, 0.5]] * 5})

    assert found["alert"]
    assert found["p"] < 1e-9
    assert found["e_value"] > 1000


def test_weights_that_do_not_add_up_are_refused() -> None:
    message = refusal("srm", {"counts": [[1, 1]], "propensities": [[0.5, 0.6]]})

    assert message == "$.propensities[0]: expected rows adding up to 1, got 1.1"


def test_two_samples_of_conversions_are_compared_in_three_ways() -> None:
    treated, reference = Group(1000, 60, 60), Group(2000, 100, 100)

    found = ask(
        "two-sample",
        {
            "treated": {"n": 1000, "sum": 60},
            "reference": {"n": 2000, "sum": 100},
            "alpha": 0.1,
            "kind": "conversion",
        },
    )

    difference = welch(treated, reference, alpha=0.1)
    rates = newcombe(treated, reference, alpha=0.1)
    relative = two_sample_lift(treated, reference, alpha=0.1)
    assert isinstance(relative, RelativeLift)
    assert found["welch"] == {
        "diff": difference.difference,
        "se": difference.standard_error,
        "df": difference.freedom,
        "ci": [difference.interval.low, difference.interval.high],
        "p": difference.p,
    }
    assert found["newcombe"] == [rates.low, rates.high]
    assert found["relative"] == {
        "lift": relative.estimate,
        "ci": [relative.interval.low, relative.interval.high],
    }


def test_values_have_no_interval_of_rates() -> None:
    group = {"n": 10, "sum": 30, "sum_sq": 100}

    found = ask("two-sample", {"treated": group, "reference": group})

    assert found["newcombe"] is None
    assert found["welch"]["diff"] == 0


def test_a_reference_near_zero_has_no_relative_lift() -> None:
    group = {"n": 10, "sum": 0.1, "sum_sq": 100}

    found = ask("two-sample", {"treated": group, "reference": group})

    assert found["relative"]["lift"] is None
    assert found["relative"]["why"] == "the mean of the reference may well be 0"


def test_outcomes_that_never_vary_have_no_degrees_of_freedom() -> None:
    group = {"n": 10, "sum": 10, "sum_sq": 10}

    assert ask("two-sample", {"treated": group, "reference": group})["welch"]["df"] is None


@pytest.mark.parametrize(
    ("group", "kind", "message"),
    [
        ({"n": 10, "sum": 3}, "value", "$.treated: 'sum_sq' is missing"),
        ({"n": 10, "sum": 30}, "conversion", "expected 0 <= sum = sum_sq <= n"),
        ({"n": 1, "sum": 1, "sum_sq": 1}, "value", "expected at least 2 units"),
        ({"n": 10, "sum": 10, "sum_sq": 1}, "value", "expected the sum of squares"),
        ({"n": 10, "sum": 1, "sum_sq": 1}, "rate", "$.kind: expected one of conversion, value"),
    ],
)
def test_groups_that_cannot_be_are_refused(group: Json, kind: str, message: str) -> None:
    reference = {"n": 10, "sum": 5, "sum_sq": 5}

    given = {"treated": group, "reference": reference, "kind": kind}

    assert message in refusal("two-sample", given)


@pytest.mark.parametrize("command", ["best-arm", "lift", "srm", "two-sample"])
@pytest.mark.parametrize("text", ["", "{", "[NaN]", "[1e99]", "[" * 100_000, '"\\ud800"'])
def test_what_is_no_json_document_is_wrong_use(command: str, text: str) -> None:
    result = run(command, text)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


numbers = st.one_of(
    st.integers(-3, 10**6), st.floats(-1e60, 1e60, allow_nan=False), st.sampled_from([0, 1e-300])
)
rows = st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=3)
halves = st.lists(st.just([0.5, 0.5]), min_size=1, max_size=3)
groups = st.fixed_dictionaries({"n": numbers, "sum": numbers, "sum_sq": numbers})
arms = st.one_of(
    st.lists(st.fixed_dictionaries({"alpha": numbers, "beta": numbers}), max_size=4),
    st.lists(st.fixed_dictionaries({"mean": numbers, "sd": numbers}), max_size=4),
)


@pytest.mark.parametrize(
    ("command", "inputs"),
    [
        ("best-arm", st.fixed_dictionaries({"arms": arms, "floor": numbers})),
        (
            "lift",
            st.fixed_dictionaries(
                {"counts": rows, "sums": rows, "sums_sq": rows, "propensities": halves}
            ),
        ),
        ("srm", st.fixed_dictionaries({"counts": rows, "propensities": halves})),
        ("two-sample", st.fixed_dictionaries({"treated": groups, "reference": groups})),
    ],
)
@settings(max_examples=60)
@given(data=st.data())
def test_any_numbers_are_answered_or_refused(
    command: str, inputs: st.SearchStrategy[Json], data: st.DataObject
) -> None:
    result = run(command, json.dumps(data.draw(inputs)))

    assert result.exit_code in (0, 2), result.exception
    assert (result.stdout == "") == (result.exit_code == 2)
