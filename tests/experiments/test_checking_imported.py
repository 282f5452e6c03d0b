from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.checking import check

Define = Callable[..., Definitions]

RANGES = {"control": {"start": 0.0, "end": 0.5}, "proof": {"start": 0.5, "end": 1.0}}
OLD = {"hash": "fnv1a32-v2", "seed": "old", "ranges": RANGES}


def thompson(**changes: Any) -> dict[str, Any]:
    return {"policy": "thompson", **changes}


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"allocate": thompson()},
            ": an imported split is fixed: its draw knows no allocation row, so that weights which "
            "move would not be what visitors were drawn with. Use `policy: fixed`.",
        ),
        (
            {"allocate": {"shares": {"control": "50%", "proof": "50%"}}},
            ": an imported split has its `ranges`; leave `shares` out",
        ),
        (
            {"variants": {"proof": {"when": "swiss"}}},
            ": an imported split has neither contexts nor conditional variants",
        ),
        (
            {"allocate": {"contexts": ["swiss"]}},
            ": an imported split has neither contexts nor conditional variants",
        ),
        ({"imported": {**OLD, "buckets": 0}}, ".buckets: expected at least 1, got 0"),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "prof": {"start": 0, "end": 0}}}},
            ".ranges.prof: unknown variant 'prof'. Did you mean 'proof'?",
        ),
        (
            {"imported": {**OLD, "ranges": {"control": {"start": 0, "end": 1}}}},
            ".ranges: give every variant a range, proof too",
        ),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "proof": {"start": 0.6, "end": 1.2}}}},
            ".ranges.proof: expected 0 ≤ start ≤ end ≤ 1, got 0.6 and 1.2",
        ),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "proof": {"start": 0.4, "end": 1}}}},
            ".ranges.proof: 'control' and 'proof' overlap",
        ),
        (
            {"imported": {**OLD, "ranges": {key: {"start": 0, "end": 0} for key in RANGES}}},
            ".ranges: every range is empty",
        ),
        (
            {"imported": {**OLD, "by": ["paln"]}},
            ".by[0]: unknown attribute 'paln'. Did you mean 'plan'?",
        ),
        (
            {"imported": {**OLD, "by": ["country", "complains"]}},
            ".by[1]: expected an attribute of type string or number, got boolean",
        ),
        (
            {"imported": {**OLD, "by": ["mood"]}},
            ".by[0]: attribute 'mood' may not be used for analytics, which an enrolment reveals",
        ),
        (
            {
                "imported": {
                    **OLD,
                    "filters": [
                        {"hash": "fnv1a32-v1", "seed": "", "within": [{"start": 0.5, "end": 0.1}]}
                    ],
                }
            },
            ".filters[0].within[0]: expected 0 ≤ start ≤ end ≤ 1, got 0.5 and 0.1",
        ),
        (
            {
                "imported": {
                    **OLD,
                    "filters": [{"hash": "fnv1a32-v1", "seed": "", "within": [], "by": ["paln"]}],
                }
            },
            ".filters[0].by[0]: unknown attribute 'paln'. Did you mean 'plan'?",
        ),
    ],
)
def test_faults_of_an_imported_split(offer: Define, changes: dict[str, Any], expected: str) -> None:
    found = faults_of(offer(**{"imported": OLD, **changes}))

    assert found == [f"$.experiments.offer.imported{expected}"]
