"""The promises of the intervals, kept through the production rule and report."""

from dataclasses import replace

import pytest
from benchmarks.coverage import Coverage, Setting, replicate, settings, summarise


def found(setting: Setting, *, replications: int) -> Coverage:
    return summarise(setting, replicate(setting, range(replications)))


def test_the_table_has_eight_settings_without_and_eight_with_a_share_for_the_control() -> None:
    every = settings()

    assert len(set(every)) == 16
    assert sum(setting.control == 0.10 for setting in every) == 8
    assert str(every[0]) == "equal / floor 1%, control 1%"
    assert str(every[-1]) == "+1 pt, trend / floor 5%, control 10%"


def test_identical_arms_under_a_trend_hold_at_every_look_where_plain_means_fail() -> None:
    drifting = Setting(0.0, True, 0.01, 0.01)

    coverage = found(drifting, replications=40)

    # 40 replications: the standard error of a share of .95 is .034.
    assert coverage.always_valid >= 0.95
    assert coverage.guaranteed >= 0.95
    assert coverage.fixed >= 0.86
    assert coverage.naive <= 0.55
    assert [*coverage.faults()] == []


def test_a_true_difference_is_held_and_a_share_for_the_control_makes_intervals_narrower() -> None:
    bare, kept = (
        found(Setting(0.01, True, 0.01, control), replications=15) for control in (0.01, 0.10)
    )

    assert bare.always_valid >= 0.9
    assert kept.always_valid >= 0.9
    assert kept.widths[1] < 0.75 * bare.widths[1]


def test_what_is_not_as_promised_is_named() -> None:
    bad = Coverage(
        setting=Setting(0.0, True, 0.01, 0.1),
        replications=1_000,
        fixed=0.9,
        always_valid=0.96,
        guaranteed=0.94,
        naive=0.95,
        shown=(0.92, 0.95, 0.93),
        widths=(0.1, 0.2, 0.3),
    )

    assert len([*bad.faults()]) == 7


def test_an_interval_that_is_not_shown_is_none_that_holds() -> None:
    setting = Setting(0.0, False, 0.05, 0.1)
    one, other = replicate(setting, range(2))
    assert one.last is not None
    missed = replace(one, fixed_holds=False)
    silent = replace(other, last=None, fixed_holds=True)
    unsure = replace(one, last=replace(one.last, fixed_interval=None), fixed_holds=True)

    found = summarise(setting, [missed, silent, unsure])

    assert found.fixed == pytest.approx(2 / 3)
    assert found.shown[0] == 0.0
    assert found.widths[0] == one.last.fixed_interval.width  # type: ignore[union-attr]  # shown


@pytest.mark.long
@pytest.mark.parametrize("setting", settings(), ids=str)
def test_every_setting_of_the_table_is_as_promised(setting: Setting) -> None:
    assert [*found(setting, replications=100).faults()] == []
