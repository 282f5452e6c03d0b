"""The reader of bit fields."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.bits import Bits, contains, merged
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.gpp import decode_gpp
from byleave.segments.consent.tcf import decode_tc

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ranges = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair)))
)


def written(bits: str) -> Bits:
    """Return a reader of bits that are spelt out, filled up with zeros."""
    bits += "0" * (-len(bits) % 6)
    characters = [ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6)]
    return Bits("".join(characters))


@given(st.text(ALPHABET, min_size=1, max_size=60), st.lists(st.integers(0, 40), max_size=20))
def test_fields_follow_each_other_from_left_to_right(text: str, widths: list[int]) -> None:
    bits = Bits(text)
    expected = "".join(f"{ALPHABET.index(character):06b}" for character in text)

    for width in widths:
        if width > len(expected):
            with pytest.raises(ConsentStringError, match="expected a field of"):
                bits.integer(width)
        else:
            assert bits.integer(width) == int("0" + expected[:width], 2)
            expected = expected[width:]


@pytest.mark.parametrize("text", ["", "=", "AA=", "A B", "A\n", "A+", "A/", "Ä", "A.A", "A~A"])
def test_a_character_outside_the_alphabet_is_refused(text: str) -> None:
    with pytest.raises(ConsentStringError, match="base64url"):
        Bits(text)


@pytest.mark.parametrize(
    ("bits", "number"),
    [
        ("11", 1),
        ("011", 2),
        ("0011", 3),
        ("1011", 4),
        ("00011", 5),
        ("10011", 6),
        ("01011", 7),
        ("0" * 22 + "11", 46_368),
    ],
)
def test_a_fibonacci_code_is_the_sum_of_its_numbers(bits: str, number: int) -> None:
    reader = written(f"{1:012b}0{bits}")

    assert reader.fibonacci_ranges() == ((number, number),)


def test_a_fibonacci_code_without_an_end_is_refused() -> None:
    with pytest.raises(ConsentStringError, match="at most 24 bits"):
        written(f"{1:012b}0" + "01" * 40).fibonacci_ranges()


def test_fibonacci_ranges_that_leave_the_ids_are_refused() -> None:
    longest = "0" * 22 + "11"

    with pytest.raises(ConsentStringError, match="ids up to 65535"):
        written(f"{1:012b}1{longest}{longest}").fibonacci_ranges()


def test_fibonacci_ranges_are_distances_from_the_last_id() -> None:
    # The example of the GPP specification: 3, then 5 to 8.
    assert written(f"{2:012b}" + "0" + "0011" + "1" + "011" + "0011").fibonacci_ranges() == (
        (3, 3),
        (5, 8),
    )


def test_a_vendor_section_is_a_bit_per_id_or_a_list_of_ranges() -> None:
    assert written(f"{6:016b}0101101").vendors() == ((1, 1), (3, 4), (6, 6))
    assert written(f"{6:016b}1{1:012b}1{2:016b}{9:016b}").vendors() == ((2, 9),)
    assert written(f"{0:016b}0").vendors() == ()
    assert written(f"{3:016b}0011").fibonacci_vendors() == ((2, 3),)
    assert written(f"{9:016b}1{1:012b}0011").fibonacci_vendors() == ((2, 2),)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 4), (5, 4)])
def test_ids_start_at_one_and_run_upwards(first: int, last: int) -> None:
    with pytest.raises(ConsentStringError, match="run upwards"):
        written(f"{1:012b}1{first:016b}{last:016b}").ranges()


def test_letters_beyond_z_are_refused() -> None:
    assert written("000000011001").letters() == "AZ"
    with pytest.raises(ConsentStringError, match="two letters"):
        written("000000011010").letters()


def test_the_end_of_a_segment_holds_only_zeros() -> None:
    bits = written("100000")
    bits.integer(1)
    bits.end()

    with pytest.raises(ConsentStringError, match="nothing but zeros"):
        written("100001").end()


@pytest.mark.parametrize("decode", [decode_gpp, decode_tc])
@pytest.mark.parametrize("separator", ["~", "."])
def test_the_parts_of_a_string_are_no_longer_together(
    decode: Callable[[str], object], separator: str
) -> None:
    with pytest.raises(ConsentStringError, match="at most 4096 characters, got 4097"):
        decode(f"A{separator}" * 2048 + "A")


def test_a_text_of_more_than_4096_characters_is_refused() -> None:
    assert Bits("A" * 4096).integer(6) == 0
    with pytest.raises(ConsentStringError, match="at most 4096 characters, got 4097"):
        Bits("A" * 4097)


@given(ranges)
def test_merged_ranges_hold_the_same_ids_apart_and_in_order(
    given_ranges: list[tuple[int, int]],
) -> None:
    result = merged(given_ranges)

    ids = {number for first, last in given_ranges for number in range(first, last + 1)}
    assert {number for number in range(100) if contains(result, number)} == ids
    assert all(before[1] + 1 < after[0] for before, after in pairwise(result))
