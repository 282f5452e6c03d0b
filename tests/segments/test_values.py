import pytest

from byleave.segments import Duration, Share


@pytest.mark.parametrize(
    ("text", "milliseconds", "shortest", "words"),
    [
        ("250ms", 250, "250ms", "250 milliseconds"),
        ("1s", 1_000, "1s", "1 second"),
        ("90s", 90_000, "90s", "90 seconds"),
        ("60m", 3_600_000, "1h", "1 hour"),
        ("24h", 86_400_000, "1d", "1 day"),
        ("2w", 1_209_600_000, "14d", "14 days"),
        ("36525d", 3_155_760_000_000, "36525d", "36525 days"),
    ],
)
def test_a_duration_is_written_as_a_number_and_a_unit(
    text: str, milliseconds: int, shortest: str, words: str
) -> None:
    duration = Duration.parse(text)

    assert duration == milliseconds
    assert str(duration) == shortest
    assert Duration.parse(shortest) == duration
    assert duration.in_words() == words


@pytest.mark.parametrize(
    "text",
    ["", "7", "d", "7 d", "-1d", "1.5h", "0d", "7days", "٣d", f"{'9' * 5_000}d", 7, None],
)
def test_anything_else_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="a duration such as"):
        Duration.parse(text)


def test_a_duration_is_at_most_a_hundred_years() -> None:
    with pytest.raises(ValueError, match="at most a hundred years"):
        Duration.parse("36526d")


@pytest.mark.parametrize(
    ("written", "share", "text"),
    [("5%", 0.05, "5%"), ("0.5%", 0.005, "0.5%"), (0.25, 0.25, "25%"), (1, 1.0, "100%")],
)
def test_a_share_is_a_percentage_or_a_number(written: object, share: float, text: str) -> None:
    assert Share.parse(written) == share
    assert str(Share.parse(written)) == text


@pytest.mark.parametrize("written", ["5", "101%", "-5%", 1.5, True, None, "five %"])
def test_anything_outside_nought_to_one_is_no_share(written: object) -> None:
    with pytest.raises(ValueError, match="a share such as"):
        Share.parse(written)
