import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from byleave.experiments.allocation import beats, beta_posterior, compare_arms
from byleave.experiments.lift import StrataError, contrasts

# Computed by an independent reference of the same formulas.
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "lift_vectors.json").read_text()
)

VALID: dict[str, Any] = {
    "counts": [[50, 50], [40, 60]],
    "sums": [[5, 9], [4, 6]],
    "sums_sq": [[5, 9], [4, 6]],
    "propensities": [[0.5, 0.5], [0.4, 0.6]],
}


def leaves(tree: Any, path: str = "") -> dict[str, Any]:
    """Every number of nested data by its path."""
    if isinstance(tree, list):
        tree = dict(enumerate(tree))
    if not isinstance(tree, dict):
        return {path: tree}
    return {k: v for key, part in tree.items() for k, v in leaves(part, f"{path}/{key}").items()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_estimator_equals_the_reference(vector: dict[str, Any]) -> None:
    result = leaves(contrasts(vector))

    expected = leaves(vector["contrasts"])
    assert result.keys() == expected.keys()
    assert result == pytest.approx(expected, rel=1e-7, abs=1e-15)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_posterior_figure_equals_the_reference(vector: dict[str, Any]) -> None:
    posterior = beta_posterior(np.sum(vector["sums"], axis=0), np.sum(vector["counts"], axis=0))

    comparison = compare_arms(posterior)

    expected = vector["posterior_beta11"]
    assert comparison.best == pytest.approx(expected["best"], rel=1e-7)
    assert comparison.second == pytest.approx(expected["second"], rel=1e-7)
    assert comparison.expected_loss == pytest.approx(expected["expected_loss"], rel=1e-7)
    for arm in range(1, len(comparison.best)):
        assert beats(posterior, arm=arm) == pytest.approx(expected["beats_control"][arm], rel=1e-7)


def test_alpha_and_control_have_defaults_and_can_be_given() -> None:
    narrow = contrasts(VALID)["1_vs_0"]
    wide = contrasts(VALID | {"alpha": 0.01, "control": 1})["0_vs_1"]

    assert wide["epoch_stratified"]["diff"] == pytest.approx(-narrow["epoch_stratified"]["diff"])
    assert wide["epoch_stratified"]["ci_fixed"][0] < -narrow["epoch_stratified"]["ci_fixed"][1]


def test_what_cannot_be_computed_is_none() -> None:
    nothing = [[0.0, 0.0]]

    result = contrasts(
        VALID
        | dict.fromkeys(("counts", "sums", "sums_sq"), nothing)
        | {"propensities": [[0.5, 0.5]]}
    )["1_vs_0"]

    for name in (
        "pooled_naive",
        "epoch_stratified",
        "period_weighted",
        "aipw_uniform",
        "eb_confidence_sequence",
    ):
        assert result[name] is None


def test_a_control_without_outcomes_has_no_relative_lift() -> None:
    result = contrasts(VALID | {"sums": [[0, 9], [0, 6]], "sums_sq": [[0, 9], [0, 6]]})["1_vs_0"]

    assert result["epoch_stratified"]["lift"] is None
    assert result["epoch_stratified"]["lift_fieller_fixed"] is None


def test_unbounded_outcomes_have_no_guaranteed_interval() -> None:
    result = contrasts(VALID | {"sums_sq": [[20, 90], [16, 60]]})["1_vs_0"]

    assert result["eb_confidence_sequence"] is None
    assert result["epoch_stratified"] is not None


@pytest.mark.parametrize("name", VALID)
def test_a_missing_list_is_named(name: str) -> None:
    with pytest.raises(StrataError, match=f"{name}: expected a list of rows"):
        contrasts({key: value for key, value in VALID.items() if key != name})
