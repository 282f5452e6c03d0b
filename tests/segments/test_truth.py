from itertools import product

import pytest

from byleave.segments.truth import Truth, Undetermined, Verdict, all_of, any_of, none_of

T, F = Verdict.TRUE, Verdict.FALSE
W, M, I = Verdict.WITHHELD, Verdict.MISSING, Verdict.INVALID  # noqa: E741 — a truth table's letters

ALL = """
    T F W M I
T | T F W M I
F | F F F F F
W | W F W W W
M | M F W M M
I | I F W M I
"""
ANY = """
    T F W M I
T | T T T T T
F | T F W M I
W | T W W W W
M | T M W M M
I | T I W M I
"""
LETTERS = {"T": T, "F": F, "W": W, "M": M, "I": I}


def table(text: str) -> dict[tuple[Verdict, Verdict], Verdict]:
    head, *rows = text.strip().splitlines()
    return {
        (LETTERS[row[0]], LETTERS[column]): LETTERS[cell]
        for row in rows
        for column, cell in zip(head.split(), row[3:].split(), strict=True)
    }


@pytest.mark.parametrize(("pair", "expected"), table(ALL).items())
def test_all_is_the_strong_conjunction(pair: tuple[Verdict, Verdict], expected: Verdict) -> None:
    assert all_of(pair) is expected


@pytest.mark.parametrize(("pair", "expected"), table(ANY).items())
def test_any_is_the_strong_disjunction(pair: tuple[Verdict, Verdict], expected: Verdict) -> None:
    assert any_of(pair) is expected


@pytest.mark.parametrize(("verdict", "expected"), [(T, F), (F, T), (W, W), (M, M), (I, I)], ids=str)
def test_none_of_one_is_its_negation_and_keeps_a_doubt(verdict: Verdict, expected: Verdict) -> None:
    assert none_of([verdict]) is expected


def test_none_is_the_negation_of_any() -> None:
    for triple in product(Verdict, repeat=3):
        assert none_of(triple) is none_of([any_of(triple)])


def test_an_empty_group_is_true_unless_something_had_to_be_true() -> None:
    assert all_of([]) is T
    assert none_of([]) is T
    assert any_of([]) is F


def test_determining_a_doubt_never_turns_an_answer_around() -> None:
    """Kleene's operators are monotone: that is why withheld data cannot show through."""
    for group, doubt, other in product((all_of, any_of, none_of), (W, M, I), Verdict):
        before = group([doubt, other])

        if before.reason is None:
            assert group([T, other]) is before
            assert group([F, other]) is before


def test_a_verdict_says_its_truth_and_its_reason() -> None:
    assert (T.truth, T.reason, T.is_true) == (Truth.TRUE, None, True)
    assert (F.truth, F.reason, F.is_true) == (Truth.FALSE, None, False)
    assert (W.truth, W.reason, W.is_true) == (
        Truth.UNDETERMINED,
        Undetermined.WITHHELD,
        False,
    )
    assert [str(verdict) for verdict in (T, M)] == ["true", "undetermined (missing)"]
