"""Receipts: what they hold, how long, and that nobody else can make one."""

import pytest

from byleave.sdk.receipts import CLOCKS_APART_MS, RECEIPT_LASTS_MS, Receipt, mint, read_receipt

KEY = "the site's receipt key"
RECEIPT = Receipt(decision="0" * 32, at_ms=1_000, arms=(("row-1", 0), ("row-2", 3)))


def test_a_receipt_comes_back_as_it_went() -> None:
    assert read_receipt(mint(RECEIPT, KEY), [KEY], now_ms=1_000) == RECEIPT


def test_a_receipt_is_still_read_after_its_key_was_replaced() -> None:
    assert read_receipt(mint(RECEIPT, KEY), [KEY, "a newer key"], now_ms=1_000) == RECEIPT


@pytest.mark.parametrize(
    ("now_ms", "is_alive"),
    [
        (999 - CLOCKS_APART_MS, False),
        (1_000 - CLOCKS_APART_MS, True),  # by a machine whose clock is behind
        (999 + RECEIPT_LASTS_MS, True),
        (1_000 + RECEIPT_LASTS_MS, False),
    ],
)
def test_a_receipt_lives_for_a_day(now_ms: int, is_alive: bool) -> None:
    assert (read_receipt(mint(RECEIPT, KEY), [KEY], now_ms=now_ms) is not None) is is_alive


@pytest.mark.parametrize("keys", [[], [""], ["another key"]])
def test_a_receipt_of_another_site_is_none(keys: list[str]) -> None:
    assert read_receipt(mint(RECEIPT, KEY), keys, now_ms=1_000) is None


@pytest.mark.parametrize("place", range(0, 80, 7))
def test_a_receipt_that_was_changed_is_none(place: int) -> None:
    text = mint(RECEIPT, KEY)
    changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]

    assert read_receipt(changed, [KEY], now_ms=1_000) is None


@pytest.mark.parametrize("text", ["", ".", "é", "x" * 5_000, "W10.sig"])
def test_a_text_that_is_no_receipt_is_none(text: str) -> None:
    assert read_receipt(text, [KEY], now_ms=1_000) is None
