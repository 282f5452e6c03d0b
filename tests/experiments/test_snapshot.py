import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from byleave.experiments import Definitions, Version, load_snapshot, local_snapshot
from byleave.experiments.snapshot import RECEIPT_GRACE_MS, RECEIPT_LEAD_MS, ReceiptKey
from byleave.segments import DefinitionError, canonical_json, plain

Define = Callable[..., Definitions]


def test_a_snapshot_survives_the_wire(define: Define) -> None:
    snapshot = local_snapshot(define(), now_ms=1_000)

    assert load_snapshot(json.loads(json.dumps(plain(snapshot)))) == snapshot
    assert load_snapshot(json.loads(canonical_json(snapshot))) == snapshot


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(DefinitionError, match="'version' is missing"):
        load_snapshot({"published_ms": 1})


def test_a_restored_backup_is_newer_than_everything_before() -> None:
    assert Version(generation=2, number=1) > Version(generation=1, number=99)


@pytest.mark.parametrize(
    ("after_ms", "signs", "accepted"),
    [
        (-1, "old", ["old", "new"]),
        (RECEIPT_LEAD_MS - 1, "old", ["old", "new"]),
        (RECEIPT_LEAD_MS, "new", ["old", "new"]),
        (RECEIPT_GRACE_MS - 1, "new", ["old", "new"]),
        (RECEIPT_GRACE_MS, "new", ["new"]),
    ],
)
def test_a_receipt_key_is_known_before_it_signs_and_accepted_after(
    define: Define, after_ms: int, signs: str, accepted: list[str]
) -> None:
    made_ms = 10**12
    keys = (ReceiptKey(key="old", since_ms=0), ReceiptKey(key="new", since_ms=made_ms))
    snapshot = replace(local_snapshot(define(), now_ms=1_000), receipt_keys=keys)

    assert snapshot.signing_key(made_ms + after_ms) == signs
    assert snapshot.accepted_keys(made_ms + after_ms) == accepted


def test_a_clock_that_is_days_behind_still_has_a_key_to_sign_with(define: Define) -> None:
    keys = (ReceiptKey(key="newest", since_ms=10**12),)
    snapshot = replace(local_snapshot(define(), now_ms=1_000), receipt_keys=keys)

    assert snapshot.signing_key(0) == "newest"
    assert snapshot.accepted_keys(0) == ["newest"]


def test_where_nothing_is_measured_no_key_signs(define: Define) -> None:
    snapshot = local_snapshot(define(), now_ms=1_000)

    assert snapshot.signing_key(1_000) == ""
    assert snapshot.accepted_keys(1_000) == []
