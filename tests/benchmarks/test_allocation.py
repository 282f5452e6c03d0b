"""The statistics of a server are quick."""

from benchmarks.allocation import measured, reallocate, report


def test_new_weights_for_all_experiments_take_a_quarter_of_a_second() -> None:
    assert measured(reallocate(20), rounds=3) <= 250


def test_a_report_takes_twenty_milliseconds() -> None:
    assert measured(report(500), rounds=5) <= 20
