"""Lost units are found, and where nothing is lost nothing is."""

import pytest
from benchmarks.health import SETTINGS, Alarms, Setting, alarms, faults, shares


@pytest.mark.parametrize("setting", SETTINGS[:2], ids=str)
def test_where_nothing_is_lost_no_test_but_that_of_equal_shares_alarms(setting: Setting) -> None:
    found = [alarms(setting, seed) for seed in range(60)]

    assert shares(found) == [0, 0, 0, 1]
    assert [*faults(setting, found)] == []


def test_a_tenth_that_is_lost_is_found() -> None:
    found = [alarms(Setting(0.1, 500), seed) for seed in range(60)]

    one_look, any_look, holdout, _ = shares(found)
    assert one_look >= 0.8
    assert any_look >= 0.7
    assert holdout >= 0.4
    assert [*faults(Setting(0.1, 500), found)] == []


@pytest.mark.parametrize(
    ("lost", "raised"), [(0.0, Alarms(True, False, False, True)), (0.1, Alarms(*[False] * 4))]
)
def test_what_is_not_as_promised_is_named(lost: float, raised: Alarms) -> None:
    assert [*faults(Setting(lost, 500), [raised] * 100)]
