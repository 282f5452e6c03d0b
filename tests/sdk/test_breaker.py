"""The breaker: a server that is away is asked now and then, and no more."""

from byleave.sdk.breaker import Breaker


def test_after_five_failures_in_a_row_one_question_in_five_seconds_goes_through() -> None:
    now_s = 100.0
    breaker = Breaker(monotonic=lambda: now_s)
    for _ in range(4):
        breaker.note(is_well=False)
    breaker.note(is_well=True)
    for _ in range(4):
        breaker.note(is_well=False)
    assert breaker.may_ask()

    breaker.note(is_well=False)

    assert not breaker.may_ask()
    now_s += 5
    assert [breaker.may_ask() for _ in range(3)] == [True, False, False]
    breaker.note(is_well=False)
    now_s += 4.9
    assert not breaker.may_ask()
    now_s += 0.1
    assert breaker.may_ask()
    breaker.note(is_well=True)
    assert [breaker.may_ask() for _ in range(3)] == [True, True, True]
