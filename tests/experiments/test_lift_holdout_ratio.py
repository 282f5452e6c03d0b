import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from byleave.experiments.lift import holdout_ratio


@pytest.mark.parametrize(("personalised", "held_out"), [(950, 50), (950, 20), (4_000, 300)])
def test_the_evidence_is_the_binomial_likelihood_mixed_over_shares(
    personalised: int, held_out: int
) -> None:
    share = 0.05
    units = personalised + held_out
    prior = stats.beta(200 * share, 200 * (1 - share))
    mixed, _ = integrate.quad(
        lambda h: prior.pdf(h) * stats.binom.pmf(held_out, units, h), 0, 1, points=[share, 0.08]
    )
    evidence = mixed / stats.binom.pmf(held_out, units, share)

    p = holdout_ratio(personalised, (held_out, held_out), share=share)

    assert p == pytest.approx(min(1 / evidence, 1.0), rel=1e-6)


def test_looking_every_day_raises_next_to_no_false_alarm() -> None:
    alarms = [_least_p(seed, lost=0.0) for seed in range(1_000)]

    assert np.mean(np.array(alarms) < 0.05) <= 0.05
    assert sum(p < 0.001 for p in alarms) <= 3


def test_a_holdout_that_loses_a_tenth_is_found() -> None:
    assert np.mean([_least_p(seed, lost=0.1) < 0.001 for seed in range(100)]) >= 0.9


def _least_p(seed: int, *, lost: float) -> float:
    """The least p-value of 60 daily looks at 1,000 visitors a day, a tenth of them held out."""
    rng = np.random.default_rng(seed)
    held_out = rng.binomial(1_000, 0.1, size=60)
    arrived = np.cumsum(rng.binomial(held_out, 1 - lost))
    personalised = np.cumsum(1_000 - held_out)
    return min(
        holdout_ratio(float(n), (float(x), float(x)), share=0.1)
        for n, x in zip(personalised, arrived, strict=True)
    )


@given(
    st.floats(2, 1e7), st.floats(0, 1e6), st.floats(0, 1e5), st.floats(0.001, 0.9), st.floats(0, 1)
)
def test_hours_that_lie_partly_outside_never_raise_an_alarm(
    personalised: float, least: float, more: float, share: float, place: float
) -> None:
    inside = least + place * more
    known = holdout_ratio(personalised, (inside, inside), share=share)
    doubtful = holdout_ratio(personalised, (least, least + more), share=share)

    assert 0 <= known <= doubtful * (1 + 1e-6) <= 1 + 1e-6


def test_a_size_that_fits_is_no_evidence() -> None:
    assert holdout_ratio(95_000, (4_000, 6_000), share=0.05) == 1
