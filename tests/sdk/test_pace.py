"""How long the server is left alone."""

import pytest

from byleave.sdk.pace import LONGEST_ASKED_S, Pace


@pytest.mark.parametrize(
    ("failures", "retry_after", "chance", "pause_s"),
    [
        (0, None, 0.9, 1),
        (1, None, 0.5, 1),
        (2, None, 0.5, 2),
        (3, None, 0.25, 2),
        (50, None, 0.5, 30),
        (0, "7", 0.9, 7),
        (1, "7", 0.5, 8),
        (1, "0", 0.5, 1),
        (1, "999999", 0.0, LONGEST_ASKED_S),
        (1, "-7", 0.5, 1),
        (1, "soon", 0.5, 1),
        (1, "²", 0.5, 1),
    ],
)
def test_pauses_grow_with_failures_and_respect_what_the_server_asks(
    failures: int, retry_after: str | None, chance: float, pause_s: float
) -> None:
    pace = Pace(1.0, chance=lambda: chance)
    for _ in range(failures - 1):
        pace.pause_s(is_well=False)
    pace.note({} if retry_after is None else {"retry-after": retry_after})

    assert pace.pause_s(is_well=failures == 0) == pause_s


def test_what_was_asked_holds_once_and_success_starts_anew() -> None:
    pace = Pace(1.0, chance=lambda: 0.5)
    pace.note({"retry-after": "7"})
    pauses = [pace.pause_s(is_well=is_well) for is_well in (False, False, True, False)]

    assert pauses == [8, 2, 1, 1]


def test_of_two_answers_the_longer_wait_holds() -> None:
    pace = Pace(1.0)
    pace.note({"retry-after": "7"})
    pace.note({"retry-after": "3"})

    assert pace.asked_s == 7
