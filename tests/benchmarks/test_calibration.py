"""What is said to be best with some probability is so in that share of runs."""

from benchmarks.calibration import STUDIES, Line, Said, lines, said


def test_of_what_is_said_as_much_comes_true() -> None:
    found = [each for seed in range(80) for each in said(STUDIES[0], seed)]

    # A run whose sizes raise an alarm by chance says nothing.
    assert len(found) >= 3 * 78
    assert sum(each.is_best for each in found) == len(found) / 3
    assert not any(line.is_fault for line in lines(found))


def test_a_bin_tells_how_much_came_true() -> None:
    found = [Said(0.8, is_best=True)] * 3 + [Said(0.8, is_best=False), Said(1.0, is_best=True)]

    first, last = lines(found)

    assert str(first) == "70% to 90% | 4 | 0.800 | 0.750"
    assert (last.times, last.true) == (1, 1.0)


def test_what_is_said_too_often_is_a_fault() -> None:
    assert Line(0.7, 0.9, 2_000, 0.8, 0.65).is_fault
    assert Line(0.98, 1.0, 2_000, 0.995, 0.98).is_fault
    assert Line(0.0, 0.02, 2_000, 0.003, 0.02).is_fault
    assert not Line(0.7, 0.9, 2_000, 0.8, 0.77).is_fault
