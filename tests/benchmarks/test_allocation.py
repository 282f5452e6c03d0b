"""What the statistics of a server take is measured against what they may take."""

import pytest
from benchmarks import allocation
from benchmarks.bars import heard


def test_every_work_is_measured_against_what_it_may_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["allocation", "--rounds", "1"])

    allocation.main()  # whether a busy machine holds the bars is another question

    bounds = [said.bound for said in heard(capsys.readouterr().out)]
    assert bounds == [f"at most {most} ms" for most in ("150", "5", "20", "500")]
