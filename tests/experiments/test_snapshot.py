import json
from collections.abc import Callable

import pytest

from byleave.experiments import Definitions, Version, load_snapshot, local_snapshot
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
