from typing import Any

import numpy as np
import pytest
from scipy import stats

from byleave.experiments.lift.off_policy import (
    LEAST_EFFECTIVE,
    LoggedDecisions,
    OffPolicyError,
    OffPolicyValue,
    TooFewInCommon,
    UnseenArm,
    off_policy_value,
)

LOGGING = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
RATES = np.array([[0.10, 0.20, 0.05], [0.30, 0.10, 0.25]])
OTHER = np.array([[0.1, 0.8, 0.1], [0.6, 0.0, 0.4]])
SHARE = np.array([0.6, 0.4])
TRUTH = float(SHARE @ (OTHER * RATES).sum(axis=1))


def logged(seed: int, count: int = 2_000) -> LoggedDecisions:
    """Decisions of a policy that prefers the wrong arms, in two contexts."""
    rng = np.random.default_rng(seed)
    context = rng.choice(2, size=count, p=SHARE)
    arm = (rng.random(count)[:, np.newaxis] > LOGGING.cumsum(axis=1)[context]).sum(axis=1)
    return LoggedDecisions(
        arm=arm,
        context=context,
        propensity=LOGGING[context, arm],
        reward=(rng.random(count) < RATES[context, arm]).astype(float),
    )


def valued(log: LoggedDecisions, policy: Any = OTHER) -> OffPolicyValue:
    found = off_policy_value(log, policy)
    assert isinstance(found, OffPolicyValue)
    return found


def test_each_method_finds_the_truth_and_its_interval_covers_it() -> None:
    runs = [valued(logged(seed)) for seed in range(400)]

    for method in ("ips", "snips", "doubly_robust"):
        estimates = [getattr(run, method) for run in runs]
        values = np.array([estimate.value for estimate in estimates])
        errors = np.array([estimate.standard_error for estimate in estimates])
        covered = np.mean([TRUTH in estimate.interval for estimate in estimates])
        assert abs(values.mean() - TRUTH) < 4 * values.std() / np.sqrt(len(runs)), method
        assert errors.mean() == pytest.approx(values.std(), rel=0.12), method
        assert 0.92 <= covered <= 0.98, method


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    for alpha in (0.05, 0.2):
        run = off_policy_value(logged(1), OTHER, alpha=alpha)
        assert isinstance(run, OffPolicyValue)
        for estimate in (run.ips, run.snips, run.doubly_robust):
            expected = stats.norm.interval(1 - alpha, estimate.value, estimate.standard_error)
            assert [estimate.interval.low, estimate.interval.high] == pytest.approx(expected)


def test_a_model_of_the_rewards_makes_it_narrower() -> None:
    runs = [valued(logged(seed)) for seed in range(50)]

    ips, snips, robust = (
        np.mean([getattr(run, method).standard_error for run in runs])
        for method in ("ips", "snips", "doubly_robust")
    )

    assert robust < snips < ips


def test_a_wrong_model_does_no_harm_on_average() -> None:
    # Contexts that follow each other in blocks, so that no fold is like the others.
    rng = np.random.default_rng(1)
    values = []
    for seed in range(200):
        log = logged(seed, 1_000)
        order = np.argsort(log.context + rng.random(len(log.arm)) / 2)
        values.append(
            valued(
                LoggedDecisions(
                    arm=log.arm[order],
                    context=np.zeros_like(log.arm),
                    propensity=log.propensity[order],
                    reward=log.reward[order],
                ),
                [[0.5, 0.5, 0.0]],
            ).doubly_robust.value
        )

    truth = float(SHARE @ RATES[:, :2].mean(axis=1))
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / np.sqrt(len(values))


def test_the_policy_that_was_followed_earned_what_it_earned() -> None:
    log = logged(3)

    found = valued(log, LOGGING)

    assert found.effective == pytest.approx(len(log.arm))
    assert found.largest_weight == pytest.approx(1)
    assert found.ips.value == pytest.approx(log.reward.mean())
    assert found.snips.value == pytest.approx(found.logged)


def test_by_hand() -> None:
    log = LoggedDecisions(
        arm=np.tile([0, 0, 1, 1], 50),
        context=np.zeros(200, dtype=np.int64),
        propensity=np.full(200, 0.5),
        reward=np.tile([0.0, 1.0, 1.0, 1.0], 50),
    )

    found = valued(log, [[0.2, 0.8]])

    assert (found.decisions, found.logged) == (200, 0.75)
    assert found.effective == pytest.approx(200**2 / (100 * (0.4**2 + 1.6**2)))
    assert found.largest_weight == pytest.approx(1.6)
    assert found.ips.value == pytest.approx(0.2 * 0.5 + 0.8 * 1.0)
    assert found.snips.value == pytest.approx(0.9)
    assert found.doubly_robust.value == pytest.approx(0.9, abs=0.01)


def test_few_decisions_in_common_are_refused() -> None:
    refused = off_policy_value(logged(5, 400), [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])

    assert isinstance(refused, TooFewInCommon)
    assert refused.decisions == 400
    assert 1 < refused.effective < 100


def test_as_many_in_common_as_are_needed_are_enough() -> None:
    for count, kind in ((LEAST_EFFECTIVE, OffPolicyValue), (LEAST_EFFECTIVE - 2, TooFewInCommon)):
        log = LoggedDecisions(
            arm=np.tile([0, 1], int(count) // 2),
            context=np.zeros(int(count), dtype=np.int64),
            propensity=np.full(int(count), 0.5),
            reward=np.tile([0.0, 1.0], int(count) // 2),
        )
        assert isinstance(off_policy_value(log, [[0.5, 0.5]]), kind)


def test_an_empty_log_is_refused() -> None:
    nothing = np.zeros(0)
    none = np.zeros(0, dtype=np.int64)

    refused = off_policy_value(
        LoggedDecisions(arm=none, context=none, propensity=nothing, reward=nothing), [[1.0]]
    )

    assert refused == TooFewInCommon(decisions=0, effective=0.0)


def test_an_arm_that_was_never_drawn_in_a_context_is_refused() -> None:
    log = logged(6)
    kept = (log.arm != 2) | (log.context != 1)
    partial = LoggedDecisions(
        arm=log.arm[kept],
        context=log.context[kept],
        propensity=log.propensity[kept],
        reward=log.reward[kept],
    )

    assert off_policy_value(partial, OTHER) == UnseenArm(context=1, arm=2)


def test_a_context_that_never_occurred_may_have_any_policy() -> None:
    found = valued(logged(7), [*OTHER, [0.0, 0.0, 1.0]])

    assert found == valued(logged(7), OTHER)


@pytest.mark.parametrize(
    "policy",
    [[[0.5, 0.5, 0.5]] * 2, [[-0.5, 1.0, 0.5]] * 2, [1.0, 0.0, 0.0], [[0.5, 0.5]] * 2, [[1, 0, 0]]],
)
def test_a_policy_that_is_none_is_refused(policy: Any) -> None:
    with pytest.raises(OffPolicyError, match="policy: expected"):
        off_policy_value(logged(8), policy)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reward": np.zeros(3)}, "reward: expected one number for each decision"),
        ({"reward": np.array([1.0, np.nan])}, "reward: expected finite numbers"),
        ({"propensity": np.array([0.5, 0.0])}, "propensity: expected shares above 0"),
        ({"propensity": np.array([0.5, 1.1])}, "propensity: expected shares above 0"),
        ({"arm": np.array([0, -1])}, "expected indexes from 0 on"),
        ({"context": np.array([-1, 0])}, "expected indexes from 0 on"),
    ],
)
def test_a_log_that_cannot_be_is_refused(changed: Any, message: str) -> None:
    whole: Any = {
        "arm": np.array([0, 1]),
        "context": np.array([0, 0]),
        "propensity": np.array([0.5, 0.5]),
        "reward": np.array([1.0, 0.0]),
    }

    with pytest.raises(OffPolicyError, match=message):
        LoggedDecisions(**(whole | changed))
