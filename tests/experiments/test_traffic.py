from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from byleave.experiments import Decider, Definitions, Visitor, local_snapshot
from byleave.experiments.traffic import Traffic
from byleave.segments import Choice, Consent, Purpose

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000  # 2027-01-15T08:00Z
UNITS = [f"visitor-{number}" for number in range(4_000)]
RANGES = {"control": {"start": 0.0, "end": 0.5}, "proof": {"start": 0.5, "end": 1.0}}
OLD = {"hash": "fnv1a32-v2", "seed": "old", "ranges": RANGES}


def owners(
    definitions: Definitions, consent: Consent, experiment: str = "offer", *, now_ms: int = NOW_MS
) -> set[str]:
    """Return the visitors whom an experiment takes."""
    decider = Decider(local_snapshot(definitions, now_ms=0))
    slot = definitions.experiments[experiment].slot
    return {
        unit
        for unit in UNITS
        if decider.decide(Visitor(id=unit, consent=consent), [slot], now_ms=now_ms)[slot].experiment
        == experiment
    }


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_traffic_takes_its_share(offer: Define, agreed: Consent, share: float) -> None:
    taken = owners(offer(traffic=share), agreed)

    # Four standard deviations of a share of 4,000.
    assert len(taken) / len(UNITS) == pytest.approx(
        share, abs=4 * (share * (1 - share)) ** 0.5 / 63
    )


@pytest.mark.parametrize(
    ("changes", "is_limited"),
    [
        ({}, False),
        ({"traffic": 0.999}, True),
        ({"exclusive": {"group": "top", "start": 0.0, "end": 1.0}}, True),
    ],
)
def test_whoever_takes_everybody_need_not_be_asked(
    offer: Define, changes: dict[str, object], is_limited: bool
) -> None:
    definition = offer(**changes).experiments["offer"]

    assert Traffic(definition, "blake2b64", "seed").is_limited is is_limited


def test_more_traffic_turns_nobody_away(offer: Define, agreed: Consent) -> None:
    taken = [owners(offer(traffic=share), agreed) for share in (0.1, 0.3, 0.6, 1.0)]

    assert taken == sorted(taken, key=len)
    assert all(less < more for less, more in pairwise(taken))


@pytest.mark.parametrize(
    ("now_ms", "share"), [(-1, 0.1), (0, 0.5), (3_599_999, 0.5), (3_600_000, 1.0)]
)
def test_a_ramp_raises_the_traffic_at_its_times(
    offer: Define, agreed: Consent, now_ms: int, share: float
) -> None:
    ramp = [
        {"at": "2027-01-15T09:00", "traffic": "50%"},
        {"at": "2027-01-15T10:00", "traffic": "100%"},
    ]
    definitions = offer(traffic="10%", ramp=ramp, schedule={"timezone": "Europe/Paris"})

    taken = owners(definitions, agreed, now_ms=NOW_MS + now_ms)

    assert taken == owners(offer(traffic=share), agreed)


def test_experiments_of_a_group_take_apart_what_is_apart(define: Define, agreed: Consent) -> None:
    other = {
        "slot": "aside",
        "variants": {"control": "site", "proof": {"template": "a.html"}},
        "allocate": {"policy": "fixed", "goal": "bought"},
        "goals": {"primary": "bought"},
        "exclusive": {"group": "heads", "start": "30%", "end": "100%"},
    }
    definitions = define(
        experiments={
            "offer": {"exclusive": {"group": "heads", "start": "0%", "end": "30%"}},
            "other": other,
        }
    )

    first, second = (owners(definitions, agreed, key) for key in ("offer", "other"))

    assert not first & second
    assert first | second == set(UNITS)
    assert len(first) / len(UNITS) == pytest.approx(0.3, abs=0.03)


def arm(definitions: Definitions, who: Visitor) -> str | None:
    decider = Decider(local_snapshot(definitions, now_ms=0))
    return decider.decide(who, ["hero"], now_ms=NOW_MS)["hero"].arm


@pytest.mark.parametrize(
    ("by", "attributes", "expected"),
    [
        ([], {"plan": "3"}, "id"),
        (["plan"], {"plan": "3"}, "3"),
        (["plan", "size"], {"plan": "3", "size": 4}, "3"),
        (["plan", "size"], {"size": 4}, "4"),
        (["plan", "size"], {"plan": "", "size": 4}, "4"),
        (["size"], {"size": 4.0}, "4"),
        (["size"], {"size": 4.5}, "4.5"),
        (["size"], {"size": True}, None),
        (["plan"], {}, None),
        (["plan"], {"plan": None}, None),
    ],
)
def test_an_imported_split_hashes_what_the_other_system_hashed(
    define: Define,
    agreed: Consent,
    by: list[str],
    attributes: dict[str, Any],
    expected: str | None,
) -> None:
    size = {
        "type": "number",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
    }

    def drawn(by: list[str], **known: Any) -> str | None:
        definitions = define(
            attributes={"size": size},
            experiments={"offer": {"imported": {**OLD, "by": by}}},
        )
        return arm(definitions, Visitor(**{"id": "id", "consent": agreed, **known}))

    got = drawn(by, attributes=attributes)

    assert got == (None if expected is None else drawn([], id=expected))


def test_an_attribute_that_may_not_be_read_is_not_hashed(offer: Define, agreed: Consent) -> None:
    definitions = offer(imported={**OLD, "by": ["plan"]})
    narrow = {"plan": [Purpose.PERSONALISATION]}
    known: dict[str, Any] = {"id": "anna", "attributes": {"plan": "3"}}

    assert arm(definitions, Visitor(consent=agreed, **known)) is not None
    assert arm(definitions, Visitor(consent=agreed, collected=narrow, **known)) is None
    assert (
        arm(definitions, Visitor(consent=Consent({Purpose.ANALYTICS: Choice.GRANTED}), **known))
        is None
    )


def test_who_lies_in_no_range_is_not_taken(offer: Define, agreed: Consent) -> None:
    ranges = {"control": {"start": 0.0, "end": 0.1}, "proof": {"start": 0.5, "end": 0.6}}

    taken = owners(offer(imported={**OLD, "ranges": ranges}), agreed)

    assert len(taken) / len(UNITS) == pytest.approx(0.2, abs=0.03)


def test_imported_filters_take_who_passes_each(offer: Define, agreed: Consent) -> None:
    def part(seed: str, *within: tuple[float, float], **changes: Any) -> dict[str, Any]:
        intervals = [{"start": start, "end": end} for start, end in within]
        return {"hash": "fnv1a32-v2", "seed": seed, "within": intervals, **changes}

    def taken(*filters: dict[str, Any]) -> set[str]:
        return owners(offer(imported={**OLD, "filters": list(filters)}), agreed)

    one = taken(part("one", (0.0, 0.2), (0.4, 0.6)))
    two = taken(part("two", (0.0, 0.5)))
    assert len(one) / len(UNITS) == pytest.approx(0.4, abs=0.04)
    assert taken(part("one", (0.0, 0.2), (0.4, 0.6)), part("two", (0.0, 0.5))) == one & two
    assert taken(part("one", (0.0, 1.0), by=["plan"])) == set()


@pytest.mark.parametrize("hash", ["fnv1a32-v1", "fnv1a32-v2", "murmur3-32"])
def test_traffic_is_drawn_apart_from_the_arms_of_an_imported_split(
    offer: Define, agreed: Consent, hash: str
) -> None:
    definitions = offer(imported={**OLD, "hash": hash, "buckets": 100}, traffic="50%")
    decider = Decider(local_snapshot(definitions, now_ms=0))
    arms = [
        decider.decide(Visitor(id=unit, consent=agreed), ["hero"], now_ms=NOW_MS)["hero"].arm
        for unit in UNITS
    ]

    assert arms.count(None) / len(UNITS) == pytest.approx(0.5, abs=0.04)
    assert arms.count("proof") / len(UNITS) == pytest.approx(0.25, abs=0.04)
