"""What a server and an analyst wait for is measured, and each measurement has its bar."""

import pytest
from benchmarks import allocation


def test_the_table_names_what_was_measured_and_how_long_it_may_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["allocation", "--rounds", "1"])

    outcome = allocation.main()

    lines = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [most for _, _, most in lines] == ["250", "20", "20", "6000"]
    assert outcome == int(any(float(took) > float(most) for _, took, most in lines))
