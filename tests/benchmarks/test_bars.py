"""What a benchmark says of its bars is read back, so that the page shows all of them."""

import pytest
from benchmarks.bars import Bar, heard, number, say
from hypothesis import given
from hypothesis import strategies as st

FIGURES = st.floats(-1e7, 1e7) | st.sampled_from([float("inf"), 1e-9])


@given(
    rounds=st.lists(FIGURES, min_size=1, max_size=5),
    bar=FIGURES,
    unit=st.sampled_from(["", " x", " ms", " MB/s"]),
    is_most=st.booleans(),
)
def test_every_bar_is_read_back_as_it_was_said(
    rounds: list[float], bar: float, unit: str, is_most: bool
) -> None:
    limits = {"most": bar} if is_most else {"least": bar}
    one = Bar.of("a page (100 KB), beside a copy: signed", rounds, unit, **limits)
    printed = f"name   12.0 ms\n{one}\nheld up by 3, at most\n{one}\n"

    said = heard(printed)

    assert len(said) == 2
    assert said[0] == said[1]
    assert said[0].what == one.what
    assert said[0].verdict == ("held" if one.is_held else "MISSED")
    assert said[0].figure == f"{number(one.value)}{unit}"
    assert said[0].spread == f"{number(min(rounds))} to {number(max(rounds))}"
    assert said[0].bound == f"{'at most' if is_most else 'at least'} {number(bar)}{unit}"


def test_what_is_no_number_is_missed_and_read_back() -> None:
    [said] = heard(str(Bar("a page", float("nan"), " ms", most=1.0)))

    assert (said.verdict, said.figure) == ("MISSED", "nan ms")


@pytest.mark.parametrize(("value", "code"), [(1.0, 0), (2.0, 0), (2.001, 1)])
def test_a_missed_bar_is_said_and_ends_with_an_error(
    value: float, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say([Bar("first", 5.0, least=5.0), Bar("second", value, " ms", most=2.0)]) == code
    assert [said.verdict for said in heard(capsys.readouterr().out)] == [
        "held",
        "MISSED" if code else "held",
    ]
